//! TLS and HTTP/2 at the address of zones, by the host that is asked for, and to their upstreams.

use littoral_tests::{Dev, Pair, SECURE_SITE, Script, Zoned};

/// Asks by TLS, on one connection: `ask(host)` says version, status and body, or what went wrong.
const ASK: &str = r#"
const fs = require('fs'), [port, name, ca, two, own, ...hosts] = process.argv.slice(1)
const options = { ca: fs.readFileSync(ca), servername: name, host: '127.0.0.1', port }
if (own) Object.assign(options, { cert: fs.readFileSync(own + '/a.pem'), key: fs.readFileSync(own + '/a.key') })
const two_ = () => {
  const client = require('http2').connect('https://127.0.0.1:' + port, options)
  client.on('error', error => console.log(error.code))
  const ask = host => new Promise((done, failed) => {
    const stream = client.request({ ':authority': host, ':path': '/' })
    let status, body = ''
    stream.on('response', head => status = head[':status']).on('data', part => body += part)
    stream.on('error', failed).on('end', () => done(['2', status, body].join(' ')))
  })
  return [ask, () => client.close()]
}
const one = () => {
  const agent = new (require('https').Agent)({ keepAlive: true, maxSockets: 1 })
  const ask = host => new Promise((done, failed) => {
    const request = require('https').get({ ...options, agent, headers: { host } }, res => {
      let body = ''
      res.on('data', part => body += part)
      res.on('end', () => done([res.httpVersion, res.statusCode, body].join(' ')))
    })
    request.on('error', failed)
  })
  return [ask, () => agent.destroy()]
}
const main = async () => {
  const [ask, close] = two === '2' ? two_() : one()
  for (const host of hosts) console.log((await ask(host)).slice(0, 60).replace(/\s/g, ' '))
  close()
}
main().catch(error => console.log(error.code))
"#;

fn ask(zoned: &Zoned, pair: &Pair, name: &str, two: bool, hosts: &[&str]) -> Vec<String> {
    ask_as(None, zoned, pair, (name, two), hosts)
}

/// The same, showing a certificate.
fn ask_as(
    own: Option<&Pair>,
    zoned: &Zoned,
    pair: &Pair,
    (name, two): (&str, bool),
    hosts: &[&str],
) -> Vec<String> {
    let port = zoned.address(0).port().to_string();
    let mut arguments = vec![&*port, name, pair.certificate(), if two { "2" } else { "1" }];
    arguments.push(own.map_or("", Pair::folder));
    arguments.extend(hosts);
    let mut script = Script::run(ASK, &arguments);
    hosts.iter().map(|_| script.says()).collect()
}

fn secured(pair: &Pair, says: &str) -> String {
    format!(
        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n[[routes]]\npath = \"/*\"\n\
         answer = {{ body = \"{says}\" }}\n",
        pair.certificate(),
        pair.key()
    )
}

#[test]
fn each_zone_shows_its_own_certificate_and_speaks_http_2() {
    let zoned = Zoned::on(Dev::of(1));
    let (shop, other) = (Pair::of(&["shop.example"]), Pair::of(&["a.other.example"]));
    zoned.apply(&secured(&shop, "shop"));
    let text =
        format!("name = \"other\"\nhosts = [\"*.other.example\"]\n{}", secured(&other, "other"));
    std::fs::write(zoned.folder().join("other.toml"), text).expect("a file");
    zoned.zone(&["apply", "other.toml"]).well();

    for (two, version) in [(true, "2"), (false, "1.1")] {
        let said = ask(&zoned, &shop, "shop.example", two, &["shop.example", "a.other.example"]);
        assert_eq!(said[0], format!("{version} 200 shop"));
        assert!(said[1].starts_with(&format!("{version} 421 ")), "{}", said[1]);
        let said = ask(&zoned, &other, "a.other.example", two, &["a.other.example:8443"]);
        assert_eq!(said, [format!("{version} 200 other")]);
        let said = ask(&zoned, &shop, "a.other.example", two, &["a.other.example"]);
        assert!(!said[0].contains("200"), "not with another's certificate: {said:?}");
        let said = ask(&zoned, &shop, "nobody.example", two, &["shop.example"]);
        assert!(!said[0].contains("200"), "nobody has this host: {said:?}");
    }
    assert_eq!(zoned.get("/").expect(200).text(), "shop", "without TLS, as before");

    // What is renewed in place is shown from the next version on, at the latest.
    shop.renew(&["shop.example"]);
    zoned.apply(&secured(&shop, "renewed"));
    let said = ask(&zoned, &shop, "shop.example", true, &["shop.example"]);
    assert_eq!(said, ["2 200 renewed"]);
}

