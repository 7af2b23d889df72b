//! Several nodes in a location: each key has one keeper, and the others hold copies for a second.

use std::time::Duration;

use bytes::Bytes;
use littoral_peer::{Error, Hop, Minimum, Opaque, Outcome, Question, Request, Terms};
use littoral_types::{Ctx, LocationId};

use super::world::{SHARED, SPACE, Setup, World, path, text};
use crate::{Policy, Reach};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// Silence limit and hop time: as long, a node is new to its keys.
const NEW: Duration = Duration::from_secs(11);

/// Location 6 has `nodes` nodes, and is no tier of the key.
async fn world(nodes: u16) -> (World, &'static str) {
    let world = World::with(Setup { beside: nodes - 1, ..Setup::default() }).await;
    world.pass(NEW).await;
    let key = world.far_key(SHARED);
    (world, key)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_asked_of_its_keeper_and_its_copy_serves_for_a_second() {
    let (world, key) = world(2).await;
    let [keeper, other] = world.ranked(key)[..] else { panic!("two nodes") };
    let (regional, upper) = world.route(SHARED, key);
    world.put(key, "v").await;
    let miss = |at, hop| (at, hop, Outcome::Miss);
    let expected = [
        (upper, Hop::Origin, Outcome::Hit),
        miss(upper, Hop::Upper),
        miss(regional, Hop::Regional),
        miss(SHARED, Hop::Keeper),
        miss(SHARED, Hop::Edge),
    ];
    assert_eq!(path(&world.get(other, key).await), expected);
    let hit = [(SHARED, Hop::Edge, Outcome::Hit)];
    assert_eq!(path(&world.get(keeper, key).await), hit, "it holds the entry");
    let peek = |at: u16| {
        let served = world.tiers(at).peek(&world.ctx(), SPACE, key.as_bytes(), &Policy::default());
        served.map(|served| path(&served))
    };
    assert_eq!(peek(other).as_deref(), Some(&hit[..]), "a copy, where the connection is read");
    world.pass(SECOND).await;
    assert_eq!(peek(keeper).as_deref(), Some(&hit[..]));
    assert_eq!(peek(other), None);
    let expected = [(SHARED, Hop::Keeper, Outcome::Hit), (SHARED, Hop::Edge, Outcome::Suspect)];
    assert_eq!(path(&world.get(other, key).await), expected);
    assert_eq!(world.origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hot_key_is_served_by_every_node_and_its_readers_never_wait() {
    let (world, key) = world(3).await;
    world.put(key, "one").await;
    let ranked = world.ranked(key);
    for at in &ranked {
        world.get(*at, key).await;
    }
    world.put(key, "two").await;
    let mut seen = 0;
    for step in 1..=600_u32 {
        world.pass(SECOND / 10).await;
        for at in &ranked {
            let served = world.get(*at, key).await;
            assert_eq!(path(&served), [(SHARED, Hop::Edge, Outcome::Hit)], "at {at}, step {step}");
            seen += u32::from(text(&served).as_deref() == Some("two"));
        }
    }
    // The keeper refreshes it after half of the period, and the others hear of it within a second.
    assert!(seen > 3 * 280, "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_write_at_one_node_is_read_at_all_others_at_once() {
    let (world, key) = world(3).await;
    let ranked = world.ranked(key);
    for (round, writer) in ranked.iter().enumerate() {
        for at in &ranked {
            world.get(*at, key).await;
        }
        let value = ["one", "two", "three"][round];
        world.write_at(*writer, key, value).await;
        for at in &ranked {
            let served = world.get(*at, key).await;
            assert_eq!(text(&served).as_deref(), Some(value), "written at {writer}, read at {at}");
        }
        let kept = world.get(ranked[0], key).await;
        assert_eq!(path(&kept), [(SHARED, Hop::Edge, Outcome::Hit)], "the keeper holds the write");
        world.pass(SECOND / 5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_dies_just_after_it_showed_a_new_version_takes_nobody_back() {
    let (world, key) = world(3).await;
    let [keeper, next, last] = world.ranked(key)[..] else { panic!("three nodes") };
    world.put(key, "old").await;
    for at in [keeper, next, last] {
        world.get(at, key).await;
    }
    // Its keeper has it, and shows it, while the next in rank still has a copy of the old value.
    let version = world.put(key, "new").await;
    world.pass(SECOND).await;
    let ctx = Ctx { minimum: Some(version), ..world.ctx() };
    let shown = world.try_get(last, key, &ctx, &Policy::default()).await.expect("an answer");
    assert_eq!(text(&shown).as_deref(), Some("new"));
    world.network.detach(LocationId(keeper));
    world.pass(SECOND * 2).await;
    // The next in rank keeps it now. What it holds is young, and from before: it trusts none of it.
    for at in [next, last] {
        let served = world.get(at, key).await;
        assert_eq!(text(&served).as_deref(), Some("new"), "at {at}");
    }
    assert_eq!(world.ranked(key)[..2], [next, keeper], "the next in rank keeps it now");
}

#[tokio::test(start_paused = true)]
async fn a_new_keeper_asks_the_origin_for_what_it_does_not_remember() {
    let (world, key) = world(2).await;
    let [keeper, next] = world.ranked(key)[..] else { panic!("two nodes") };
    world.put(key, "v").await;
    world.get(keeper, key).await;
    assert_eq!(world.origin.fetched(), 1);
    world.network.detach(LocationId(keeper));
    world.get(next, key).await;
    assert_eq!(world.origin.fetched(), 2, "whatever the tiers hold");
    world.get(next, key).await;
    assert_eq!(world.origin.fetched(), 2, "one miss");
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_cannot_be_reached_fails_neither_reads_nor_writes() {
    let (world, key) = world(2).await;
    let [keeper, other] = world.ranked(key)[..] else { panic!("two nodes") };
    let (regional, _) = world.route(SHARED, key);
    world.put(key, "one").await;
    world.get(keeper, key).await;
    world.network.faults.cut(LocationId(other), LocationId(keeper));
    let served = world.get(other, key).await;
    assert_eq!(text(&served).as_deref(), Some("one"));
    assert!(path(&served).contains(&(regional, Hop::Regional, Outcome::Hit)), "it walks itself");
    world.write_at(other, key, "two").await;
    assert_eq!(text(&world.get(other, key).await).as_deref(), Some("two"));
    world.network.faults.heal();
    // It asks for what it wrote or newer.
    world.pass(SECOND * 2).await;
    let served = world.get(other, key).await;
    assert_eq!(text(&served).as_deref(), Some("two"));
    assert!(path(&served).contains(&(SHARED, Hop::Keeper, Outcome::Bypass)));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_told_everywhere_is_told_to_every_node() {
    let (world, key) = world(3).await;
    world.put(key, "old").await;
    for at in world.ranked(key) {
        world.get(at, key).await;
    }
    let version = world.put(key, "new").await;
    let key_bytes = Bytes::from_static(key.as_bytes());
    let (ctx, tiers) = (world.ctx(), world.tiers(0));
    let reached = tiers.spread(&ctx, SPACE, &key_bytes, version, Reach::Everywhere).await;
    assert_eq!(reached.missing, []);
    for at in world.ranked(key) {
        assert_eq!(text(&world.get(at, key).await).as_deref(), Some("new"), "at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn readers_that_accept_less_age_are_asked_for_by_their_own_terms() {
    let (world, key) = world(2).await;
    let other = world.ranked(key)[1];
    world.origin.confirms.store(false, std::sync::atomic::Ordering::Relaxed);
    world.put(key, "v").await;
    world.get(other, key).await;
    world.pass(SECOND * 20).await;
    let served = world.get(other, key).await;
    assert!(served.age >= SECOND * 19, "young enough for most: {:?}", served.age);
    let strict = Policy { cache_ttl: SECOND * 10, ..Policy::default() };
    let served = world.try_get(other, key, &world.ctx(), &strict).await.expect("an answer");
    assert!(served.age < SECOND, "{:?}", served.age);
}

#[tokio::test(start_paused = true)]
async fn only_a_location_s_own_nodes_ask_its_keepers() {
    let (world, key) = world(2).await;
    let question = Question {
        space: SPACE,
        key: Bytes::from_static(key.as_bytes()),
        hop: Hop::Keeper,
        held: None,
        minimum: Minimum::default(),
        through: false,
        asked: Opaque::default(),
    };
    let request = Request::AskKeeper(question, Terms::from(&Policy::default()));
    let refused = world.tiers(SHARED).handle(LocationId(0), world.ctx(), request).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
    world.pass(MS).await;
}
