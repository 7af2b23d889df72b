//! A store is lost, lags, or holds what the other does not.

use bytes::Bytes;
use littoral_store::{Condition, Row, Store as _, Write};
use littoral_types::{Body, Ctx, Version};

use super::world::World;
use crate::{Error, Policy};

/// A row that only one store has, as a partial outage leaves behind.
async fn only_in(world: &World, store: usize, key: &'static str, value: &'static str) -> Version {
    let version = Version::new(world.clock.stamp_wall(), 7, 99);
    let body = Body::Bytes(Bytes::from_static(value.as_bytes()));
    let row = Row { version, body, ..Row::default() };
    let key = Bytes::from_static(key.as_bytes());
    let (space, now) = (world.namespace.id, world.clock.wall());
    let write = Write { space, key, row, condition: Condition::Newer, now };
    world.stores[store].inner.apply(write).await.expect("a model takes everything");
    version
}

#[tokio::test(start_paused = true)]
async fn either_store_may_be_lost_and_what_is_owed_arrives_when_it_returns() {
    for lost in [0, 1] {
        let world = World::new().await;
        world.put(0, "before", "v").await;
        world.pass(5_000).await;
        world.stores[lost].off();
        let version = world.put(1, "during", "v").await;
        for at in 0..4 {
            assert_eq!(world.get(at, "before").await.as_deref(), Some("v"));
            assert_eq!(world.get(at, "during").await.as_deref(), Some("v"), "store {lost} at {at}");
        }
        assert_eq!(world.row(lost, "during").await, None);
        assert_eq!(world.debts(1), 1);
        world.stores[lost].on();
        world.pass(20_000).await;
        assert_eq!(world.row(lost, "during").await, Some(version));
        assert_eq!(world.debts(1), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_of_its_own_a_node_needs_both_stores() {
    let world = World::with(Policy::default(), false).await;
    world.put(0, "k", "v").await;
    world.stores[1].off();
    let refused = world.try_put(0, "k", "w", crate::Precondition::None).await;
    assert!(matches!(refused, Err(Error::StoreNeeded { store: 1, .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn with_both_lost_writes_fail_and_what_is_held_is_served() {
    let world = World::new().await;
    world.put(0, "k", "v").await;
    world.get(3, "k").await;
    world.stores.iter().for_each(|store| store.off());
    let refused = world.try_put(0, "k", "w", crate::Precondition::None).await;
    assert!(matches!(refused, Err(Error::WriteUnavailable(_))), "{refused:?}");
    world.pass(600_000).await;
    assert_eq!(world.get(3, "k").await.as_deref(), Some("v"));
    let never_read = world.try_get(3, "other", &world.ctx()).await;
    assert!(matches!(never_read, Err(Error::Unavailable(_))), "{never_read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_read_heals_the_older_store_and_corrects_what_it_said() {
    for newer in [0, 1] {
        let world = World::new().await;
        world.put(0, "k", "old").await;
        world.pass(5_000).await;
        let version = only_in(&world, newer, "k", "new").await;
        for at in 0..4 {
            world.get(at, "k").await;
        }
        world.pass(5_000).await;
        assert_eq!(world.row(1 - newer, "k").await, Some(version), "brought up");
        // Location 0 wrote the old value and may serve it until its refresh is due.
        world.pass(61_000).await;
        for at in 0..4 {
            assert_eq!(world.get(at, "k").await.as_deref(), Some("new"), "{newer} at {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_minimum_only_the_slower_store_has_is_waited_for() {
    let world = World::new().await;
    world.put(0, "k", "old").await;
    world.pass(5_000).await;
    for store in [0, 1] {
        let version = only_in(&world, store, "k", "new").await;
        let ctx = Ctx { minimum: Some(version), ..world.ctx() };
        let seen = world.try_get(3, "k", &ctx).await.expect("met");
        assert_eq!(seen.as_deref(), Some("new"));
        world.pass(5_000).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_over_a_newer_row_is_stamped_again() {
    let world = World::new().await;
    let ahead = Version::new(world.clock.wall().plus(std::time::Duration::from_millis(900)), 0, 5);
    let row = Row { version: ahead, body: Body::Bytes(Bytes::new()), ..Row::default() };
    let (space, now) = (world.namespace.id, world.clock.wall());
    let key = Bytes::from_static(b"k");
    let write = Write { space, key, row, condition: Condition::Newer, now };
    world.stores[0].inner.apply(write).await.expect("a model takes everything");
    let version = world.put(0, "k", "v").await;
    assert!(version > ahead);
    assert_eq!(world.get(0, "k").await.as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn a_key_just_written_elsewhere_is_not_absent_because_one_store_lags() {
    let world = World::new().await;
    for (writer, reader) in [(0, 3), (3, 0), (1, 2)] {
        let key = ["x", "y", "z", "w"][writer];
        world.put(writer, key, "v").await;
        assert_eq!(world.get(reader, key).await.as_deref(), Some("v"), "{writer} to {reader}");
    }
    world.stores[1].off();
    assert_eq!(world.get(3, "never").await, None, "with one store its word is enough");
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_is_awaited_as_long_as_its_answers_usually_take() {
    let world = World::new().await;
    for key in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(world.get(0, key).await, None);
    }
    world.stores[1].hush();
    let began = world.clock.mono();
    assert_eq!(world.get(0, "g").await, None, "the other has no row");
    let took = world.clock.mono().since(began).as_millis();
    // At most two trips of 80 ms on the way up; the wait itself is a quarter of a second.
    assert!((250..=420).contains(&took), "{took} ms");
}
