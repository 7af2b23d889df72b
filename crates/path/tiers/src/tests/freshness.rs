//! How long what is held is served, and when it is asked about.

use std::sync::atomic::Ordering;
use std::time::Duration;

use littoral_peer::{Hop, Outcome};
use littoral_types::{Ctx, LocationId};

use super::world::{SPACE, Setup, World, path, text};
use crate::{Limits, Policy};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_key_read_often_never_misses_and_follows_writes_within_the_refresh_period() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "one").await;
    world.get(6, key).await;
    world.put(key, "two").await;
    let mut seen_at = None;
    for second in 1..=200_u64 {
        world.pass(SECOND).await;
        let served = world.get(6, key).await;
        assert_eq!(path(&served).last().map(|hop| hop.2), Some(Outcome::Hit), "at {second} s");
        if seen_at.is_none() && text(&served).as_deref() == Some("two") {
            seen_at = Some(second);
        }
    }
    let seen_at = seen_at.expect("the new value arrives");
    assert!((30..=32).contains(&seen_at), "refreshed after half the period: {seen_at}");
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_holds_a_key_hears_of_a_write_at_once_and_readers_see_no_miss() {
    let limits = Limits::default();
    let world = World::with(Setup { limits, ..Setup::default() }).await;
    let key = world.far_key(6);
    world.put(key, "one").await;
    world.get(6, key).await;
    world.put(key, "two").await;
    // Store to tier, tier to edge, and the edge's own question: a trip each, and the walk upward.
    world.pass(Duration::from_millis(300)).await;
    let served = world.get(6, key).await;
    assert_eq!(text(&served).as_deref(), Some("two"));
    assert_eq!(path(&served).last().map(|hop| hop.2), Some(Outcome::Hit));
    assert_eq!(world.tiers(6).metrics().of(Hop::Edge, Outcome::Miss), 1, "the first read alone");
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_covers_a_key_is_not_asked_about_it_again() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    world.get(6, key).await;
    world.pass(SECOND * 600).await;
    let (regional, _) = world.route(6, key);
    let served = world.get(6, key).await;
    let expected = [(regional, Hop::Regional, Outcome::Hit), (6, Hop::Edge, Outcome::Suspect)];
    assert_eq!(path(&served), expected);
    assert!(served.age < SECOND, "the tier vouches for it now");
    assert_eq!(world.origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tier_vouches_at_once_for_what_it_covers_and_for_nothing_else() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    world.get(6, key).await;
    let (regional, _) = world.route(6, key);
    world.pass(SECOND * 600).await;
    let peek = |at: u16| {
        let policy = Policy::default();
        world.tiers(at).peek(&world.ctx(), SPACE, key.as_bytes(), &policy)
    };
    let served = peek(regional).expect("covered");
    assert_eq!((served.age, text(&served).as_deref()), (Duration::ZERO, Some("v")));
    assert!(peek(6).is_none(), "an edge is sent no purges");
    let stores = [0, 3].into_iter().filter(|store| *store != regional);
    stores.for_each(|store| world.network.faults.cut(LocationId(store), LocationId(regional)));
    world.pass(SECOND * 600).await;
    assert!(peek(regional).is_none(), "silence");
}

#[tokio::test(start_paused = true)]
async fn after_silence_a_tier_validates_before_it_serves() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (regional, upper) = world.route(6, key);
    world.put(key, "v").await;
    world.get(6, key).await;
    // The regional tier hears the stores no more, though it still reaches the upper tier.
    for store in [0, 3].into_iter().filter(|store| *store != upper) {
        world.network.faults.cut(LocationId(store), LocationId(regional));
    }
    world.pass(SECOND * 600).await;
    let served = world.get(6, key).await;
    assert!(path(&served).contains(&(regional, Hop::Regional, Outcome::Suspect)));
    assert_eq!(text(&served).as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn what_one_store_alone_vouched_for_is_not_held_until_purged() {
    let world = World::new().await;
    world.origin.confirms.store(false, Ordering::Relaxed);
    let key = world.far_key(6);
    world.put(key, "v").await;
    world.get(6, key).await;
    world.pass(SECOND * 600).await;
    let served = world.get(6, key).await;
    assert!(path(&served).iter().all(|hop| hop.1 == Hop::Origin || hop.2 == Outcome::Suspect));
    assert_eq!(world.origin.fetched(), 2);
}

#[tokio::test(start_paused = true)]
async fn age_is_handed_down_and_never_restarted() {
    let world = World::new().await;
    world.origin.confirms.store(false, Ordering::Relaxed);
    let key = world.far_key(6);
    let (regional, _) = world.route(6, key);
    world.put(key, "v").await;
    world.get(regional, key).await;
    world.pass(SECOND * 4).await;
    let served = world.get(6, key).await;
    assert!(served.age >= SECOND * 4 && served.age < SECOND * 5, "{:?}", served.age);
}

#[tokio::test(start_paused = true)]
async fn absence_is_kept_for_its_own_time() {
    let world = World::new().await;
    let key = world.far_key(6);
    assert!(world.get(6, key).await.absent);
    world.put(key, "v").await;
    world.pass(SECOND * 4).await;
    assert!(world.get(6, key).await.absent);
    world.pass(SECOND * 6).await;
    assert_eq!(text(&world.get(6, key).await).as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn readers_with_different_cache_ttl_share_an_entry() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    let long = Policy { cache_ttl: SECOND * 3_600, refresh: SECOND * 3_600, ..Policy::default() };
    world.try_get(6, key, &world.ctx(), &long).await.expect("an answer");
    world.put(key, "w").await;
    world.pass(SECOND * 100).await;
    let served = world.try_get(6, key, &world.ctx(), &long).await.expect("an answer");
    assert_eq!(text(&served).as_deref(), Some("v"));
    assert_eq!(text(&world.get(6, key).await).as_deref(), Some("w"));
    let served = world.try_get(6, key, &world.ctx(), &long).await.expect("an answer");
    assert_eq!(text(&served).as_deref(), Some("w"));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_shows_a_version_gets_that_or_newer_anywhere() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "old").await;
    for at in 0..9 {
        world.get(at, key).await;
    }
    let version = world.put(key, "new").await;
    for at in 0..9 {
        let ctx = Ctx { minimum: Some(version), ..world.ctx() };
        let served = world.try_get(at, key, &ctx, &Policy::default()).await.expect("an answer");
        assert_eq!(text(&served).as_deref(), Some("new"), "at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_keys_not_remembered_are_asked_of_the_origin_for_a_while() {
    let world = World::with(Setup { restarted: true, ..Setup::default() }).await;
    let key = world.far_key(6);
    let (regional, _) = world.route(6, key);
    world.put(key, "v").await;
    world.get(regional, key).await;
    world.get(6, key).await;
    assert_eq!(world.origin.fetched(), 2, "whatever the regional tier holds");
    world.pass(SECOND * 100).await;
    world.get(6, key).await;
    assert_eq!(world.origin.fetched(), 2, "later it is trusted again");
}
