//! Many keys at once: bulk writes, reads and deletes, deletes and purges by prefix.

use http::Method;
use serde_json::{Value, json};

use crate::world::{Ask, World};

#[tokio::test(start_paused = true)]
async fn many_keys_are_written_read_and_deleted_together() {
    let world = World::new().await;
    let members = json!([
        {"key": "a", "value": "1", "metadata": {"x": 1}, "expiration_ttl": 100},
        {"key": "b", "value": "//4=", "base64": true},
        {"key": "c", "value": "{\"n\": 1}"},
        {"key": "a", "value": "1", "metadata": {"x": 1}, "expiration_ttl": 100},
    ]);
    let put = world.put("bulk", &members.to_string()).await;
    assert_eq!(put.result(), json!({"successful_key_count": 3, "unsuccessful_keys": []}));
    let read = world.post("bulk/get", r#"{"keys":["c","absent","a"]}"#).await;
    assert_eq!(read.result(), json!({"values": {"c": "{\"n\": 1}", "absent": null, "a": "1"}}));
    let at = world.clock.wall().seconds() + 100;
    let read =
        world.post("bulk/get", r#"{"keys":["a","c","z"],"type":"json","withMetadata":true}"#);
    assert_eq!(
        read.await.result()["values"],
        json!({
            "a": {"value": 1, "metadata": {"x": 1}, "expiration": at},
            "c": {"value": {"n": 1}, "metadata": null},
            "z": null,
        })
    );
    let binary = world.post("bulk/get", r#"{"keys":["a","b"]}"#).await;
    assert_eq!(binary.refusal(), (400, 10029));
    for (method, path) in [(Method::DELETE, "bulk"), (Method::POST, "bulk/delete")] {
        let ask = Ask::rest(method, world.place(path)).body(r#"["a","absent"]"#);
        let deleted = world.send(ask).await.result();
        assert_eq!(deleted, json!({"successful_key_count": 2, "unsuccessful_keys": []}));
    }
    assert_eq!(world.get("values/a").await.status, 404);
    assert_eq!(world.get("values/c").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_a_bulk_request_too() {
    let world = World::new().await;
    let nothing = json!({"successful_key_count": 0, "unsuccessful_keys": []});
    assert_eq!(world.put("bulk", "[]").await.result(), nothing);
    assert_eq!(world.post("bulk/delete", "[]").await.result(), nothing);
    assert_eq!(world.post("bulk/get", r#"{"keys":[]}"#).await.refusal(), (400, 10029));
}

#[tokio::test(start_paused = true)]
async fn one_bad_member_and_nothing_is_written() {
    let world = World::new().await;
    for (bad, status, code) in [
        (json!({"key": "", "value": "v"}), 400, 10042),
        (json!({"key": "x".repeat(513), "value": "v"}), 414, 10030),
        (json!({"key": "k", "value": "v", "expiration_ttl": 59}), 400, 10034),
        (json!({"key": "k", "value": "v", "expiration": 1}), 400, 10033),
        (json!({"key": "k", "value": "?", "base64": true}), 400, 10012),
        (json!({"key": "k", "value": {"not": "text"}}), 400, 10012),
        (json!({"key": "k"}), 400, 10012),
        (json!({"key": "k", "value": "v", "metadata": "x".repeat(1023)}), 413, 10024),
        (json!({"key": "good", "value": "other"}), 400, 10012),
    ] {
        let body = json!([{"key": "good", "value": "v"}, bad]).to_string();
        assert_eq!(world.put("bulk", &body).await.refusal(), (status, code), "{body}");
        assert_eq!(world.get("keys").await.result(), json!([]), "{body}");
    }
    for body in ["", "{", "{}", "[1]", r#"["a", 1]"#, "nonsense"] {
        assert_eq!(world.put("bulk", body).await.refusal(), (400, 10012), "{body}");
        assert_eq!(world.post("bulk/get", body).await.refusal(), (400, 10012), "{body}");
        assert_eq!(world.post("bulk/delete", body).await.refusal(), (400, 10012), "{body}");
    }
    let many: Vec<Value> =
        (0..10_001).map(|n| json!({"key": n.to_string(), "value": ""})).collect();
    assert_eq!(world.put("bulk", &json!(many).to_string()).await.refusal(), (400, 10012));
    assert_eq!(world.get("keys").await.result(), json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_no_store_takes_is_named() {
    let world = World::new().await;
    world.alone.lose_stores(true);
    let body = r#"[{"key":"a","value":"1"}]"#;
    let refused = world.put("bulk", body).await;
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((503, 10422), "1"));
    assert_eq!(world.put("values/a", "1").await.refusal(), (503, 10422));
    assert_eq!(world.get("values/a").await.refusal(), (503, 10424));
    assert_eq!(world.get("keys").await.refusal(), (503, 10424));
}

#[tokio::test(start_paused = true)]
async fn a_prefix_is_deleted_and_everything_only_by_name() {
    let world = World::new().await;
    let members: Vec<Value> =
        (0..1_200).map(|n| json!({"key": format!("a/{n}"), "value": ""})).collect();
    world.put("bulk", &json!(members).to_string()).await.ok();
    world.put("values/b", "").await.ok();
    for bad in ["{}", r#"{"prefix":""}"#, ""] {
        assert_eq!(world.post("delete_prefix", bad).await.refusal(), (400, 10012), "{bad}");
    }
    let deleted = world.post("delete_prefix", r#"{"prefix":"a/"}"#).await;
    assert_eq!(deleted.result(), json!({"deleted_key_count": 1_200}));
    assert_eq!(world.get("keys").await.result(), json!([{"name": "b"}]));
    let deleted = world.post("delete_prefix", r#"{"everything":true}"#).await;
    assert_eq!(deleted.result(), json!({"deleted_key_count": 1}));
    assert_eq!(world.get("values/b").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_purge_makes_the_next_read_ask_anew() {
    let world = World::new().await;
    for body in [r#"{"keys":["k"]}"#, r#"{"prefixes":["k"]}"#, r#"{"everything":true}"#] {
        world.put("values/k", "v").await.ok();
        let held = world.get("values/k").await;
        assert!(held.header("cache-status").contains("hit"), "{:?}", held.headers);
        world.post("purge", body).await.ok();
        world.clock.sleep(std::time::Duration::from_secs(1)).await;
        let asked = world.get("values/k").await;
        let status = asked.header("cache-status");
        assert!(status.contains("here-edge; fwd"), "{body}: {status}");
        assert_eq!(asked.text(), "v");
    }
    assert_eq!(world.post("purge", "{}").await.refusal(), (400, 10012));
}
