//! What rules do to a request, seen from both of its ends.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use littoral_tests::{Connection, Dev, Script, Site, Zoned, answer, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// A site that shows how it was asked.
fn mirror() -> Site {
    Site::start(|asked, to| {
        let mut text = format!("{} {}\n", asked.method, asked.target);
        for (name, value) in &asked.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        answer(to, "200 OK", &[("X-Site", "here"), ("Server", "secret")], text.as_bytes())
    })
}

fn app(site: &Site) -> String {
    format!(
        "[upstreams.app]\nservers = [\"{}\"]\n[[routes]]\npath = \"/*\"\nupstream = \"app\"\n",
        site.address()
    )
}

#[test]
fn rules_change_what_is_asked_and_what_is_answered() {
    let site = mirror();
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply(&format!(
        r#"{}
[[rules]]
name = "office"
when = {{ path = ["/admin", "/admin/*"] }}
addresses = {{ allow = ["10.0.0.0/8"] }}
[[rules]]
name = "moved"
when = {{ path = "/blog/{{year}}/{{slug}}" }}
redirect = {{ to = "https://{{request.host}}/posts/{{slug}}?y={{year}}", status = 301 }}
[[rules]]
name = "short"
when = {{ path = "/p/{{id}}" }}
rewrite = {{ path = "/products/{{id}}", query = "short=1" }}
[[rules]]
name = "products"
when = {{ path = "/products/*" }}
headers = {{ request = {{ set = {{ x-path = "{{request.path}}" }}, remove = ["x-internal"] }}, response = {{ set = {{ x-frame-options = "DENY" }}, remove = ["server"] }} }}
[[rules]]
name = "sizes"
limits = {{ body = "4B" }}
[[rules]]
name = "pages"
when = {{ path = "/pages" }}
cors = {{ origins = ["https://app.example"], methods = ["PUT"], max-age = "10m" }}
[[rules]]
name = "rate"
when = {{ path = "/rated" }}
rate-limit = {{ requests = 2, every = "1h", by = "{{request.header.x-who}}" }}
"#,
        app(&site)
    ));
    for path in ["/admin/x", "/%61dmin/x", "//admin/x", "/y/../admin/x", "/admin"] {
        let refused = zoned.get(path).expect(403);
        assert_eq!(refused.code(), Some(10477), "{path}");
    }
    assert_eq!(zoned.get("/%").expect(400).code(), Some(10474));
    let moved = zoned.get("/blog/2026/a%20b").expect(301);
    assert_eq!(moved.header("location"), Some("https://shop.example/posts/a%20b?y=2026"));

    let request = Zoned::request("GET", "/p/7?x").header("X-Internal", "1");
    let answer = zoned.send(&request).expect(200);
    let text = answer.text();
    assert!(text.starts_with("GET /products/7?short=1\n"), "{text}");
    assert!(text.contains("x-path: /products/7\n") && !text.contains("x-internal"), "{text}");
    assert!(text.contains("host: shop.example\n"), "{text}");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!((answer.header("server"), answer.header("x-site")), (None, Some("here")));

    let long = Zoned::request("POST", "/x").body("12345");
    assert_eq!(zoned.send(&long).expect(413).code(), Some(10481));
    zoned.send(&Zoned::request("POST", "/x").body("1234")).expect(200);

    let from = |origin: &str, method: &str| {
        let request = Zoned::request(method, "/pages").header("Origin", origin);
        zoned.send(&request.header("Access-Control-Request-Method", "PUT"))
    };
    let preflight = from("https://app.example", "OPTIONS").expect(204);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("PUT"));
    assert_eq!(preflight.header("access-control-max-age"), Some("600"));
    let allowed = from("https://app.example", "GET").expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(from("https://evil.example", "GET").header("access-control-allow-origin"), None);

    let rated = |who: &str| zoned.send(&Zoned::request("GET", "/rated").header("X-Who", who));
    rated("a").expect(200);
    rated("a").expect(200);
    let refused = rated("a").expect(429);
    assert!(refused.header("retry-after").is_some());
    rated("b").expect(200);
}

