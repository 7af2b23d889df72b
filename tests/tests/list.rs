//! Listings: every key once, in the order of its bytes, from every location.

use std::time::Duration;

use littoral_tests::{Dev, Namespace, form, until};
use serde_json::{Value, json};

fn put_all(namespace: &Namespace, members: &[Value]) {
    for slice in members.chunks(10_000) {
        let request = namespace.request("PUT", "/bulk").json(&json!(slice));
        let answer = namespace.send(&request).expect(200).json();
        assert_eq!(answer["result"]["successful_key_count"], slice.len());
    }
}

fn names_of(keys: &[Value]) -> Vec<&str> {
    keys.iter().map(|key| key["name"].as_str().expect("a key has a name")).collect()
}

#[test]
fn thousands_of_keys_come_page_by_page_each_once() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("many");
    let members: Vec<Value> = (0..2_500)
        .map(|n| json!({ "key": format!("k{:04}", (n * 7) % 2_500), "value": "v", "metadata": { "n": n } }))
        .collect();
    put_all(&namespace, &members);
    let expected: Vec<String> = (0..2_500).map(|n| format!("k{n:04}")).collect();
    let (first, cursor) = namespace.page("");
    assert_eq!(first.len(), 1_000);
    assert_eq!(first[1], json!({ "name": "k0001", "metadata": { "n": 2_143 } }));
    let (second, cursor) =
        namespace.page(&format!("cursor={}", form(cursor.expect("there is more"))));
    assert_eq!(names_of(&second)[0], "k1000");
    let (third, cursor) =
        namespace.page(&format!("cursor={}", form(cursor.expect("there is more"))));
    assert_eq!((third.len(), cursor), (500, None));
    for location in dev.locations() {
        let at = namespace.at(location.address);
        let seen = until("the listing has settled", Duration::from_secs(30), || {
            Some(at.names("")).filter(|names| names.len() == 2_500)
        });
        assert_eq!(seen, expected);
        assert_eq!(at.names("limit=700"), expected);
        assert_eq!(at.names("prefix=k12&limit=33"), expected[1_200..1_300]);
    }
}

#[test]
fn the_order_is_that_of_bytes_and_prefixes_are_bytes() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bytes");
    // By UTF-16 the sea would come before the ligature, by bytes it comes after.
    let keys = [
        "", "A", "Z", "a", "a/", "a/b", "a b", "a%", "a+", "é", "ÿ", "ﬁ", "🌊", "\u{1}", "~", "aé",
    ];
    let members: Vec<Value> =
        keys.iter().map(|key| json!({ "key": format!("p{key}"), "value": *key })).collect();
    put_all(&namespace, &members);
    let mut expected: Vec<String> = keys.iter().map(|key| format!("p{key}")).collect();
    expected.sort();
    assert_eq!(namespace.names(""), expected);
    for prefix in ["p", "pa", "pa/", "pa ", "pa%", "pa+", "pé", "p🌊", "none"] {
        let under: Vec<&String> = expected.iter().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(
            namespace.names(&format!("prefix={}", form(prefix))).iter().collect::<Vec<_>>(),
            under
        );
        let paged = namespace.names(&format!("prefix={}&limit=10", form(prefix)));
        assert_eq!(paged.iter().collect::<Vec<_>>(), under);
    }
    // Half a character is a prefix of bytes like any other.
    assert_eq!(namespace.names("prefix=p%C3"), ["pé", "pÿ"]);
}

#[test]
fn keys_untouched_during_a_listing_come_exactly_once() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("moving");
    let members: Vec<Value> =
        (0..300).map(|n| json!({ "key": format!("k{n:03}"), "value": "v" })).collect();
    put_all(&namespace, &members);
    let mut found = Vec::new();
    let mut cursor = None;
    for turn in 0.. {
        let query =
            cursor.map_or("limit=50".into(), |from| format!("limit=50&cursor={}", form(&from)));
        let (keys, next) = namespace.page(&query);
        found.extend(names_of(&keys).into_iter().map(str::to_owned));
        // What is behind, at hand and ahead changes meanwhile.
        namespace.delete(format!("k{:03}", (turn * 37) % 300));
        namespace.put(format!("k{:03}-new", (turn * 91) % 300), "v");
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(found.is_sorted_by(|one, next| one < next), "none comes twice: {found:?}");
    let touched: Vec<String> = (0..6).map(|turn| format!("k{:03}", (turn * 37) % 300)).collect();
    for n in 0..300 {
        let key = format!("k{n:03}");
        assert!(found.contains(&key) || touched.contains(&key), "{key} is missing");
    }
}

