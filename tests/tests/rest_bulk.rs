//! Many keys in one request: all of it is right, or nothing is written.

use littoral_tests::{ANY, Case, Dev, Namespace, Request, check};
use serde_json::{Value, json};

fn put(namespace: &Namespace, body: &Value) -> Request {
    namespace.request("PUT", "/bulk").json(body)
}

#[test]
fn one_bad_member_refuses_all() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bulk");
    let case = |member: Value, code: Option<u64>, says| {
        let body =
            json!([{ "key": "good", "value": "v" }, member, { "key": "fine", "value": "w" }]);
        Case::new(put(&namespace, &body), ANY, code, says)
    };
    check(
        dev.address(),
        &[
            case(json!({ "value": "v" }), None, ""),
            case(json!({ "key": "k" }), None, ""),
            case(json!({ "key": "", "value": "v" }), None, ""),
            case(json!({ "key": ".", "value": "v" }), None, ""),
            case(json!({ "key": "..", "value": "v" }), None, ""),
            case(json!({ "key": "k".repeat(513), "value": "v" }), None, "512"),
            case(json!({ "key": 7, "value": "v" }), Some(10012), ""),
            case(json!({ "key": "k", "value": 7 }), Some(10012), ""),
            case(json!({ "key": "k", "value": { "a": 1 } }), Some(10012), ""),
            case(
                json!({ "key": "k", "value": "no base64!", "base64": true }),
                Some(10012),
                "could not base64 decode value for key: \"k\"",
            ),
            case(
                json!({ "key": "k", "value": "v", "expiration_ttl": 30 }),
                Some(10034),
                "at least 60",
            ),
            case(json!({ "key": "k", "value": "v", "expiration": 1 }), Some(10033), "UNIX epoch"),
            case(json!({ "key": "k", "value": "v", "metadata": "x".repeat(1_023) }), None, "1024"),
            case(json!({ "key": "good", "value": "other" }), None, "duplicate key"),
            case(json!("k"), Some(10012), ""),
            case(json!(null), Some(10012), ""),
        ],
    );
    assert_eq!(namespace.names(""), [""; 0]);
}

#[test]
fn what_is_no_list_of_members_is_refused() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bulk");
    let raw = |method: &str, tail: &str, body: &str| {
        namespace.request(method, tail).header("Content-Type", "application/json").body(body)
    };
    let many: Vec<Value> =
        (0..10_001).map(|n| json!({ "key": format!("k{n}"), "value": "" })).collect();
    let names: Vec<String> = (0..10_001).map(|n| format!("k{n}")).collect();
    check(
        dev.address(),
        &[
            Case::new(raw("PUT", "/bulk", ""), &[400], Some(10012), ""),
            Case::new(raw("PUT", "/bulk", "{}"), &[400], Some(10012), ""),
            Case::new(
                raw("PUT", "/bulk", "[{\"key\":\"k\",\"value\":\"v\"}"),
                &[400],
                Some(10012),
                "",
            ),
            Case::new(raw("PUT", "/bulk", "[] []"), &[400], Some(10012), ""),
            Case::new(put(&namespace, &json!(many)), ANY, None, "10000"),
            Case::new(raw("POST", "/bulk/delete", "{}"), &[400], Some(10012), ""),
            Case::new(raw("POST", "/bulk/delete", "[1]"), &[400], Some(10012), ""),
            Case::new(raw("DELETE", "/bulk", "\"k\""), &[400], Some(10012), ""),
            Case::new(
                namespace.request("POST", "/bulk/delete").json(&json!(names)),
                ANY,
                None,
                "10000",
            ),
            Case::new(raw("POST", "/bulk/get", "[]"), &[400], None, ""),
            Case::new(raw("POST", "/bulk/get", "{\"keys\":\"k\"}"), &[400], None, ""),
        ],
    );
    assert_eq!(namespace.names(""), [""; 0]);
}

