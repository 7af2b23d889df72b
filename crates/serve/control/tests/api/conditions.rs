//! Versions: what a client holds, requires, and has seen.

use http::Method;

use crate::world::{Ask, World};

#[tokio::test(start_paused = true)]
async fn a_write_happens_only_if_its_condition_holds() {
    let world = World::new().await;
    let put = |name, value: &str, body: &'static str| {
        Ask::rest(Method::PUT, world.place("values/k")).header(name, value).body(body)
    };
    let absent = world.send(put("if-match", "*", "0")).await;
    assert_eq!(absent.refusal(), (412, 10412));
    assert_eq!(absent.header("etag"), "");
    let first = world.send(put("if-none-match", "*", "1")).await;
    let first = format!("\"{}\"", first.ok().header("littoral-version"));
    let again = world.send(put("if-none-match", "*", "2")).await;
    assert_eq!((again.refusal(), again.header("etag")), ((412, 10412), first.as_str()));
    let second = world.send(put("if-match", &first, "3")).await;
    let second = format!("\"{}\"", second.ok().header("littoral-version"));
    let stale = world.send(put("if-match", &first, "4")).await;
    assert_eq!((stale.refusal(), stale.header("etag")), ((412, 10412), second.as_str()));
    let foreign = world.send(put("if-match", "\"abc\"", "5")).await;
    assert_eq!((foreign.refusal(), foreign.header("etag")), ((412, 10412), second.as_str()));
    assert_eq!(world.get("values/k").await.text(), "3");
    let delete =
        |value: &str| Ask::rest(Method::DELETE, world.place("values/k")).header("if-match", value);
    assert_eq!(world.send(delete(&first)).await.refusal(), (412, 10412));
    world.send(delete(&second)).await.ok();
    assert_eq!(world.get("values/k").await.status, 404);
    assert_eq!(world.send(put("if-match", "nonsense", "6")).await.refusal(), (400, 10434));
}

#[tokio::test(start_paused = true)]
async fn a_held_version_costs_no_body_and_a_part_is_a_part_of_it() {
    let world = World::new().await;
    world.put("values/k", "0123456789").await.ok();
    let etag = world.get("values/k").await.header("etag").to_owned();
    let get = |list: &[(&'static str, &str)]| {
        let ask = Ask::rest(Method::GET, world.place("values/k"));
        list.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    };
    let same = world.send(get(&[("if-none-match", &etag)])).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, etag.as_str()));
    let part = world.send(get(&[("range", "bytes=2-4"), ("if-range", &etag)])).await;
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let beyond = world.send(get(&[("range", "bytes=10-")])).await;
    assert_eq!((beyond.refusal(), beyond.header("content-range")), ((416, 10416), "bytes */10"));
}

#[tokio::test(start_paused = true)]
async fn a_reader_gets_the_version_it_has_seen_or_an_error() {
    let world = World::new().await;
    let version = world.put("values/k", "v").await.header("littoral-version").to_owned();
    let read = |minimum: &str| {
        Ask::rest(Method::GET, world.place("values/k")).header("littoral-min-version", minimum)
    };
    assert_eq!(world.send(read(&version)).await.text(), "v");
    let later = "f".repeat(16) + "-0000000000000001";
    let unmet = world.send(read(&later)).await;
    assert_eq!((unmet.refusal(), unmet.header("retry-after")), ((503, 10421), "1"));
    for bad in ["", "abc", "A-1", &"1".repeat(41)] {
        assert_eq!(world.send(read(bad)).await.refusal(), (400, 10420), "{bad}");
    }
    let binding =
        world.binding(Method::GET, "/k?urlencoded=true").header("littoral-min-version", &later);
    assert_eq!(world.send(binding).await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_bulk_write_tells_the_newest_of_its_versions() {
    let world = World::new().await;
    let body = r#"[{"key":"a","value":"1"},{"key":"b","value":"2"}]"#;
    let bulk = world.put("bulk", body).await;
    let newest = bulk.header("littoral-version").to_owned();
    let etag = |key| {
        let world = &world;
        async move { world.get(&format!("values/{key}")).await.header("etag").replace('"', "") }
    };
    assert_eq!(newest, etag("a").await.max(etag("b").await));
    let deleted = world.send(Ask::rest(Method::DELETE, world.place("bulk")).body(r#"["a"]"#)).await;
    assert!(deleted.ok().header("littoral-version") > newest.as_str());
}
