//! The protocol that `workerd` speaks, byte by byte; what it reads of an error is the reason.

use std::net::SocketAddr;

use littoral_tests::{Dev, Namespace, Request, form};
use serde_json::json;

struct Door {
    at: SocketAddr,
    namespace: String,
}

impl Door {
    fn of(dev: &Dev, namespace: &Namespace) -> Self {
        Self { at: dev.address(), namespace: namespace.id.clone() }
    }

    fn request(&self, method: &str, target: &str) -> Request {
        Request::new(method, target)
            .header("Littoral-Namespace", &self.namespace)
            .header("CF-KV-FLPROD-405", format!("https://fake-host{target}"))
    }

    #[track_caller]
    fn refused(&self, request: &Request, status: u16, reason: &str) {
        let answer = request.send(self.at);
        assert_eq!((answer.status, &*answer.reason), (status, reason), "{request:?}");
    }
}

#[test]
fn a_value_goes_in_and_out_with_its_metadata() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("binding");
    let door = Door::of(&dev, &namespace);
    let metadata = "{\"spot\":\"São Miguel 🌊\"}";
    let put = door
        .request("PUT", "/a%2Fb%20c?urlencoded=true&expiration_ttl=600")
        .header("CF-KV-Metadata", metadata)
        .header("Content-Type", "text/plain;charset=UTF-8")
        .body("value");
    let put = put.send(door.at);
    assert!((200..300).contains(&put.status), "{put:?}");
    assert!(put.header("littoral-version").is_some());
    let got = door.request("GET", "/a%2Fb%20c?urlencoded=true").send(door.at).expect(200);
    assert_eq!(got.body, b"value");
    assert_eq!(got.header_bytes("cf-kv-metadata").as_deref(), Some(metadata.as_bytes()));
    assert!(got.header("cf-cache-status").is_some());
    assert_eq!(got.header("etag").map(|tag| tag.trim_matches('"')), put.header("littoral-version"));
    assert_eq!(namespace.get("a/b c").as_deref(), Some(&b"value"[..]));
    let chunked = door
        .request("PUT", "/a%2Fb%20c?urlencoded=true")
        .header("Transfer-Encoding", "chunked")
        .body("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    assert!((200..300).contains(&chunked.send(door.at).status));
    let got = door.request("GET", "/a%2Fb%20c?urlencoded=true").send(door.at).expect(200);
    assert_eq!((got.text(), got.header("cf-kv-metadata")), ("abcdefg", None));
    let gone = door.request("DELETE", "/a%2Fb%20c?urlencoded=true").send(door.at);
    assert!((200..300).contains(&gone.status));
    assert_eq!(door.request("GET", "/a%2Fb%20c?urlencoded=true").send(door.at).status, 404);
}

#[test]
fn with_the_header_every_path_is_a_key() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("paths");
    let door = Door::of(&dev, &namespace);
    for (target, key) in [
        ("/healthz", "healthz"),
        ("/metrics", "metrics"),
        ("/client%2Fv4%2Faccounts", "client/v4/accounts"),
        ("/dev%2Fclock", "dev/clock"),
        ("/bulk%2Fget", "bulk/get"),
        ("/100%25", "100%"),
        ("/a+b", "a+b"),
        ("/a&b=c:@,;!$'()*~[]|^", "a&b=c:@,;!$'()*~[]|^"),
    ] {
        let put = door.request("PUT", &format!("{target}?urlencoded=true")).body(key);
        assert!((200..300).contains(&put.send(door.at).status), "{target}");
        assert_eq!(namespace.get(key).as_deref(), Some(key.as_bytes()), "{target}");
        let got = door.request("GET", &format!("{target}?urlencoded=true")).send(door.at);
        assert_eq!(got.expect(200).text(), key);
        // A delete escapes more of the same key.
        let escaped = littoral_tests::percent(key);
        door.request("DELETE", &format!("/{escaped}?urlencoded=true")).send(door.at);
        assert_eq!(namespace.get(key), None, "{target}");
    }
}

#[test]
fn a_listing_carries_metadata_as_text() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("list");
    let door = Door::of(&dev, &namespace);
    for n in 0..12 {
        let put = door.request("PUT", &format!("/k%20{n:02}?urlencoded=true"));
        let put = if n == 0 { put.header("CF-KV-Metadata", "{\"n\": 0}") } else { put };
        put.body("v").send(door.at);
    }
    let list =
        |query: &str| door.request("GET", &format!("/?{query}")).send(door.at).expect(200).json();
    let all = list("");
    assert_eq!(all["list_complete"], true);
    assert_eq!(all["keys"].as_array().map(Vec::len), Some(12));
    assert_eq!(all["keys"][0]["name"], "k 00");
    let text = all["keys"][0]["metadata"].as_str().expect("metadata is text");
    assert_eq!(serde_json::from_str::<serde_json::Value>(text).expect("JSON"), json!({ "n": 0 }));
    assert!(all["keys"][1].get("metadata").is_none() && all.get("cursor").is_none(), "{all}");
    let first = list("key_count_limit=5&prefix=k+");
    assert_eq!(
        (&first["list_complete"], first["keys"].as_array().map(Vec::len)),
        (&json!(false), Some(5))
    );
    let cursor = form(first["cursor"].as_str().expect("there is more"));
    let rest = list(&format!("prefix=k+&cursor={cursor}"));
    assert_eq!((&rest["list_complete"], &rest["keys"][0]["name"]), (&json!(true), &json!("k 05")));
    assert_eq!(list("prefix=k+1")["keys"].as_array().map(Vec::len), Some(2));
}