#[test]
fn listings_go_backwards_and_from_anywhere() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("ways");
    let members: Vec<Value> = (0..40)
        .map(|n| json!({ "key": format!("k{n:02}"), "value": format!("value {n}") }))
        .collect();
    put_all(&namespace, &members);
    let forward: Vec<String> = (0..40).map(|n| format!("k{n:02}")).collect();
    let backward: Vec<String> = forward.iter().rev().cloned().collect();
    assert_eq!(namespace.names("reverse=true"), backward);
    assert_eq!(namespace.names("reverse=true&limit=10"), backward);
    assert_eq!(namespace.names("reverse=true&prefix=k1&limit=10"), backward[20..30]);
    assert_eq!(namespace.names("start_after=k29"), forward[30..]);
    assert_eq!(namespace.names("start_after=k295"), forward[30..]);
    assert_eq!(namespace.names("start_after=k30&reverse=true&limit=10"), backward[10..]);
}

#[test]
fn listings_bring_values_and_versions_when_asked() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("values");
    let version = namespace.put("text", "grüß");
    namespace.put("binary", [0xff, 0x00]);
    let keys = namespace.list("values=true&versions=true");
    let named = |name: &str| keys.iter().find(|key| key["name"] == name).expect("listed").clone();
    assert_eq!(named("text")["value"], "grüß");
    assert_eq!(named("text")["version"], version);
    assert_eq!(
        (&named("binary")["value"], &named("binary")["base64"]),
        (&json!("/wA="), &json!(true))
    );
    assert_eq!(namespace.list(""), [json!({ "name": "binary" }), json!({ "name": "text" })]);
}

#[test]
fn what_is_deleted_or_expired_is_not_listed() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("gone");
    for key in ["deleted", "kept"] {
        namespace.put(key, "v");
    }
    namespace
        .send(&namespace.request("PUT", "/values/brief?expiration_ttl=60").body("v"))
        .expect(200);
    assert_eq!(namespace.names(""), ["brief", "deleted", "kept"]);
    namespace.delete("deleted");
    assert_eq!(namespace.names(""), ["brief", "kept"]);
    dev.advance(Duration::from_secs(61));
    for location in dev.locations() {
        let at = namespace.at(location.address);
        let settled = until("the listing has settled", Duration::from_secs(30), || {
            Some(at.names("")).filter(|names| names == &["kept"])
        });
        assert_eq!(settled, ["kept"]);
    }
    // Writable again.
    namespace.put("brief", "again");
    assert_eq!(namespace.names(""), ["brief", "kept"]);
}

#[test]
fn all_under_a_prefix_is_deleted_at_once() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("prefix");
    let members: Vec<Value> = (0..1_200)
        .map(|n| json!({ "key": format!("{}/{n:04}", if n % 3 == 0 { "keep" } else { "drop" }), "value": "v" }))
        .collect();
    put_all(&namespace, &members);
    for location in dev.locations() {
        namespace.at(location.address).get("drop/0001").expect("it is there");
    }
    let delete =
        |body: Value| namespace.send(&namespace.request("POST", "/delete_prefix").json(&body));
    assert_eq!(delete(json!({ "prefix": "" })).status, 400);
    assert_eq!(delete(json!({})).status, 400);
    let answer = delete(json!({ "prefix": "drop/" })).expect(200).json();
    assert_eq!(answer["result"]["deleted_key_count"], 800);
    assert_eq!(namespace.names("").len(), 400);
    assert_eq!(namespace.get("drop/0001"), None);
    for location in dev.locations() {
        let at = namespace.at(location.address);
        dev.advance(Duration::from_secs(61));
        until("it is gone here too", Duration::from_secs(30), || {
            (at.get("drop/0001").is_none() && at.names("prefix=drop/").is_empty()).then_some(())
        });
    }
    let answer = delete(json!({ "everything": true })).expect(200).json();
    assert_eq!(answer["result"]["deleted_key_count"], 400);
    assert_eq!(namespace.names(""), [""; 0]);
}
