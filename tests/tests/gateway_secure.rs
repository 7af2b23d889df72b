//! TLS and HTTP/2, to the site and to clients.

use littoral_tests::{Pair, Proxy, Request, SECURE_SITE as SITE, Script};

#[test]
fn a_site_by_tls_is_asked_by_http_2_if_it_speaks_that() {
    let pair = Pair::of_here();
    for (two, version) in [(&["2"][..], "2.0"), (&[], "1.1")] {
        let arguments: Vec<_> =
            [pair.certificate(), pair.key()].iter().chain(two).copied().collect();
        let mut site = Script::run(SITE, &arguments);
        let url = format!("https://127.0.0.1:{}", site.says());
        let proxy = Proxy::to(&url, &["--ca", pair.certificate()]);
        assert!(proxy.page().contains(&url), "{}", proxy.page());
        assert_eq!(proxy.get("/").expect(200).text(), format!("{version} GET test  1"));
        assert_eq!(proxy.get("/").expect(200).text(), format!("{version} GET test  1"), "a hit");
        let posted = proxy.send(&Request::new("POST", "/").body("body")).expect(200);
        assert_eq!(posted.text(), format!("{version} POST test body 2"));
        let many: Vec<_> = std::thread::scope(|scope| {
            let ask = |n| proxy.get(&format!("/{n}")).expect(200).status;
            let all: Vec<_> = (0..20).map(|n| scope.spawn(move || ask(n))).collect();
            all.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        assert_eq!(many, [200; 20]);
        let other = Pair::of_here();
        let proxy = Proxy::to(&url, &["--ca", other.certificate()]);
        assert_eq!(proxy.get("/").expect(502).code(), Some(10450), "nobody vouches for it");
    }
}

/// Asks twice by HTTP/2, and sends a body.
const ASK: &str = r#"
const fs = require('fs'), [url, ca] = process.argv.slice(1)
const client = require('http2').connect(url, ca ? { ca: fs.readFileSync(ca) } : {})
const ask = (headers, sent) => new Promise((done, failed) => {
  const stream = client.request(headers)
  let head, body = ''
  stream.on('response', h => head = h).on('data', part => body += part).on('error', failed)
  stream.on('end', () => done([head[':status'], (head['cache-status'] || '').split(';')[1], body].join('|')))
  stream.end(sent)
})
const main = async () => {
  console.log(await ask({ ':path': '/a' }))
  const all = await Promise.all([1, 2, 3].map(() => ask({ ':path': '/a' })))
  console.log([...new Set(all)].join(' '))
  console.log(await ask({ ':path': '/b', ':method': 'POST', 'content-length': 4 }, 'body'))
  client.close()
}
main().catch(error => console.log(String(error)))
"#;

#[test]
fn clients_speak_http_2_by_tls_or_by_beginning_with_it() {
    let pair = Pair::of_here();
    let site = littoral_tests::Site::start(|asked, to| {
        let says = format!("{} {} {}", asked.method, asked.target, asked.body.len());
        littoral_tests::answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], says.as_bytes())
    });
    let secure = Proxy::with(site.address(), &["--cert", pair.certificate(), "--key", pair.key()]);
    let plain = Proxy::before(&site);
    for (url, ca) in [
        (format!("https://{}", secure.address()), &[pair.certificate()][..]),
        (format!("http://{}", plain.address()), &[]),
    ] {
        let arguments: Vec<_> = std::iter::once(&*url).chain(ca.iter().copied()).collect();
        let mut client = Script::run(ASK, &arguments);
        assert_eq!(client.says(), "200| fwd=miss|GET /a 0", "{url}");
        assert_eq!(client.says(), "200| hit|GET /a 0");
        assert_eq!(client.says(), "200| fwd=bypass|POST /b 4");
    }
    let asked = site.asked();
    let hosts: Vec<_> = asked.iter().map(|asked| asked.header("host")).collect();
    let expected = [secure.address().to_string(), plain.address().to_string()];
    assert_eq!(hosts[0], Some(&*expected[0]));
    assert_eq!(hosts.last().copied().flatten(), Some(&*expected[1]));
    assert_eq!(asked[0].header("x-forwarded-proto"), Some("https"));
}
