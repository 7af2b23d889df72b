//! Identical questions are one.

use std::sync::Arc;
use std::time::Duration;

use littoral_peer::{Error, Outcome};
use littoral_types::Ctx;

use super::world::{Setup, World, path, text};
use crate::{Limits, Policy};

#[tokio::test(start_paused = true)]
async fn a_herd_at_every_edge_reaches_the_origin_once() {
    let world = Arc::new(World::new().await);
    world.put("a", "v").await;
    let reads = (0..1_000_u16).map(|n| {
        let world = Arc::clone(&world);
        async move { text(&world.get(n % 9, "a").await) }
    });
    let answers = futures_util::future::join_all(reads).await;
    assert!(answers.iter().all(|answer| answer.as_deref() == Some("v")));
    assert_eq!(world.origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_joins_says_so() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    let (first, second) = futures_util::future::join(world.get(6, key), world.get(6, key)).await;
    assert_eq!(path(&first).last().map(|hop| hop.2), Some(Outcome::Miss));
    assert_eq!(path(&second).last().map(|hop| hop.2), Some(Outcome::Collapsed));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_goes_away_takes_nobody_with_it() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    let hasty = Ctx { deadline: world.clock.after(Duration::from_millis(1)), ..world.ctx() };
    let policy = Policy::default();
    let leader = world.try_get(6, key, &hasty, &policy);
    let (led, joined) = futures_util::future::join(leader, world.get(6, key)).await;
    assert_eq!(led.err(), Some(Error::Deadline));
    assert_eq!(text(&joined).as_deref(), Some("v"));
    assert_eq!(world.origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_with_a_higher_minimum_is_not_joined_to_a_lesser_one() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "old").await;
    world.origin.hold();
    let early = world.get(6, key);
    let late = async {
        world.pass(Duration::from_millis(200)).await;
        let version = world.put(key, "new").await;
        world.origin.release();
        let ctx = Ctx { minimum: Some(version), ..world.ctx() };
        world.try_get(6, key, &ctx, &Policy::default()).await.expect("an answer")
    };
    let (early, late) = futures_util::future::join(early, late).await;
    assert_eq!(text(&early).as_deref(), Some("old"));
    assert_eq!(text(&late).as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn a_clients_impossible_minimum_fails_only_that_client() {
    let world = World::new().await;
    let key = world.far_key(6);
    let version = world.put(key, "v").await;
    world.put("other", "newer").await;
    let impossible = littoral_types::Version::from_parts(u64::MAX, 1);
    let ctx = Ctx { minimum: Some(impossible), ..world.ctx() };
    let policy = Policy::default();
    let (refused, fine) =
        futures_util::future::join(world.try_get(6, key, &ctx, &policy), world.get(6, key)).await;
    assert_eq!(refused.err(), Some(Error::MinimumUnmet));
    assert_eq!(fine.entry.version, version);
}

#[tokio::test(start_paused = true)]
async fn waiters_are_bounded() {
    let limits = Limits { waiters_per_key: 3, ..Limits::default() };
    let world = World::with(Setup { limits, ..Setup::default() }).await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    let (ctx, policy) = (world.ctx(), Policy::default());
    let reads = (0..10).map(|_| world.try_get(6, key, &ctx, &policy));
    let answers = futures_util::future::join_all(reads).await;
    let shed = answers.iter().filter(|a| matches!(a, Err(Error::Overloaded))).count();
    assert_eq!(shed, 6, "one leads, three wait");
}
