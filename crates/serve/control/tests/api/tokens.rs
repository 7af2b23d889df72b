//! Tokens: what each may do, and until when.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::world::{ACCOUNT, Answered, Ask, NAMESPACES, OTHER_ACCOUNT, OTHER_TOKEN, World};

const TOKENS: &str = "/client/v4/accounts/{account}/tokens";

async fn make(world: &World, body: serde_json::Value) -> (String, String) {
    let made = world.post(TOKENS, &body.to_string()).await.result();
    let text = |name: &str| made[name].as_str().expect(name).to_owned();
    (text("id"), text("value"))
}

async fn with(
    world: &World,
    token: &str,
    method: Method,
    path: &str,
    body: &'static str,
) -> Answered {
    world.send(Ask::new(method, world.place(path)).token(token).body(body)).await
}

#[tokio::test(start_paused = true)]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let world = World::new().await;
    let other = world.create("other").await;
    let scopes = json!([
        {"namespace": world.namespace, "access": "read"},
        {"namespace": other, "access": "write"},
    ]);
    let (_, token) = make(&world, json!({"name": "ci", "scopes": scopes})).await;
    world.put("values/k", "v").await.ok();
    assert_eq!(with(&world, &token, Method::GET, "values/k", "").await.text(), "v");
    for (method, path, body) in [
        (Method::PUT, "values/k", "w"),
        (Method::DELETE, "values/k", ""),
        (Method::PUT, "bulk", "[]"),
        (Method::POST, "purge", r#"{"everything":true}"#),
        (Method::PUT, "policy", "{}"),
        (Method::POST, NAMESPACES, r#"{"title":"t"}"#),
        (Method::GET, TOKENS, ""),
        (Method::POST, TOKENS, r#"{"name":"more","scopes":[{"namespace":"*","access":"write"}]}"#),
    ] {
        let refused = with(&world, &token, method.clone(), path, body).await;
        assert_eq!(refused.refusal(), (403, 10000), "{method} {path}");
    }
    let there = world.place("values/k").replace(&world.namespace, &other);
    with(&world, &token, Method::PUT, &there, "w").await.ok();
    let listed = with(&world, &token, Method::GET, NAMESPACES, "").await.result();
    assert_eq!(listed.as_array().expect("a list").len(), 2);
    assert_eq!(world.get("values/k").await.text(), "v");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_in_memory_is_not_shown_to_who_may_not_see_it() {
    let world = World::new().await;
    let other = world.create("other").await;
    let scopes = json!([{"namespace": other, "access": "write"}]);
    let (_, token) = make(&world, json!({"name": "elsewhere", "scopes": scopes})).await;
    world.put("values/k", "v").await.ok();
    // Until token, namespace and value are all held.
    for _ in 0..3 {
        world.get("values/k").await.ok();
        let there = world.place("values/k").replace(&world.namespace, &other);
        with(&world, &token, Method::PUT, &there, "w").await.ok();
        let got = with(&world, &token, Method::GET, "values/k", "").await;
        assert_eq!(got.refusal(), (403, 10000));
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let ask = world.binding(method.clone(), "/k?urlencoded=true").token(&token);
            assert_eq!(world.send(ask).await.status, 403, "{method}");
        }
        let elsewhere = Ask::new(Method::GET, world.place("values/k")).token(OTHER_TOKEN);
        assert_eq!(world.send(elsewhere).await.refusal(), (403, 10000));
    }
    assert_eq!(world.get("values/k").await.text(), "v");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_reads_everything_writes_nothing() {
    let world = World::new().await;
    let scopes = json!([{"namespace": "*", "access": "read"}]);
    let (_, token) = make(&world, json!({"name": "eyes", "scopes": scopes})).await;
    with(&world, &token, Method::GET, "keys", "").await.ok();
    with(&world, &token, Method::GET, NAMESPACES, "").await.ok();
    assert_eq!(with(&world, &token, Method::PUT, "values/k", "").await.refusal(), (403, 10000));
    assert_eq!(with(&world, &token, Method::GET, TOKENS, "").await.refusal(), (403, 10000));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let world = World::new().await;
    let scopes = json!([{"namespace": "*", "access": "write"}]);
    let (id, token) = make(&world, json!({"name": "all", "scopes": scopes})).await;
    assert!(token.starts_with("lit_") && token.len() > 40, "{token}");
    let listed = world.get(TOKENS).await;
    assert_eq!(listed.result()[0]["name"], "all");
    assert!(!listed.text().contains(&token) && !listed.text().contains("hash"));
    with(&world, &token, Method::PUT, "values/k", "v").await.ok();
    let verified = with(&world, &token, Method::GET, "/client/v4/user/tokens/verify", "").await;
    assert_eq!(verified.result(), json!({"id": id, "status": "active"}));
    world.delete(&format!("{TOKENS}/{id}")).await.ok();
    assert_eq!(with(&world, &token, Method::GET, "values/k", "").await.refusal(), (401, 10000));
    assert_eq!(world.get(TOKENS).await.result(), json!([]));
    assert_eq!(world.delete(&format!("{TOKENS}/{id}")).await.refusal(), (404, 10440));
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_at_its_time() {
    let world = World::new().await;
    let scopes = json!([{"namespace": "*", "access": "read"}]);
    let at = world.clock.wall().seconds() + 100;
    let body = json!({"name": "soon", "scopes": scopes, "expires_at": at});
    let (_, token) = make(&world, body).await;
    with(&world, &token, Method::GET, "keys", "").await.ok();
    world.clock.advance(100_000);
    assert_eq!(with(&world, &token, Method::GET, "keys", "").await.refusal(), (401, 10000));
    assert_eq!(world.get(TOKENS).await.result()[0]["status"], "expired");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_makes_no_sense_is_not_made() {
    let world = World::new().await;
    let all = json!([{"namespace": "*", "access": "read"}]);
    for (body, status) in [
        (json!({}), 400),
        (json!({"name": "", "scopes": all}), 400),
        (json!({"name": "a", "scopes": []}), 400),
        (json!({"name": "a", "scopes": [{"namespace": "*", "access": "own"}]}), 400),
        (json!({"name": "a", "scopes": [{"namespace": "first", "access": "read"}]}), 400),
        (json!({"name": "a", "scopes": [{"namespace": "0".repeat(32), "access": "read"}]}), 404),
        (json!({"name": "a", "scopes": all, "expires_at": 1}), 400),
        (json!({"name": "a", "scopes": all, "expires": 1}), 400),
    ] {
        assert_eq!(world.post(TOKENS, &body.to_string()).await.status, status, "{body}");
    }
    assert_eq!(world.get(TOKENS).await.result(), json!([]));
    for n in 0..5 {
        make(&world, json!({"name": n.to_string(), "scopes": all})).await;
    }
    let more = world.post(TOKENS, &json!({"name": "a", "scopes": all}).to_string()).await;
    assert_eq!(more.refusal(), (400, 10441));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_open_without_a_token() {
    let world = World::new().await;
    let token = |name: &'static str, value: &str| {
        Ask::new(Method::GET, world.place("keys")).header(name, value)
    };
    let bare = world.send(Ask::new(Method::GET, world.place("keys"))).await;
    assert_eq!(bare.refusal(), (400, 9106));
    for malformed in ["dev-token", "Basic abc", "Bearer"] {
        let refused = world.send(token("authorization", malformed)).await;
        assert_eq!(refused.refusal(), (400, 6003), "{malformed}");
        assert_eq!(refused.json()["errors"][0]["error_chain"][0]["code"], 6111);
    }
    for wrong in ["nonsense", "lit_AAAA", &littoral_control::new_token()] {
        let refused = world.send(token("authorization", &format!("Bearer {wrong}"))).await;
        assert_eq!(refused.refusal(), (401, 10000), "{wrong}");
        assert_eq!(refused.json()["errors"][0]["message"], "Authentication error");
    }
    world.send(token("x-auth-email", "a@b").header("x-auth-key", "dev-token")).await.ok();
    let elsewhere = world.place("keys").replace(ACCOUNT, OTHER_ACCOUNT);
    assert_eq!(world.get(&elsewhere).await.refusal(), (403, 10000));
    for path in [NAMESPACES, TOKENS, "/client/v4/user", "/client/v4/accounts"] {
        let bare = world.send(Ask::new(Method::GET, world.place(path))).await;
        assert_eq!(bare.refusal(), (400, 9106), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_token_goes_on_while_no_store_answers() {
    let world = World::new().await;
    let scopes = json!([{"namespace": "*", "access": "read"}]);
    let (_, token) = make(&world, json!({"name": "a", "scopes": scopes})).await;
    world.put("values/k", "v").await.ok();
    with(&world, &token, Method::GET, "values/k", "").await.ok();
    world.alone.lose_stores(true);
    world.clock.sleep(Duration::from_secs(120)).await;
    let served = with(&world, &token, Method::GET, "values/k", "").await;
    assert_eq!((served.status, served.text().as_str()), (200, "v"), "{:?}", served.headers);
}