#[test]
fn files_that_are_not_there_are_refused_at_their_place() {
    let zoned = Zoned::on(Dev::of(1));
    let pair = Pair::of_here();
    let wrong = secured(&pair, "x").replace("a.key", "b.key");
    zoned.write(&wrong);
    let said = zoned.zone(&["apply"]).badly().said();
    assert!(said.contains("zone.toml:3:1: ") && said.contains("b.key"), "{said}");
    zoned.write("[upstreams.a]\nservers = [\"https://127.0.0.1:1\"]\nca = \"/nowhere.pem\"\n");
    let said = zoned.zone(&["apply"]).badly().said();
    assert!(said.contains("zone.toml:5:6: /nowhere.pem: "), "{said}");
    zoned.write("[upstreams.a]\nservers = [\"http://127.0.0.1:1\"]\nca = \"a.pem\"\n");
    let said = zoned.zone(&["apply"]).badly().said();
    assert!(said.contains("zone.toml:5:6: this is for servers that are reached by"), "{said}");
}

#[test]
fn an_upstream_by_tls_is_believed_if_it_is_vouched_for() {
    let zoned = Zoned::on(Dev::of(1));
    let pair = Pair::of(&["app.internal"]);
    for (two, version) in [(&["2"][..], "2.0"), (&[], "1.1")] {
        let arguments: Vec<_> =
            [pair.certificate(), pair.key()].iter().chain(two).copied().collect();
        let mut site = Script::run(SECURE_SITE, &arguments);
        let port = site.says();
        let upstream = |more: &str| {
            format!(
                "[upstreams.a]\nservers = [\"https://127.0.0.1:{port}\"]\nca = \"{}\"\n{more}\n\
                 [[routes]]\npath = \"/*\"\nupstream = \"a\"\n",
                pair.certificate()
            )
        };
        let path = format!("/{version}");
        zoned.apply(&upstream(""));
        assert_eq!(zoned.get(&path).expect(502).code(), Some(10450), "it is called otherwise");
        zoned.apply(&upstream("server-name = \"app.internal\""));
        let expected = format!("{version} GET shop.example  1");
        assert_eq!(zoned.get(&path).expect(200).text(), expected);
        assert_eq!(zoned.get(&path).expect(200).text(), expected, "a hit");
    }
}

#[test]
fn who_shows_a_certificate_that_is_vouched_for_comes_in() {
    let zoned = Zoned::on(Dev::of(1));
    let (shop, open) = (Pair::of(&["shop.example"]), Pair::of(&["open.example"]));
    let (friend, stranger) = (Pair::of(&["friend.example"]), Pair::of(&["friend.example"]));
    let rules = "[[rules]]\nname = \"friends\"\nclient-certificate = { give = [\"name\", \"fingerprint\"] }\n\
                 [[rules]]\nname = \"names\"\nredirect = { to = \"/{client.name}\" }\n\
                 when = { path = \"/name\" }\n";
    let text = secured(&shop, "in").replace(
        "[[routes]]",
        &format!("client-authorities = \"{}\"\n[[routes]]", friend.certificate()),
    );
    zoned.apply(&format!("{text}{rules}"));
    let other = format!("name = \"open\"\nhosts = [\"open.example\"]\n{}", secured(&open, "open"));
    std::fs::write(zoned.folder().join("open.toml"), other).expect("a file");
    zoned.zone(&["apply", "open.toml"]).well();
    for two in [true, false] {
        let ask = |own: Option<&Pair>| {
            ask_as(own, &zoned, &shop, ("shop.example", two), &["shop.example"]).remove(0)
        };
        assert!(ask(Some(&friend)).ends_with(" 200 in"), "{}", ask(Some(&friend)));
        assert!(ask(None).contains(" 401 "), "{}", ask(None));
        assert!(!ask(Some(&stranger)).contains("200"), "nobody vouches for it");
        // Shown to the other zone, it counts for nothing here.
        let hosts = &["open.example", "shop.example"];
        let said = ask_as(Some(&friend), &zoned, &open, ("open.example", two), hosts);
        assert!(said[0].ends_with("200 open") && said[1].contains(" 421 "), "{said:?}");
    }
    assert_eq!(zoned.get("/").expect(401).code(), Some(10480), "without TLS none is shown");
    let listed = rules.replace("give", &format!("fingerprints = \"{}\", give", "0".repeat(64)));
    zoned.apply(&format!("{text}{listed}"));
    let said = ask_as(Some(&friend), &zoned, &shop, ("shop.example", true), &["shop.example"]);
    assert!(said[0].contains(" 403 "), "{said:?}");
}
