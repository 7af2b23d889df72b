//! Writes and reads across locations while everything works.

use bytes::Bytes;
use futures_util::StreamExt as _;
use littoral_store::{Condition, Row, Store as _, Write};
use littoral_types::{Body, Ctx, Version, Wall};

use super::world::World;
use crate::{Error, ListOptions, Precondition, Put};

#[tokio::test(start_paused = true)]
async fn a_write_reaches_both_stores_and_leaves_no_debt() {
    let world = World::new().await;
    let version = world.put(1, "k", "v").await;
    world.pass(10_000).await;
    assert_eq!(world.row(0, "k").await, Some(version));
    assert_eq!(world.row(1, "k").await, Some(version));
    assert_eq!(world.debts(1), 0);
}

#[tokio::test(start_paused = true)]
async fn who_writes_reads_it_at_once_where_it_was_written() {
    let world = World::new().await;
    for at in 0..4 {
        assert_eq!(world.get(at, "k").await, None);
    }
    for at in 0..4 {
        let value = format!("from {at}");
        world.put(at, "k", &value).await;
        assert_eq!(world.get(at, "k").await, Some(value));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shown_version_is_met_everywhere_at_once() {
    let world = World::new().await;
    world.put(0, "k", "old").await;
    for at in 0..4 {
        world.get(at, "k").await;
    }
    let version = world.put(1, "k", "new").await;
    for at in 0..4 {
        let ctx = Ctx { minimum: Some(version), ..world.ctx() };
        let seen = world.try_get(at, "k", &ctx).await.expect("met");
        assert_eq!(seen.as_deref(), Some("new"), "at {at}");
    }
    let future = Version::from_parts(u64::MAX, 1);
    let ctx = Ctx { minimum: Some(future), ..world.ctx() };
    let refused = world.try_get(3, "k", &ctx).await;
    assert!(matches!(refused, Err(Error::MinimumUnmet { .. })));
}

#[tokio::test(start_paused = true)]
async fn others_see_a_write_within_the_refresh_period() {
    let world = World::new().await;
    world.put(0, "k", "old").await;
    assert_eq!(world.get(3, "k").await.as_deref(), Some("old"));
    world.put(0, "k", "new").await;
    for _ in 0..31 {
        world.pass(1_000).await;
        world.get(3, "k").await;
    }
    assert_eq!(world.get(3, "k").await.as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn the_last_of_many_writers_wins_in_both_stores() {
    let world = World::new().await;
    let writes = (0..40).map(|n| world.put(n % 4, "k", "v"));
    let versions = futures_util::future::join_all(writes).await;
    world.pass(10_000).await;
    let last = versions.into_iter().max();
    assert_eq!(world.row(0, "k").await, last);
    assert_eq!(world.row(1, "k").await, last);
}

#[tokio::test(start_paused = true)]
async fn a_list_shows_a_write_from_anywhere_at_once_and_no_tombstone() {
    let world = World::new().await;
    for key in ["b", "a", "c"] {
        world.put(0, key, "v").await;
    }
    // Blind writes at different nodes are ordered by time, to the millisecond.
    world.pass(1).await;
    let key = Bytes::from_static(b"b");
    let ctx = world.ctx();
    let deleted = world.kv(3).delete(&ctx, &world.namespace, key, Precondition::None).await;
    deleted.expect("deleted");
    let options = ListOptions { limit: 2, ..ListOptions::default() };
    let page = world.kv(2).list(&world.ctx(), &world.namespace, options).await.expect("a page");
    let keys: Vec<_> = page.keys.iter().map(|listing| &listing.key[..]).collect();
    assert_eq!(keys, [b"a", b"c"]);
    assert_eq!(page.more_after, None);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_each_version_once_and_in_order() {
    let world = World::new().await;
    let prefix = Bytes::from_static(b"w/");
    let mut changes = world.kv(3).watch(&world.ctx(), &world.namespace, prefix.clone(), None);
    let reader = async {
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.push(changes.next().await.expect("a change").expect("no error"));
        }
        seen
    };
    let writer = async {
        world.pass(500).await;
        let one = world.put(0, "w/1", "v").await;
        world.put(0, "x", "not watched").await;
        let two = world.put(1, "w/2", "v").await;
        // Else a newer version of the key may overtake, and stand for, the older one.
        world.pass(200).await;
        let three = world.put(2, "w/1", "v").await;
        [one, two, three]
    };
    let (seen, written) = futures_util::future::join(reader, writer).await;
    let mut versions: Vec<_> = seen.iter().map(|change| change.version).collect();
    let of_one: Vec<_> = seen.iter().filter(|c| c.key == "w/1").map(|c| c.version).collect();
    assert_eq!(of_one, [written[0], written[2]], "a key's versions come in order");
    versions.sort();
    let mut written = written;
    written.sort();
    assert_eq!(versions, written, "each once, and nothing else");
    let from = Some(seen[1].from.clone());
    let mut resumed = world.kv(0).watch(&world.ctx(), &world.namespace, prefix, from);
    let last = seen[2].version;
    // What the other store had not told yet by then may be shown again, but nothing is left out.
    loop {
        let next = resumed.next().await.expect("a change").expect("no error");
        assert!(written.contains(&next.version));
        if next.version == last {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_stamped_again_says_so() {
    let world = World::new().await;
    // Another writer's, a little ahead; the other store has yet to hear of it.
    let ahead = Version::new(Wall(world.clock.wall().0 + 50), 0, 99);
    let key = Bytes::from_static(b"k");
    let row = Row { version: ahead, body: Body::Bytes(key.clone()), ..Row::default() };
    let (space, now) = (world.namespace.id, world.clock.wall());
    let write = Write { space, key: key.clone(), row, condition: Condition::Newer, now };
    world.stores[0].inner.apply(write).await.expect("taken");

    let put = Put { body: Body::Bytes(Bytes::from_static(b"v")), ..Put::default() };
    let written = world.kv(0).put(&world.ctx(), &world.namespace, key, put).await.expect("taken");
    let [first] = written.earlier[..] else { panic!("stamped {} times", written.earlier.len()) };
    assert!(first < ahead && ahead < written.version);
    world.pass(10_000).await;
    assert_eq!(world.row(0, "k").await, Some(written.version));
    assert_eq!(world.row(1, "k").await, Some(written.version));
}
