//! Keys that must be refused, and keys that only look so; nothing else changes.

use littoral_tests::{ANY, Case, Dev, Namespace, Request, check};

const METHODS: [&str; 3] = ["GET", "PUT", "DELETE"];

/// A network, and a namespace that holds one key.
fn prepare() -> (Dev, Namespace) {
    let dev = Dev::of(1);
    let namespace = dev.namespace("kept");
    namespace.put("kept", "as it was");
    (dev, namespace)
}

#[track_caller]
fn assert_unchanged(dev: &Dev, namespace: &Namespace) {
    assert_eq!(namespace.names(""), ["kept"]);
    assert_eq!(namespace.get("kept").as_deref(), Some(&b"as it was"[..]));
    let list = dev.request("GET", "/storage/kv/namespaces").send(dev.address()).expect(200).json();
    assert_eq!(list["result"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list["result"][0]["title"], "kept");
}

#[test]
fn keys_that_are_none_are_refused() {
    let (dev, namespace) = prepare();
    let mut cases = Vec::new();
    for method in METHODS {
        let request = |tail: &str| namespace.request(method, tail);
        let long = "k".repeat(513);
        let wide = "%C3%A9".repeat(257);
        cases.extend([
            Case::new(request("/values/"), ANY, None, ""),
            Case::new(request("/values"), ANY, None, ""),
            Case::new(request("/values/."), ANY, Some(10042), ""),
            Case::new(request("/values/.."), ANY, Some(10042), ""),
            Case::new(request("/values/%2E"), ANY, Some(10042), ""),
            Case::new(request("/values/%2e%2e"), ANY, Some(10042), ""),
            Case::new(request(&format!("/values/{long}")), &[414, 400], Some(10030), "512"),
            Case::new(request(&format!("/values/{wide}")), &[414, 400], Some(10030), "512"),
            Case::new(request("/values/%FF"), &[400], None, "UTF-8"),
            Case::new(request("/values/a%C3"), &[400], None, "UTF-8"),
        ]);
    }
    check(dev.address(), &cases);
    assert_unchanged(&dev, &namespace);
}

#[test]
fn a_key_that_normalises_away_destroys_nothing() {
    let (dev, namespace) = prepare();
    let mut cases = Vec::new();
    for tail in
        ["/", "//", "/.", "/..", "/values/../", "/values/../..", "/keys/", "/bulk/", "/metadata/"]
    {
        cases.push(Case::new(namespace.request("DELETE", tail), ANY, None, ""));
        let rename = namespace.request("PUT", tail).body(r#"{"title":"renamed"}"#);
        cases.push(Case::new(rename, ANY, None, ""));
    }
    check(dev.address(), &cases);
    assert_unchanged(&dev, &namespace);
}

#[test]
fn keys_with_reserved_characters_are_plain_keys() {
    let (dev, namespace) = prepare();
    let odd: &[&str] = &[
        "a/b",
        "a%2Fb",
        "%",
        "%25",
        "?",
        "#",
        "a b",
        "a+b",
        "&=",
        "...",
        "./x",
        "../x",
        "x/..",
        "\\",
        "\u{1F30A}",
        "\u{7f}",
        "tab\there",
        "new\nline",
        "nul\0byte",
        "namespaces",
        "bulk/get",
        "\"",
    ];
    let longest = ["k".repeat(512), "é".repeat(256)];
    let keys: Vec<&str> = odd.iter().copied().chain(longest.iter().map(String::as_str)).collect();
    for key in &keys {
        namespace.put(key, key.as_bytes());
    }
    for key in &keys {
        assert_eq!(namespace.get(key).as_deref(), Some(key.as_bytes()), "{key:?}");
    }
    let mut expected = keys.clone();
    expected.push("kept");
    expected.sort_unstable();
    assert_eq!(namespace.names(""), expected);
    for key in &keys {
        namespace.delete(key);
        assert_eq!(namespace.get(key), None, "{key:?}");
    }
    assert_unchanged(&dev, &namespace);
}

#[test]
fn a_plus_in_a_path_is_a_plus_and_in_a_query_a_space() {
    let (_dev, namespace) = prepare();
    namespace.put("a b", "space");
    namespace.put("a+b", "plus");
    let bare = namespace.request("GET", "/values/a+b");
    assert_eq!(namespace.send(&bare).expect(200).body, b"plus");
    assert_eq!(namespace.names("prefix=a+"), ["a b"]);
    assert_eq!(namespace.names("prefix=a%20"), ["a b"]);
    assert_eq!(namespace.names("prefix=a%2B"), ["a+b"]);
}

#[test]
fn characters_need_no_escape_where_the_path_allows_them() {
    let (dev, namespace) = prepare();
    let bare = "a:@!$&'()*,;=~_-.b";
    namespace.put(bare, "bare");
    let request = namespace.request("GET", &format!("/values/{bare}"));
    assert_eq!(namespace.send(&request).expect(200).body, b"bare");
    // A slash that is not escaped is not part of a documented path.
    namespace.put("x/y", "slash");
    let request = namespace.request("GET", "/values/x/y");
    assert!(matches!(request.send(dev.address()).status, 200 | 404));
    let absolute = Request::new("GET", format!("http://{}/healthz", dev.address()));
    absolute.send(dev.address()).expect(200);
}
