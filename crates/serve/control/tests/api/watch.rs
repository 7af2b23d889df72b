//! Changes as server-sent events.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use littoral_http::Body;

use crate::world::{Ask, World};

/// The next chunk of a stream.
async fn next(world: &World, body: &mut Body) -> String {
    let frame = world.clock.timeout(Duration::from_secs(60), body.frame()).await;
    let frame = frame.expect("in time").expect("not over").expect("no error");
    String::from_utf8(frame.into_data().expect("data").to_vec()).expect("UTF-8")
}

/// The next event that is not a sign of life.
async fn event(world: &World, body: &mut Body) -> (String, String, String) {
    loop {
        let text = next(world, body).await;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
        };
        if let (Some(name), Some(id), Some(data)) = (field("event:"), field("id:"), field("data:"))
        {
            return (name, id, data);
        }
    }
}

/// A watch that has told where it begins.
async fn open(world: &World, query: &str, id: Option<&str>) -> Body {
    let ask = Ask::rest(Method::GET, world.place(&format!("watch?{query}")));
    let ask = id.into_iter().fold(ask, |ask, id| ask.header("last-event-id", id));
    let res = world.open(ask).await;
    assert_eq!(res.headers()["content-type"], "text/event-stream");
    let mut body = res.into_body();
    let opened = next(world, &mut body).await;
    assert!(opened.starts_with(": watching\nid: "), "{opened}");
    body
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_the_writes_and_deletes_of_its_prefix() {
    let world = World::new().await;
    let mut body = open(&world, "prefix=a%2F", None).await;
    world.put("values/b", "no").await.ok();
    let version = world.put("values/a%2F1", "v").await.header("littoral-version").to_owned();
    let (name, _, data) = event(&world, &mut body).await;
    assert_eq!(
        (name.as_str(), data),
        ("put", format!("{{\"key\":\"a/1\",\"version\":\"{version}\"}}"))
    );
    let version = world.delete("values/a%2F1").await.header("littoral-version").to_owned();
    let (name, _, data) = event(&world, &mut body).await;
    assert_eq!(
        (name.as_str(), data),
        ("delete", format!("{{\"key\":\"a/1\",\"version\":\"{version}\"}}"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_key_sees_that_key_only() {
    let world = World::new().await;
    let mut body = open(&world, "key=k", None).await;
    world.put("values/kk", "no").await.ok();
    world.put("values/k", "yes").await.ok();
    let (_, _, data) = event(&world, &mut body).await;
    assert!(data.contains("\"key\":\"k\""), "{data}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_where_it_was_cut() {
    let world = World::new().await;
    let mut body = open(&world, "prefix=k", None).await;
    world.put("values/k1", "1").await.ok();
    let (_, id, _) = event(&world, &mut body).await;
    drop(body);
    world.put("values/k2", "2").await.ok();
    let mut body = open(&world, "prefix=k", Some(&id)).await;
    loop {
        let (_, _, data) = event(&world, &mut body).await;
        // The one it stood at may come again from the other store's stream, never a later one not.
        if data.contains("\"key\":\"k2\"") {
            break;
        }
        assert!(data.contains("\"key\":\"k1\""), "{data}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_saw_nothing_goes_on_too() {
    let world = World::new().await;
    let ask = Ask::rest(Method::GET, world.place("watch?prefix=k"));
    let mut body = world.open(ask).await.into_body();
    let opened = next(&world, &mut body).await;
    let id = opened.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned();
    drop(body);
    world.put("values/k", "v").await.ok();
    let mut body = open(&world, "prefix=k", Some(&id)).await;
    let (_, _, data) = event(&world, &mut body).await;
    assert!(data.contains("\"key\":\"k\""), "{data}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_store_is_refused() {
    let world = World::new().await;
    world.alone.lose_stores(true);
    assert_eq!(world.get("watch").await.refusal(), (503, 10424));
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_says_that_it_is_alive() {
    let world = World::new().await;
    let mut body = open(&world, "", None).await;
    let before = world.clock.mono();
    assert_eq!(next(&world, &mut body).await, ": alive\n\n");
    let silence = world.clock.mono().since(before);
    assert!(silence <= Duration::from_secs(15), "{silence:?}");
}

#[tokio::test(start_paused = true)]
async fn watches_are_bounded() {
    let options = littoral_kv::doors::Options { watches_max: 1, ..Default::default() };
    let world = World::with(options).await;
    let held = open(&world, "", None).await;
    assert_eq!(world.get("watch").await.refusal(), (503, 10425));
    drop(held);
    open(&world, "", None).await;
}