#[test]
fn keys_of_an_api_and_maps_of_redirects_come_from_namespaces() {
    let site = mirror();
    let zoned = Zoned::on(Dev::of(1));
    let (keys, map) = (zoned.dev.namespace("keys"), zoned.dev.namespace("map"));
    let hash =
        littoral_tests::run(littoral_tests::littoral().args(["token", "hash", "letmein"]), b"");
    keys.put(hash.well().text().trim(), r#"{"owner":"ann","plan":"gold"}"#);
    map.put("/old/page", "/new/page?x=1");
    zoned.apply(&format!(
        r#"{}
[[rules]]
name = "keys"
when = {{ path = "/api/*" }}
api-key = {{ namespace = "keys", give = ["owner", "plan"] }}
[[rules]]
name = "who"
when = {{ path = "/api/*" }}
headers = {{ request = {{ set = {{ x-owner = "{{key.owner}}", x-plan = "{{key.plan}}" }} }} }}
[[rules]]
name = "map"
redirects = {{ namespace = "map", status = 308 }}
"#,
        app(&site)
    ));
    assert_eq!(zoned.get("/api/x").expect(401).code(), Some(10480));
    let with = |key: &str| zoned.send(&Zoned::request("GET", "/api/x").header("X-Api-Key", key));
    with("wrong").expect(401);
    let answer = with("letmein").expect(200);
    let text = answer.text();
    assert!(text.contains("x-owner: ann\n") && text.contains("x-plan: gold\n"), "{text}");
    let moved = zoned.get("/old/page").expect(308);
    assert_eq!(moved.header("location"), Some("/new/page?x=1"));
    zoned.get("/old/other").expect(200);
}

/// Six checks that answer only when all six have been asked.
#[test]
fn rules_that_need_nothing_of_each_other_ask_at_once() {
    let waiting = (Mutex::new(BTreeSet::new()), Condvar::new());
    let checks = Site::start(move |asked, to| {
        let (seen, news) = &waiting;
        if asked.target.starts_with("/check/") {
            let mut seen = seen.lock().expect("nobody panicked");
            seen.insert(asked.target.clone());
            news.notify_all();
            let all = news.wait_timeout_while(seen, PATIENCE, |seen| seen.len() < 6);
            let (_seen, time) = all.expect("nobody panicked");
            let status = if time.timed_out() { "500 Alone" } else { "204 No Content" };
            return answer(to, status, &[("X-Level", &asked.target[7..])], b"");
        }
        match asked.header("x-levels") {
            Some("1-2") => {
                answer(to, "403 Forbidden", &[("Content-Type", "text/plain")], b"not you")
            }
            _ => answer(to, "500 Strange", &[], b""),
        }
    });
    let zoned = Zoned::on(Dev::of(1));
    let mut text = app(&checks);
    for number in 1..7 {
        text.push_str(&format!(
            "[[rules]]\nname = \"check-{number}\"\ntimeout = \"60s\"\n[rules.call]\nupstream = \"app\"\n\
             path = \"/check/{number}\"\ngive = {{ level-{number} = \"x-level\" }}\n"
        ));
    }
    text.push_str(
        "[[rules]]\nname = \"last\"\n[rules.call]\nupstream = \"app\"\npath = \"/last\"\n\
         headers = { x-levels = \"{level-1}-{level-2}\" }\n",
    );
    zoned.apply(&text);
    let refused = zoned.get("/").expect(403);
    assert_eq!((refused.text(), refused.header("content-type")), ("not you", Some("text/plain")));

    let said = zoned.zone(&["explain", "http://shop.example/"]).well().text();
    assert!(said.contains("stage 2\n  last     call"), "{said}");
    assert!(said.contains("after check-1, check-2"), "{said}");
    assert!(said.contains("→ 403, by the rule last"), "{said}");
}

#[test]
fn a_check_that_is_down_lets_nobody_in_unless_it_may() {
    let site = mirror();
    let zoned = Zoned::on(Dev::of(1));
    let rule = |on_error: &str| {
        format!(
            "{}[upstreams.down]\nservers = [\"127.0.0.1:1\"]\n[[rules]]\nname = \"down\"\n{on_error}\n\
             call = {{ upstream = \"down\", path = \"/\" }}\n",
            app(&site)
        )
    };
    zoned.apply(&rule(""));
    assert_eq!(zoned.get("/").expect(503).code(), Some(10476));
    zoned.apply(&rule("on-error = \"allow\""));
    zoned.get("/").expect(200);
}

#[test]
fn a_visitor_stays_with_the_variant_that_was_drawn() {
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply(
        r#"
[[rules]]
name = "variant"
split = { cookie = "v", between = { a = 50, b = 50 } }
[[rules]]
name = "b"
when = { fact = { v = "b" } }
rewrite = { path = "/b" }
[[routes]]
path = "/b"
answer = { body = "b" }
[[routes]]
path = "/*"
answer = { body = "a" }
"#,
    );
    let mut connection = Connection::open(zoned.address(0));
    let mut drawn = BTreeSet::new();
    for _ in 0..64 {
        let first = connection.send(&Zoned::request("GET", "/")).expect(200);
        let cookie = first.header("set-cookie").expect("a cookie");
        assert!(cookie.starts_with(&format!("v={};", first.text())), "{cookie}");
        let pair = cookie.split(';').next().expect("a pair");
        let again = connection.send(&Zoned::request("GET", "/").header("Cookie", pair));
        assert_eq!((again.text(), again.header("set-cookie")), (first.text(), None));
        drawn.insert(first.text().to_owned());
    }
    assert_eq!(drawn.len(), 2, "both are drawn");
}

/// Two keys, each as a member of a key set, and a token signed by each.
const TOKENS: &str = r#"
const crypto = require('crypto')
const text = value => Buffer.from(JSON.stringify(value)).toString('base64url')
for (const kid of ['one', 'two']) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519')
  const key = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' }
  const said = text({ alg: 'EdDSA', kid }) + '.' + text({ sub: kid, exp: 4000000000 })
  const token = said + '.' + crypto.sign(null, Buffer.from(said), privateKey).toString('base64url')
  console.log(JSON.stringify(key))
  console.log(token)
}
"#;