#[test]
fn nothing_is_a_fine_list_and_a_member_twice_alike_is_one() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bulk");
    for (method, tail) in [("PUT", "/bulk"), ("POST", "/bulk/delete"), ("DELETE", "/bulk")] {
        let answer = namespace.send(&namespace.request(method, tail).json(&json!([]))).expect(200);
        assert_eq!(answer.json()["result"]["successful_key_count"], 0, "{method} {tail}");
    }
    let twice = json!([{ "key": "k", "value": "v" }, { "key": "k", "value": "v" }]);
    namespace.send(&put(&namespace, &twice)).expect(200);
    assert_eq!(namespace.names(""), ["k"]);
    let answer = namespace
        .send(&namespace.request("POST", "/bulk/delete").json(&json!(["k", "absent"])))
        .expect(200);
    assert_eq!(answer.json()["result"]["successful_key_count"], 2);
    assert_eq!(namespace.names(""), [""; 0]);
}

#[test]
fn a_hundred_keys_can_be_read_at_once_and_no_more() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bulk");
    let members = json!([
        { "key": "text", "value": "plain", "metadata": { "m": 1 }, "expiration_ttl": 600 },
        { "key": "json", "value": "{\"a\":[1]}" },
        { "key": "binary", "value": "/w==", "base64": true },
    ]);
    namespace.send(&put(&namespace, &members)).expect(200);
    let get = |body: Value| namespace.request("POST", "/bulk/get").json(&body);
    let read = |body| namespace.send(&get(body)).expect(200).json()["result"]["values"].clone();
    assert_eq!(
        read(json!({ "keys": ["text", "json", "none"] })),
        json!({ "text": "plain", "json": "{\"a\":[1]}", "none": null })
    );
    assert_eq!(
        read(json!({ "keys": ["json", "none"], "type": "json" })),
        json!({ "json": { "a": [1] }, "none": null })
    );
    let described = read(json!({ "keys": ["text", "json", "none"], "withMetadata": true }));
    assert_eq!(described["text"]["value"], "plain");
    assert_eq!(described["text"]["metadata"], json!({ "m": 1 }));
    assert!(described["text"]["expiration"].is_u64(), "{described}");
    assert_eq!(described["json"], json!({ "value": "{\"a\":[1]}", "metadata": null }));
    assert!(described["none"].is_null(), "{described}");

    let hundred: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
    assert_eq!(read(json!({ "keys": hundred })).as_object().map(|values| values.len()), Some(100));
    let more: Vec<String> = (0..101).map(|n| format!("n{n}")).collect();
    check(
        dev.address(),
        &[
            Case::new(get(json!({ "keys": [] })), &[400], Some(10029), ""),
            Case::new(get(json!({})), &[400], None, ""),
            Case::new(get(json!({ "keys": more })), &[400], Some(10029), "100"),
            Case::new(get(json!({ "keys": ["binary"] })), &[400], Some(10029), "non-text value"),
            Case::new(get(json!({ "keys": ["text"], "type": "json" })), &[400], Some(10029), ""),
            Case::new(get(json!({ "keys": ["text"], "type": "xml" })), &[400], None, ""),
            Case::new(get(json!({ "keys": ["text", ""] })), ANY, None, ""),
            Case::new(get(json!({ "keys": ["k".repeat(513)] })), ANY, None, ""),
        ],
    );
}

#[test]
fn every_member_has_the_version_of_the_answer_or_an_older_one() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("bulk");
    let members: Vec<Value> =
        (0..50).map(|n| json!({ "key": format!("k{n}"), "value": "v" })).collect();
    let answer = namespace.send(&put(&namespace, &json!(members))).expect(200);
    let highest = answer.header("littoral-version").expect("a write says its version").to_owned();
    let versions: Vec<String> = (0..50)
        .map(|n| namespace.send(&namespace.value("GET", format!("k{n}"))).expect(200))
        .map(|answer| answer.header("etag").expect("a version").trim_matches('"').to_owned())
        .collect();
    assert!(versions.contains(&highest), "{highest} of {versions:?}");
    for (n, version) in versions.iter().enumerate() {
        let read = namespace.value("GET", format!("k{n}")).header("Littoral-Min-Version", &highest);
        let answer = namespace.send(&read);
        let newest = *version == highest;
        assert!(
            answer.status == 200 || (!newest && answer.status == 503),
            "{n}: {}",
            answer.status
        );
    }
}
