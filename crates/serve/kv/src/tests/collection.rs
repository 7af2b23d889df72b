//! Tombstones are collected, and what comes late stays dead.

use std::time::Duration;

use bytes::Bytes;
use littoral_store::{Collect, Condition, Debts as _, Doomed, Row, Store as _, Write};
use littoral_types::{Body, Ctx, StoreId, Version, Wall};

use super::world::World;
use crate::Error;

fn write(world: &World, key: &'static str, version: Version, body: Body) -> Write {
    let row = Row { version, body, ..Row::default() };
    let (space, now) = (world.namespace.id, world.clock.wall());
    Write { space, key: key.into(), row, condition: Condition::Newer, now }
}

fn value(text: &'static str) -> Body {
    Body::Bytes(Bytes::from_static(text.as_bytes()))
}

/// A stamp this long ago.
fn ago(world: &World, seconds: u64) -> Version {
    Version::new(Wall(world.clock.wall().0 - seconds * 1_000), 0, 99)
}

async fn apply(world: &World, store: usize, write: Write) {
    world.stores[store].inner.apply(write).await.expect("a model takes everything");
}

async fn collect(world: &World, store: usize, key: &'static str, version: Version) {
    let doomed = vec![Doomed { space: world.namespace.id, key: key.into(), version }];
    let collect = Collect { doomed, now: world.clock.wall() };
    assert_eq!(world.stores[store].inner.collect(collect).await.expect("a model answers"), 1);
}

/// Both stores have had a tombstone of this key, and have collected it.
async fn deleted_and_collected(world: &World, key: &'static str, version: Version) {
    for store in [0, 1] {
        apply(world, store, write(world, key, version, Body::Absent)).await;
        collect(world, store, key, version).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_debt_delivered_after_its_tombstone_was_collected_is_void() {
    let world = World::new().await;
    let (written, deleted) = (ago(&world, 300), ago(&world, 200));
    deleted_and_collected(&world, "k", deleted).await;
    for store in StoreId::all() {
        let owed = world.owed[1].as_ref().expect("a durable node");
        owed.add(store, write(&world, "k", written, value("old"))).await.expect("taken");
    }
    world.pass(20_000).await;
    assert_eq!(world.debts(1), 0, "and paid by that");
    for store in [0, 1] {
        assert_eq!(world.row(store, "k").await, None);
    }
    assert_eq!(world.get(3, "k").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_live_row_on_one_store_under_the_others_collection_mark_is_read_and_repaired() {
    for holder in [0, 1] {
        let world = World::new().await;
        let (written, deleted) = (ago(&world, 300), ago(&world, 200));
        apply(&world, holder, write(&world, "k", written, value("v"))).await;
        apply(&world, 1 - holder, write(&world, "other", deleted, Body::Absent)).await;
        collect(&world, 1 - holder, "other", deleted).await;
        for at in 0..4 {
            assert_eq!(world.get(at, "k").await.as_deref(), Some("v"), "{holder} at {at}");
        }
        world.pass(5_000).await;
        assert_eq!(world.row(1 - holder, "k").await, Some(written), "revived");
    }
}

#[tokio::test(start_paused = true)]
async fn a_debt_below_the_mark_is_paid_if_the_other_store_has_the_key_live() {
    let world = World::new().await;
    let (written, deleted) = (ago(&world, 300), ago(&world, 200));
    apply(&world, 0, write(&world, "k", written, value("v"))).await;
    apply(&world, 1, write(&world, "other", deleted, Body::Absent)).await;
    collect(&world, 1, "other", deleted).await;
    let owed = world.owed[3].as_ref().expect("a durable node");
    owed.add(StoreId(1), write(&world, "k", written, value("v"))).await.expect("taken");
    world.pass(20_000).await;
    assert_eq!((world.row(1, "k").await, world.debts(3)), (Some(written), 0));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_write_below_the_mark_is_stamped_again_above_it() {
    let world = World::new().await;
    let mark = Version::new(world.clock.wall().plus(Duration::from_millis(900)), 0, 5);
    deleted_and_collected(&world, "other", mark).await;
    let version = world.put(0, "k", "v").await;
    assert!(version > mark, "{version} after {mark}");
    world.pass(5_000).await;
    assert_eq!(world.row(0, "k").await, Some(version));
    assert_eq!(world.row(1, "k").await, Some(version));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_only_one_store_refuses_for_its_mark_comes_to_both() {
    for durable in [true, false] {
        let world = World::with(crate::Policy::default(), durable).await;
        let mark = Version::new(world.clock.wall().plus(Duration::from_millis(900)), 0, 5);
        // Node 0 hears from store 0 first, where nothing was ever collected.
        apply(&world, 1, write(&world, "other", mark, Body::Absent)).await;
        collect(&world, 1, "other", mark).await;
        let version = world.put(0, "k", "v").await;
        assert!(version < mark, "stamped once");
        world.pass(10_000).await;
        assert_eq!(world.row(1, "k").await, Some(version), "durable: {durable}");
    }
}

#[tokio::test(start_paused = true)]
async fn absence_meets_a_clients_minimum_up_to_both_marks_and_no_further() {
    let world = World::new().await;
    let (deleted, later) = (ago(&world, 200), ago(&world, 100));
    deleted_and_collected(&world, "k", deleted).await;
    apply(&world, 0, write(&world, "other", later, Body::Absent)).await;
    collect(&world, 0, "other", later).await;
    let shows = |minimum| Ctx { minimum: Some(minimum), ..world.ctx() };
    assert_eq!(world.try_get(3, "k", &shows(deleted)).await.expect("met"), None);
    let beyond = world.try_get(3, "k", &shows(later)).await;
    assert!(matches!(beyond, Err(Error::MinimumUnmet { .. })), "only one mark: {beyond:?}");
    world.stores[1].off();
    let alone = world.try_get(2, "k", &shows(deleted)).await;
    assert!(matches!(alone, Err(Error::MinimumUnmet { .. })), "only one says so: {alone:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_remembers_a_collected_delete_keeps_the_absence_until_a_write() {
    let world = World::new().await;
    world.put(3, "k", "v").await;
    let ns = &world.namespace;
    let key = Bytes::from_static(b"k");
    let deleted = world.kv(3).delete(&world.ctx(), ns, key, crate::Precondition::None).await;
    let deleted = deleted.expect("taken").version;
    world.pass(5_000).await;
    for store in [0, 1] {
        collect(&world, store, "k", deleted).await;
    }
    // It has to ask, with the delete's version as its own minimum.
    let all = crate::PurgeScope::Everything;
    world.kv(0).purge(&world.ctx(), ns, all).await.expect("taken");
    world.pass(2_000).await;
    let value = world.read(3, "k").await;
    assert!(value.body.is_absent() && value.version.is_zero(), "{value:?}");
    assert!(value.hops.iter().any(|hop| hop.stored), "kept: {value:?}");
    assert!(value.hops.iter().all(|hop| hop.outcome != littoral_peer::Outcome::Stale));
    world.put(0, "k", "w").await;
    world.pass(61_000).await;
    assert_eq!(world.get(3, "k").await.as_deref(), Some("w"));
}