#[test]
fn several_keys_are_read_at_once() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bulk");
    let door = Door::of(&dev, &namespace);
    door.request("PUT", "/a?urlencoded=true")
        .header("CF-KV-Metadata", "7")
        .body("{\"x\":1}")
        .send(door.at);
    namespace.put("b", "text");
    let get = |body: serde_json::Value| door.request("POST", "/bulk/get").json(&body);
    let read = |body| get(body).send(door.at).expect(200).json();
    assert_eq!(
        read(json!({ "keys": ["b", "none"], "type": "text" })),
        json!({ "b": "text", "none": null })
    );
    assert_eq!(
        read(json!({ "keys": ["a"], "type": "json", "withMetadata": true, "cacheTtl": "60" })),
        json!({ "a": { "value": { "x": 1 }, "metadata": 7 } })
    );
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    door.refused(&get(json!({ "keys": many })), 400, "You can request a maximum of 100 keys");
    door.refused(&get(json!({ "keys": [] })), 400, "You must request a minimum of 1 key");
    let kind = get(json!({ "keys": ["a"], "type": "stream" }));
    door.refused(&kind, 400, "\"stream\" is not a valid type. Use \"json\" or \"text\"");
    let says = "At least one of the requested keys corresponds to a non-json value";
    door.refused(&get(json!({ "keys": ["b"], "type": "json" })), 400, says);
    let large = vec![b'x'; 14_000_000];
    for key in ["large one", "large two"] {
        namespace.put(key, large.clone());
    }
    assert_eq!(get(json!({ "keys": ["large one", "large two"] })).send(door.at).status, 413);
    for key in [String::new(), ".".into(), "..".into(), "k".repeat(513)] {
        let answer = get(json!({ "keys": ["a", key] })).send(door.at);
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
}

#[test]
fn the_reason_says_what_is_wrong() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("reasons");
    namespace.put("k", "old");
    let door = Door::of(&dev, &namespace);
    let put = |query: &str| door.request("PUT", &format!("/k?urlencoded=true{query}")).body("new");
    let get = |query: &str| door.request("GET", &format!("/k?urlencoded=true{query}"));
    door.refused(
        &get("&cache_ttl=10"),
        400,
        "Invalid cache_ttl of 10. Cache TTL must be at least 30.",
    );
    door.refused(
        &put("&expiration_ttl=30"),
        400,
        "Invalid expiration_ttl of 30. Expiration TTL must be at least 60.",
    );
    door.refused(
        &put("&expiration=1"),
        400,
        "Invalid expiration of 1. Please specify integer greater than the current number of seconds since the UNIX epoch.",
    );
    door.refused(
        &door.request("GET", "/?key_count_limit=1001"),
        400,
        "Invalid key_count_limit of 1001. Please specify an integer less than 1000.",
    );
    let wide = put("").header("CF-KV-Metadata", format!("\"{}\"", "x".repeat(1_023)));
    door.refused(&wide, 413, "Metadata length of 1025 exceeds limit of 1024.");
    let large = put("").body(vec![0; 26_214_401]);
    door.refused(&large, 413, "Value length of 26214401 exceeds limit of 26214400.");
    let long = format!("/{}?urlencoded=true", "k".repeat(513));
    door.refused(
        &door.request("PUT", &long).body("v"),
        414,
        "UTF-8 encoded length of 513 exceeds key length limit of 512.",
    );
    for key in ["/.", "/..", "/%2E", "/%2e%2e"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = door.request(method, &format!("{key}?urlencoded=true")).send(door.at);
            assert!((400..500).contains(&answer.status), "{method} {key}: {}", answer.status);
        }
    }
    let answer = put("").header("CF-KV-Metadata", "{no json").send(door.at);
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert_eq!(namespace.names(""), ["k"]);
    assert_eq!(namespace.get("k").as_deref(), Some(&b"old"[..]));
    let ghost = Request::new("GET", "/k?urlencoded=true")
        .header("Littoral-Namespace", "ffffffffffffffffffffffffffffffff");
    assert!((400..500).contains(&ghost.send(door.at).status));
    let malformed =
        Request::new("PUT", "/k?urlencoded=true").header("Littoral-Namespace", "nope").body("v");
    assert!((400..500).contains(&malformed.send(door.at).status));
}

#[test]
fn versions_conditions_and_parts_work_here_too() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("more");
    let door = Door::of(&dev, &namespace);
    let put = door.request("PUT", "/k?urlencoded=true").body("0123456789").send(door.at);
    let version = put.header("littoral-version").expect("a version").to_owned();
    for location in dev.locations() {
        let get =
            || door.request("GET", "/k?urlencoded=true").header("Littoral-Min-Version", &version);
        assert_eq!(get().send(location.address).expect(200).text(), "0123456789");
        get().header("If-None-Match", format!("\"{version}\"")).send(location.address).expect(304);
        assert_eq!(
            get().header("Range", "bytes=2-4").send(location.address).expect(206).text(),
            "234"
        );
        assert!(get().send(location.address).header("cache-status").is_some());
    }
    let stale = door.request("PUT", "/k?urlencoded=true").header("If-None-Match", "*").body("x");
    assert_eq!(stale.send(door.at).status, 412);
}
