//! The protocol of `workerd`'s KV binding.

use http::Method;
use serde_json::json;

use crate::world::{Ask, TOKEN, World};

#[tokio::test(start_paused = true)]
async fn a_value_goes_in_and_out_with_its_metadata_as_raw_bytes() {
    let world = World::new().await;
    let metadata = "{\"a\":\"é\"}";
    let put = world
        .binding(Method::PUT, "/a%2Fb?urlencoded=true&expiration_ttl=60")
        .header("cf-kv-metadata", metadata)
        .header("content-type", "multipart/form-data; boundary=X")
        .body("va")
        .body("lue");
    let put = world.send(put).await;
    assert_eq!((put.status, put.body.len()), (200, 0));
    let got = world.send(world.binding(Method::GET, "/a%2Fb?urlencoded=true")).await;
    assert_eq!((got.status, got.text().as_str()), (200, "value"));
    assert_eq!(got.headers["cf-kv-metadata"].as_bytes(), metadata.as_bytes());
    assert_eq!(got.header("cf-expiration"), (world.clock.wall().seconds() + 60).to_string());
    assert_eq!(got.header("cf-cache-status"), "HIT");
    assert_eq!(got.header("etag"), format!("\"{}\"", put.header("littoral-version")));
    assert_eq!(world.get("values/a%2Fb").await.text(), "value");
    let deleted = world.send(world.binding(Method::DELETE, "/a%2Fb?urlencoded=true")).await;
    assert_eq!(deleted.status, 200);
    let gone = world.send(world.binding(Method::GET, "/a%2Fb?urlencoded=true")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test(start_paused = true)]
async fn errors_stand_in_the_status_line() {
    let world = World::new().await;
    let now = world.clock.wall().seconds();
    let over = json!({"key": "x".repeat(1024 - 9)}).to_string();
    let get = |target: &str| world.binding(Method::GET, target);
    let put = |target: &str| world.binding(Method::PUT, target).body("v");
    let bulk = |body: &str| world.binding(Method::POST, "/bulk/get").body(body.to_owned());
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let checks = [
        (get("/k?urlencoded=true&cache_ttl=10"), 400, "Invalid cache_ttl of 10. Cache TTL must be at least 30.".to_owned()),
        (get("/k?urlencoded=true&cache_ttl=0"), 400, "Invalid cache_ttl of 0. Cache TTL must be at least 30.".into()),
        (get("/?key_count_limit=1001"), 400, "Invalid key_count_limit of 1001. Please specify an integer less than 1000.".into()),
        (put("/k?urlencoded=true&expiration_ttl=0"), 400, "Invalid expiration_ttl of 0. Please specify integer greater than 0.".into()),
        (put("/k?urlencoded=true&expiration_ttl=30"), 400, "Invalid expiration_ttl of 30. Expiration TTL must be at least 60.".into()),
        (put("/k?urlencoded=true&expiration=0"), 400, "Invalid expiration of 0. Please specify integer greater than the current number of seconds since the UNIX epoch.".into()),
        (put(&format!("/k?urlencoded=true&expiration={}", now + 30)), 400, format!("Invalid expiration of {}. Expiration times must be at least 60 seconds in the future.", now + 30)),
        (put("/k?urlencoded=true").header("cf-kv-metadata", &over), 413, "Metadata length of 1025 exceeds limit of 1024.".into()),
        (world.binding(Method::PUT, "/k?urlencoded=true").body(vec![0; 26_214_401]), 413, "Value length of 26214401 exceeds limit of 26214400.".into()),
        (put(&format!("/{}?urlencoded=true", "x".repeat(513))), 414, "UTF-8 encoded length of 513 exceeds key length limit of 512.".into()),
        (put("/?urlencoded=true"), 400, "Key names must not be empty".into()),
        (put("/..?urlencoded=true"), 400, "Illegal key name \"..\". Please use a different name.".into()),
        (get("/%?urlencoded=true"), 400, "Could not URL-decode key name".into()),
        (bulk(r#"{"keys":[]}"#), 400, "You must request a minimum of 1 key".into()),
        (bulk(&json!({"keys": many}).to_string()), 400, "You can request a maximum of 100 keys".into()),
        (bulk(r#"{"keys":["a"],"type":"invalid"}"#), 400, "\"invalid\" is not a valid type. Use \"json\" or \"text\"".into()),
        (bulk(r#"{"keys":[".."]}"#), 400, "Illegal key name \"..\". Please use a different name.".into()),
        (bulk(r#"{"keys":["a"],"cacheTtl":"10"}"#), 400, "Invalid cache_ttl of 10. Cache TTL must be at least 30.".into()),
    ];
    for (ask, status, reason) in checks {
        let refused = world.send(ask).await;
        assert_eq!((refused.status, refused.reason.as_str()), (status, reason.as_str()));
    }
    assert_eq!(world.get("keys").await.result(), json!([]), "nothing changed");
}

#[tokio::test(start_paused = true)]
async fn a_list_has_metadata_as_text_inside_json() {
    let world = World::new().await;
    for key in ["a", "b", "c"] {
        let put = world.binding(Method::PUT, &format!("/{key}?urlencoded=true"));
        world.send(put.header("cf-kv-metadata", "{\"n\":1}").body("v")).await.ok();
    }
    let list = |query: &str| world.send(world.binding(Method::GET, &format!("/{query}")));
    let page = list("?key_count_limit=2&cursor=").await;
    let mut json = page.json();
    let cursor = json["cursor"].take();
    assert_eq!(
        json,
        json!({
            "keys": [{"name": "a", "metadata": "{\"n\":1}"}, {"name": "b", "metadata": "{\"n\":1}"}],
            "list_complete": false,
            "cursor": null,
        })
    );
    assert_eq!(page.header("cf-cache-status"), "", "a list says nothing of a cache");
    let rest = list(&format!("?cursor={}", cursor.as_str().expect("more"))).await.json();
    assert_eq!(
        rest,
        json!({"keys": [{"name": "c", "metadata": "{\"n\":1}"}], "list_complete": true})
    );
    let prefixed = list("?prefix=b").await.json();
    assert_eq!(prefixed["keys"][0]["name"], "b");
    assert_eq!(list("?cursor=nonsense").await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn many_keys_are_read_at_once() {
    let world = World::new().await;
    world.put("values/a", "{\"x\": 1}").await.ok();
    world.put("values/t", "text").await.ok();
    let bulk =
        |body: &str| world.send(world.binding(Method::POST, "/bulk/get").body(body.to_owned()));
    let read = bulk(r#"{"keys":["a","z"],"type":"text","cacheTtl":"60"}"#).await;
    assert_eq!(read.json(), json!({"a": "{\"x\": 1}", "z": null}));
    let read = bulk(r#"{"keys":["a","z"],"type":"json","withMetadata":true}"#).await;
    assert_eq!(read.json(), json!({"a": {"value": {"x": 1}, "metadata": null}, "z": null}));
    let read = bulk(r#"{"keys":["a","t"],"type":"json"}"#).await;
    assert_eq!(
        (read.status, read.reason.as_str()),
        (400, "At least one of the requested keys corresponds to a non-json value")
    );
}

#[tokio::test(start_paused = true)]
async fn the_header_makes_any_path_the_bindings() {
    let world = World::new().await;
    for target in ["/client/v4/user?urlencoded=true", "/healthz?urlencoded=true"] {
        world.send(world.binding(Method::PUT, target).body("mine")).await.ok();
        assert_eq!(world.send(world.binding(Method::GET, target)).await.text(), "mine");
    }
    let keys = world.get("keys").await.result();
    assert_eq!(keys, json!([{"name": "client/v4/user"}, {"name": "healthz"}]));
    let none = Ask::new(Method::GET, "/k").header("littoral-namespace", &"0".repeat(32));
    let none = world.send(none).await;
    assert_eq!((none.status, none.reason.as_str()), (400, "get: 'namespace not found'"));
    let odd = Ask::new(Method::GET, "/k").header("littoral-namespace", "é");
    assert_eq!(world.send(odd).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_token_is_refused_anywhere_and_none_is_needed_on_this_machine() {
    let world = World::new().await;
    world.put("values/k", "v").await.ok();
    let get = || world.binding(Method::GET, "/k?urlencoded=true");
    assert_eq!(world.send(get()).await.status, 200);
    assert_eq!(world.send(get().token(TOKEN)).await.status, 200);
    for wrong in ["Bearer wrong", "Bearer lit_AAAA", "wrong", "Basic x"] {
        assert_eq!(world.send(get().header("authorization", wrong)).await.status, 401, "{wrong}");
    }
    assert_eq!(world.send(get().elsewhere()).await.status, 401);
    assert_eq!(world.send(get().elsewhere().token(TOKEN)).await.status, 200);
    assert_eq!(world.send(get().token(crate::world::OTHER_TOKEN)).await.status, 400);
    let closed = World::with(littoral_kv::doors::Options::default()).await;
    let bare = closed.send(closed.binding(Method::GET, "/k?urlencoded=true")).await;
    assert_eq!(bare.status, 401, "only `dev` is open");
}
