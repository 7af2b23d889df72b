//! Bad input: the documented status and code, and nothing else changes.

use http::Method;
use serde_json::json;

use crate::world::{ACCOUNT, Ask, NAMESPACES, World};

#[tokio::test(start_paused = true)]
async fn keys_that_are_none_are_refused_and_change_nothing() {
    let world = World::new().await;
    world.put("values/k", "v").await.ok();
    let long = "x".repeat(513);
    for (raw, refusal) in [
        ("", (400, 10042)),
        (".", (400, 10042)),
        ("..", (400, 10042)),
        ("%2E%2E", (400, 10042)),
        ("%ff", (400, 10042)),
        ("100%", (400, 10042)),
        (&long, (414, 10030)),
        ("a/b", (404, 7000)),
        ("../x", (404, 7000)),
    ] {
        let path = format!("values/{raw}");
        assert_eq!(world.get(&path).await.refusal(), refusal, "GET {raw}");
        assert_eq!(world.put(&path, "v").await.refusal(), refusal, "PUT {raw}");
        assert_eq!(world.delete(&path).await.refusal(), refusal, "DELETE {raw}");
        let metadata = world.get(&format!("metadata/{raw}")).await;
        assert_eq!(metadata.refusal(), refusal, "metadata {raw}");
    }
    assert_eq!(world.get("keys").await.result(), json!([{"name": "k"}]));
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_key_normalises_away_does_not_delete_the_namespace() {
    let world = World::new().await;
    world.put("values/k", "v").await.ok();
    // What a client makes of the keys `..` and `.`.
    for path in ["", "values", "values/", "bulk/", "keys/"] {
        assert!(world.delete(path).await.status >= 400, "{path}");
        assert!(world.put(path, "v").await.status >= 400, "{path}");
    }
    assert_eq!(world.delete(&format!("{NAMESPACES}/")).await.status, 405);
    assert_eq!(world.delete(NAMESPACES).await.status, 405);
    assert_eq!(world.get("values/k").await.text(), "v");
}

#[tokio::test(start_paused = true)]
async fn writes_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let now = world.clock.wall().seconds();
    for (query, refusal) in [
        ("expiration_ttl=30".to_owned(), (400, 10034)),
        ("expiration_ttl=0".into(), (400, 10034)),
        ("expiration_ttl=soon".into(), (400, 10034)),
        ("expiration=1".into(), (400, 10033)),
        (format!("expiration={now}"), (400, 10033)),
        (format!("expiration={}", now + 30), (400, 10033)),
    ] {
        let put = world.put(&format!("values/k?{query}"), "v").await;
        assert_eq!(put.refusal(), refusal, "{query}");
    }
    let form = |metadata: &str| {
        let part = |name, body: &str| {
            format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{body}\r\n")
        };
        let body = part("value", "v") + &part("metadata", metadata) + "--X--\r\n";
        Ask::rest(Method::PUT, world.place("values/k"))
            .header("content-type", "multipart/form-data; boundary=X")
            .body(body)
    };
    assert_eq!(world.send(form("{nope")).await.refusal(), (400, 10147));
    let over = json!("x".repeat(1023)).to_string();
    assert_eq!(world.send(form(&over)).await.refusal(), (413, 10024));
    world.send(form(&json!("x".repeat(1022)).to_string())).await.ok();
    let cut = Ask::rest(Method::PUT, world.place("values/other"))
        .header("content-type", "multipart/form-data; boundary=X")
        .body("--X\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nhal");
    assert_eq!(world.send(cut).await.refusal(), (400, 10012));
    assert_eq!(world.get("values/other").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn places_that_do_not_exist_are_named_as_such() {
    let world = World::new().await;
    let with = |account: &str, namespace: &str, rest: &str| {
        format!("/client/v4/accounts/{account}/storage/kv/namespaces/{namespace}{rest}")
    };
    let none = "0".repeat(32);
    for (method, rest, body) in [
        (Method::GET, "/values/k", ""),
        (Method::PUT, "/values/k", "v"),
        (Method::DELETE, "/values/k", ""),
        (Method::GET, "/metadata/k", ""),
        (Method::GET, "/keys", ""),
        (Method::PUT, "/bulk", "[]"),
        (Method::POST, "/bulk/get", r#"{"keys":["k"]}"#),
        (Method::POST, "/bulk/delete", "[]"),
        (Method::GET, "/export", ""),
        (Method::GET, "/watch", ""),
    ] {
        let ask = |target| Ask::rest(method.clone(), target).body(body);
        let refused = world.send(ask(with(ACCOUNT, &none, rest))).await;
        assert_eq!(refused.refusal(), (404, 10013), "{method} {rest}");
        let message = refused.json()["errors"][0]["message"].clone();
        assert!(message.as_str().expect("text").ends_with(": 'namespace not found'"), "{message}");
        let refused = world.send(ask(with("invalid-account-id-000", &none, rest))).await;
        assert_eq!(refused.refusal(), (400, 7003), "{method} {rest}");
        let refused = world.send(ask(with(ACCOUNT, "nonsense", rest))).await;
        assert_eq!(refused.refusal(), (400, 10011), "{method} {rest}");
    }
    for path in
        ["/", "/client/v4", "/client/v4/", "/client/v4/zones", "/client/v5/user", "/favicon.ico"]
    {
        assert_eq!(world.get(path).await.refusal(), (404, 7000), "{path}");
    }
    assert_eq!(world.get("nonsense").await.refusal(), (404, 7000));
    let post = world.post("values/k", "v").await;
    assert_eq!((post.refusal(), post.header("allow")), ((405, 10405), "GET, HEAD, PUT, DELETE"));
}