#[test]
fn keys_of_tokens_are_fetched_anew_when_they_are_changed() {
    let mut script = Script::run(TOKENS, &[]);
    let [one, token_one, two, token_two] = std::array::from_fn(|_| script.says());
    let shown = std::sync::Arc::new(Mutex::new(one));
    let set = std::sync::Arc::clone(&shown);
    let site = Site::start(move |asked, to| {
        if asked.target == "/jwks.json" {
            let keys = format!("{{\"keys\":[{}]}}", set.lock().expect("nobody panicked"));
            // As such servers do: whoever caches it knows no new key for an hour.
            let headers = [("Cache-Control", "max-age=3600"), ("Content-Type", "application/json")];
            return answer(to, "200 OK", &headers, keys.as_bytes());
        }
        answer(to, "200 OK", &[], asked.header("x-sub").unwrap_or("nobody").as_bytes())
    });
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply(&format!(
        "{}[[rules]]\nname = \"token\"\njwt = {{ upstream = \"app\", path = \"/jwks.json\", give = [\"sub\"] }}\n\
         [[rules]]\nname = \"who\"\nheaders = {{ request = {{ set = {{ x-sub = \"{{jwt.sub}}\" }} }} }}\n\
         [[rules]]\nname = \"alone\"\nheaders = {{ response = {{ set = {{ cache-control = \"no-store\" }} }} }}\n",
        app(&site)
    ));
    let with = |token: &str| {
        let authorization = format!("Bearer {token}");
        zoned.send(&Zoned::request("GET", "/me").header("Authorization", authorization))
    };
    assert_eq!(with(&token_one).expect(200).text(), "one");
    with(&token_two).expect(401);
    zoned.get("/me").expect(401);
    *shown.lock().expect("nobody panicked") = two;
    until("the new key is known", PATIENCE, || (with(&token_two).status == 200).then_some(()));
    assert_eq!(with(&token_two).expect(200).text(), "two");
    with(&token_one).expect(401);
    let fetched = site.asked().iter().filter(|asked| asked.target == "/jwks.json").count();
    assert!((2..=6).contains(&fetched), "{fetched} times, however often it is asked");
}
