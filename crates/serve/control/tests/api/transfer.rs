//! A namespace as a file, out and in again.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::world::{Ask, World};

async fn import(world: &World, namespace: &str, text: &[u8]) -> Value {
    let target = world.place("import").replace(&world.namespace, namespace);
    // In pieces that end anywhere.
    let ask = text
        .chunks(1_000)
        .fold(Ask::rest(Method::POST, target), |ask, part| ask.body(Bytes::copy_from_slice(part)));
    world.send(ask).await.result()
}

#[tokio::test(start_paused = true)]
async fn what_is_exported_can_be_imported_and_is_the_same() {
    let world = World::new().await;
    let members: Vec<Value> = (0..300)
        .map(|n| json!({"key": format!("k{n:03}"), "value": format!("v\n{n}"), "metadata": {"n": n}}))
        .collect();
    world.put("bulk", &json!(members).to_string()).await.ok();
    let binary = Ask::rest(Method::PUT, world.place("values/z%0A?expiration_ttl=1000"));
    world.send(binary.body(vec![0xff; 300_000])).await.ok();
    let exported = world.get("export").await;
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    assert_eq!(exported.text().lines().count(), 301);
    let first: Value =
        serde_json::from_str(exported.text().lines().next().expect("a line")).expect("JSON");
    assert_eq!(first, json!({"name": "k000", "value": "v\n0", "metadata": {"n": 0}}));
    let copy = world.create("copy").await;
    let imported = import(&world, &copy, &exported.body).await;
    assert_eq!(imported, json!({"imported": 301, "failed_count": 0, "failed": []}));
    let again = world.get(&world.place("export").replace(&world.namespace, &copy)).await;
    assert!(again.body == exported.body, "an export of the copy is the same");
    let some = world.get("export?prefix=k00").await;
    assert_eq!(some.text().lines().count(), 10);
}

#[tokio::test(start_paused = true)]
async fn lines_that_cannot_be_imported_are_told_and_the_others_are() {
    let world = World::new().await;
    let text = "{\"key\":\"a\",\"value\":\"1\"}\nnonsense\n\n{\"name\":\"\",\"value\":\"\"}\n\
                {\"name\":\"b\",\"value\":\"?\",\"base64\":true}\n{\"name\":\"c\",\"value\":\"3\"}";
    let outcome = import(&world, &world.namespace, text.as_bytes()).await;
    assert_eq!((&outcome["imported"], &outcome["failed_count"]), (&json!(2), &json!(3)));
    let failed: Vec<_> = outcome["failed"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["line"].as_u64().expect("a number"), one["key"].as_str().expect("text")))
        .collect();
    assert_eq!(failed, [(2, ""), (4, ""), (5, "b")]);
    assert_eq!(world.get("keys").await.result(), json!([{"name": "a"}, {"name": "c"}]));
}

#[tokio::test(start_paused = true)]
async fn an_import_that_no_store_takes_stops() {
    let world = World::new().await;
    world.alone.lose_stores(true);
    let ask =
        Ask::rest(Method::POST, world.place("import")).body("{\"key\":\"a\",\"value\":\"1\"}\n");
    assert_eq!(world.send(ask).await.refusal(), (503, 10422));
    assert_eq!(world.get("export").await.refusal(), (503, 10424));
}
