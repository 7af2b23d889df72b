//! One key: written, read, deleted.

use http::Method;
use serde_json::json;

use crate::world::{Ask, World};

#[tokio::test(start_paused = true)]
async fn a_value_is_written_read_and_deleted() {
    let world = World::new().await;
    let put = world.put("values/k", "v").await;
    assert_eq!(put.result(), json!({}));
    let version = put.header("littoral-version").to_owned();
    let got = world.get("values/k").await;
    assert_eq!((got.status, got.text().as_str()), (200, "v"));
    assert_eq!(got.header("content-type"), "application/octet-stream");
    assert_eq!(got.header("etag"), format!("\"{version}\""));
    assert_eq!(got.header("accept-ranges"), "bytes");
    assert!(got.header("cache-status").contains("here-edge; hit"), "{:?}", got.headers);
    assert!(got.header("server-timing").contains("here-edge;dur="), "{:?}", got.headers);
    let deleted = world.delete("values/k").await;
    assert_eq!(deleted.result(), json!({}));
    let gone = world.get("values/k").await;
    assert_eq!(gone.refusal(), (404, 10009));
    assert_eq!(gone.json()["errors"][0]["message"], "get: 'key not found'");
    assert_eq!(gone.header("etag"), format!("\"{}\"", deleted.header("littoral-version")));
    assert_eq!(world.delete("values/never").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn keys_are_decoded_once_and_kept_apart() {
    let world = World::new().await;
    let raw = ["a%2Fb", "a%252Fb", "a+b", "a%20b", "%3F%23%25", "%C3%A9", "...", "bulk%2Fget"];
    for key in raw {
        world.put(&format!("values/{key}"), key).await.ok();
    }
    for key in raw {
        assert_eq!(world.get(&format!("values/{key}")).await.text(), key);
    }
    let names = world.get("keys").await.result();
    let names: Vec<_> =
        names.as_array().expect("keys").iter().map(|key| key["name"].clone()).collect();
    assert_eq!(json!(names), json!(["...", "?#%", "a b", "a%2Fb", "a+b", "a/b", "bulk/get", "é"]));
}

#[tokio::test(start_paused = true)]
async fn a_form_brings_metadata_and_a_plain_put_takes_it_away() {
    let world = World::new().await;
    let form = "--X\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nline\r\n\r\n--X\r\n\
                Content-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"m\": [1, 2]}\r\n--X--\r\n";
    let ask = Ask::rest(Method::PUT, world.place("values/k"))
        .header("content-type", "multipart/form-data; boundary=X")
        .body(form);
    world.send(ask).await.ok();
    assert_eq!(world.get("values/k").await.text(), "line\r\n");
    assert_eq!(world.get("metadata/k").await.result(), json!({"m": [1, 2]}));
    let listed = world.get("keys").await.result();
    assert_eq!(listed, json!([{"name": "k", "metadata": {"m": [1, 2]}}]));
    world.put("values/k", "v").await.ok();
    assert_eq!(world.get("metadata/k").await.result(), json!(null));
    assert_eq!(world.get("metadata/absent").await.refusal(), (404, 10009));
}

#[tokio::test(start_paused = true)]
async fn a_value_lives_as_long_as_it_was_given() {
    let world = World::new().await;
    world.put("values/k?expiration_ttl=60&expiration=1", "v").await.ok();
    let at = world.clock.wall().seconds() + 60;
    assert_eq!(world.get("values/k").await.header("expiration"), at.to_string());
    assert_eq!(world.get("keys").await.result(), json!([{"name": "k", "expiration": at}]));
    world.clock.advance(60_000);
    assert_eq!(world.get("values/k").await.refusal(), (404, 10009));
    assert_eq!(world.get("metadata/k").await.refusal(), (404, 10009));
    assert_eq!(world.get("keys").await.result(), json!([]));
    world.put("values/k", "again").await.ok();
    let again = world.get("values/k").await;
    assert_eq!((again.text().as_str(), again.header("expiration")), ("again", ""));
}

#[tokio::test(start_paused = true)]
async fn a_large_value_comes_back_whole_and_one_byte_more_is_refused() {
    let world = World::new().await;
    let value = vec![7u8; 25 * 1024 * 1024];
    let put =
        |bytes: Vec<u8>| world.send(Ask::rest(Method::PUT, world.place("values/k")).body(bytes));
    put(value.clone()).await.ok();
    let got = world.get("values/k").await;
    assert!(got.status == 200 && got.body == value);
    let ask = Ask::rest(Method::GET, world.place("values/k")).header("range", "bytes=-3");
    let part = world.send(ask).await;
    assert_eq!((part.status, part.body.as_ref()), (206, [7u8; 3].as_slice()));
    let over = put([value, vec![1]].concat()).await;
    assert_eq!(over.refusal(), (413, 10024));
    assert_eq!(
        over.json()["errors"][0]["message"],
        "Value length of 26214401 exceeds limit of 26214400."
    );
    assert_eq!(world.get("values/k").await.body.len(), 25 * 1024 * 1024, "nothing changed");
}

#[tokio::test(start_paused = true)]
async fn an_empty_value_is_a_value() {
    let world = World::new().await;
    world.put("values/k", "").await.ok();
    let got = world.get("values/k").await;
    assert_eq!((got.status, got.body.len()), (200, 0));
}
