//! Namespaces: made, listed, renamed, removed.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::world::{Ask, NAMESPACES, OTHER_ACCOUNT, OTHER_TOKEN, World};

fn named(world: &World, id: &str) -> String {
    world.place(&format!("{NAMESPACES}/{id}"))
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_made_found_renamed_and_removed() {
    let world = World::new().await;
    let made = world.post(NAMESPACES, "{\n  \"title\": \"two\"\n}").await.result();
    let id = made["id"].as_str().expect("an id");
    assert_eq!(made, json!({"id": id, "title": "two", "supports_url_encoding": true}));
    assert_eq!(id.len(), 32);
    assert_eq!(world.get(&named(&world, id)).await.result(), made);
    let renamed = world.put(&named(&world, id), r#"{"title":"three"}"#).await.result();
    assert_eq!(renamed["title"], "three");
    assert_eq!(world.get(&named(&world, id)).await.result()["title"], "three");
    world.create("two").await;
    world.delete(&named(&world, id)).await.ok();
    assert_eq!(world.get(&named(&world, id)).await.refusal(), (404, 10013));
    assert_eq!(world.delete(&named(&world, id)).await.refusal(), (404, 10013));
    world.create("three").await;
}

#[tokio::test(start_paused = true)]
async fn a_title_is_taken_once_in_an_account() {
    let world = World::new().await;
    let again = world.post(NAMESPACES, r#"{"title":"first"}"#).await;
    assert_eq!(again.refusal(), (400, 10014));
    assert_eq!(
        again.json()["errors"][0]["message"],
        "a namespace with this account ID and title already exists"
    );
    let second = world.create("second").await;
    let rename = world.put(&named(&world, &second), r#"{"title":"first"}"#).await;
    assert_eq!(rename.refusal(), (400, 10014));
    assert_eq!(world.get(&named(&world, &second)).await.result()["title"], "second");
    let same = world.put(&named(&world, &second), r#"{"title":"second"}"#).await;
    assert_eq!(same.result()["title"], "second");
    let elsewhere = NAMESPACES.replace("{account}", OTHER_ACCOUNT);
    let ask = Ask::new(Method::POST, elsewhere).token(OTHER_TOKEN).body(r#"{"title":"first"}"#);
    world.send(ask).await.ok();
}

#[tokio::test(start_paused = true)]
async fn two_who_want_one_title_get_one_namespace() {
    let world = World::new().await;
    let make = || world.post(NAMESPACES, r#"{"title":"wanted"}"#);
    let both = futures_util::future::join(make(), make()).await;
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let all = world.get(NAMESPACES).await.result();
    let wanted = all.as_array().expect("a list").iter().filter(|one| one["title"] == "wanted");
    assert_eq!(wanted.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_title_whose_claim_led_to_nothing_can_be_taken_after_a_while() {
    let world = World::new().await;
    let id = world.create("half").await;
    // As if the one who claimed it had stopped before it wrote the namespace.
    let records = littoral_kv::Namespace {
        id: littoral_types::SpaceId(1),
        account: littoral_types::Tenant(0),
        title: String::new(),
        policy: littoral_kv::Policy { compare: true, ..Default::default() },
    };
    let number = |hex: &str| u128::from_str_radix(hex, 16).expect("an id").to_be_bytes();
    let key = [&b"n"[..], &number(crate::world::ACCOUNT), &number(&id)].concat();
    let deadline = world.clock.after(Duration::from_secs(5));
    let ctx = littoral_types::Ctx { deadline, ..Default::default() };
    let removed =
        world.alone.kv.delete(&ctx, &records, key.into(), littoral_kv::Precondition::Present);
    removed.await.expect("it was there");
    let again = || world.post(NAMESPACES, r#"{"title":"half"}"#);
    assert_eq!(again().await.refusal(), (400, 10014), "somebody may still be writing");
    world.clock.sleep(Duration::from_secs(61)).await;
    again().await.ok();
    assert_eq!(again().await.refusal(), (400, 10014));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_title_is_refused() {
    let world = World::new().await;
    for body in ["{}", r#"{"title":""}"#, &json!({"title": "x".repeat(513)}).to_string()] {
        assert_eq!(world.post(NAMESPACES, body).await.refusal(), (400, 10019), "{body}");
        let rename = world.put(&named(&world, &world.namespace), body).await;
        assert_eq!(rename.refusal(), (400, 10019), "{body}");
    }
    for body in ["", "[]", r#"{"title":1}"#] {
        assert_eq!(world.post(NAMESPACES, body).await.refusal(), (400, 10012), "{body}");
    }
    let none = named(&world, &"0".repeat(32));
    assert_eq!(world.put(&none, r#"{"title":"t"}"#).await.refusal(), (404, 10013));
    assert_eq!(world.get(&none).await.refusal(), (404, 10013));
}

#[tokio::test(start_paused = true)]
async fn an_account_has_a_bounded_number_of_namespaces_in_pages() {
    let world = World::new().await;
    for title in ["e", "d", "c", "b"] {
        world.create(title).await;
    }
    assert_eq!(world.post(NAMESPACES, r#"{"title":"a"}"#).await.refusal(), (400, 10018));
    let titles = |query: &str| {
        let path = format!("{NAMESPACES}?{query}");
        let world = &world;
        async move {
            let page = world.get(&path).await;
            let titles = page.result().as_array().expect("a list").clone();
            let titles: Vec<Value> = titles.iter().map(|one| one["title"].clone()).collect();
            (json!(titles), page.json()["result_info"].clone())
        }
    };
    let (first, info) = titles("order=title&direction=asc&per_page=3").await;
    assert_eq!(first, json!(["b", "c", "d"]));
    assert_eq!(info["total_count"], 5);
    assert_eq!(titles("order=title&per_page=3&page=2").await.0, json!(["e", "first"]));
    assert_eq!(titles("per_page=1000&page=2").await.0, json!([]));
    assert_eq!(world.get(&format!("{NAMESPACES}?page=0")).await.refusal(), (400, 10007));
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_a_removed_namespace_go_after_it() {
    let world = World::new().await;
    world.put("values/k", "v").await.ok();
    world.delete(&named(&world, &world.namespace)).await.ok();
    assert_eq!(world.put("values/k", "v").await.refusal(), (404, 10013));
    assert_eq!(world.get("values/k").await.refusal(), (404, 10013));
    assert_eq!(world.get("keys").await.refusal(), (404, 10013));
    let space = littoral_kv::Namespace {
        id: world.namespace.parse().expect("an id"),
        account: littoral_types::Tenant(0),
        title: String::new(),
        policy: littoral_kv::Policy::default(),
    };
    let deadline = world.clock.after(Duration::from_secs(60));
    let ctx = littoral_types::Ctx { deadline, ..Default::default() };
    // An edge that has not heard of it yet.
    world.clock.sleep(Duration::from_secs(5)).await;
    let late =
        littoral_kv::Put { body: littoral_types::Body::Bytes("late".into()), ..Default::default() };
    world.alone.kv.put(&ctx, &space, "late".into(), late).await.expect("taken");
    world.clock.sleep(Duration::from_secs(30)).await;
    let options = littoral_kv::ListOptions { limit: 10, ..Default::default() };
    let page = world.alone.kv.list(&ctx, &space, options).await.expect("a list");
    assert!(page.keys.is_empty(), "{page:?}");
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_read_changed_and_obeyed() {
    let world = World::new().await;
    let policy = world.get("policy").await.result();
    assert_eq!((&policy["refresh_s"], &policy["expiration_ttl_min_s"]), (&json!(60), &json!(60)));
    assert_eq!(world.put("values/k?expiration_ttl=1", "v").await.refusal(), (400, 10034));
    assert_eq!(world.get("values/k?cache_ttl=0").await.refusal(), (400, 10430));
    let changed = r#"{"expiration_ttl_min_s":1,"cache_ttl_min_s":0,"refresh_s":1}"#;
    let set = world.put("policy", changed).await.result();
    assert_eq!((&set["refresh_s"], &set["cache_ttl_s"]), (&json!(1), &json!(60)));
    world.clock.sleep(Duration::from_secs(3)).await;
    world.put("values/k?expiration_ttl=1", "v").await.ok();
    world.get("values/k?cache_ttl=0").await.ok();
    for bad in ["", "[]", r#"{"refresh_s":0}"#, r#"{"unknown":1}"#] {
        assert_eq!(world.put("policy", bad).await.status, 400, "{bad}");
    }
    assert_eq!(world.get("policy").await.result(), set);
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_told_who_they_are() {
    let world = World::new().await;
    let account = crate::world::ACCOUNT;
    let verified = world.get("/client/v4/user/tokens/verify").await.result();
    assert_eq!(verified["status"], "active");
    let accounts = world.get("/client/v4/accounts?page=1").await.result();
    assert_eq!(accounts, json!([{"id": account, "name": format!("account {account}")}]));
    assert_eq!(world.get("/client/v4/accounts?page=2").await.result(), json!([]));
    let memberships = world.get("/client/v4/memberships?page=1").await.result();
    assert_eq!(memberships[0]["account"]["id"], account);
    assert!(world.get("/client/v4/user").await.result()["email"].is_string());
    let wrong = Ask::new(Method::GET, "/client/v4/user/tokens/verify").token("wrong");
    assert_eq!(world.send(wrong).await.refusal(), (401, 1000));
}
