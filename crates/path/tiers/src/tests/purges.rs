//! Purges come down, and no fill survives one that overtook it.

use std::time::Duration;

use bytes::Bytes;
use littoral_peer::{Hop, Outcome};
use littoral_store::Scope;
use littoral_types::{LocationId, Position, Positions, StoreId};

use super::world::{SPACE, Setup, World, large, path, text};
use crate::{Limits, Policy, stale_in};

#[tokio::test(start_paused = true)]
async fn an_answer_overtaken_by_a_purge_is_passed_on_but_not_kept() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (regional, upper) = world.route(6, key);
    world.put(key, "old").await;
    world.origin.hold();
    let early = world.get(6, key);
    let writer = async {
        world.pass(Duration::from_millis(300)).await;
        world.put(key, "new").await;
        // Every tier has applied the purge; only then does the old answer come.
        world.pass(Duration::from_millis(300)).await;
        world.origin.release();
    };
    let (early, ()) = futures_util::future::join(early, writer).await;
    assert_eq!(text(&early).as_deref(), Some("old"), "who asked before may have it");
    let stored: Vec<_> =
        early.hops.iter().map(|hop| (hop.location.0, hop.hop, hop.stored)).collect();
    assert!(stored.contains(&(upper, Hop::Upper, false)), "{stored:?}");
    assert!(stored.contains(&(regional, Hop::Regional, false)), "{stored:?}");
    let neighbour = (6..9).find(|at| *at != 6 && *at != regional).expect("three locations");
    assert_eq!(text(&world.get(neighbour, key).await).as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn a_write_purges_its_regional_tiers_and_its_upper_tier_and_no_edge() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "old").await;
    for at in 0..9 {
        world.get(at, key).await;
    }
    world.put(key, large()).await;
    world.pass(Duration::from_millis(300)).await;
    let holders = (0..9).filter(|at| world.tiers(*at).state().entries == 1).count();
    assert_eq!(holders, 6, "three regional tiers, one of them the upper, let go");
}

#[tokio::test(start_paused = true)]
async fn a_purge_by_prefix_reaches_edges_whatever_the_version() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    for at in 0..9 {
        world.get(at, key).await;
    }
    let before = world.origin.fetched();
    world.purge(Scope::Prefix(Bytes::copy_from_slice(&key.as_bytes()[..1]))).await;
    world.pass(Duration::from_millis(300)).await;
    for at in 0..9 {
        let served = world.get(at, key).await;
        assert_eq!(text(&served).as_deref(), Some("v"));
        let edge = path(&served).last().map(|hop| hop.2);
        let refilled_as_tier = world.route(at, key).0 == at && at % 3 != 0;
        assert!(refilled_as_tier || edge == Some(Outcome::Miss), "at {at}: {edge:?}");
    }
    assert_eq!(world.origin.fetched(), before + 1, "the upper tier asked once for all");
    for at in 0..9 {
        let served = world.get(at, key).await;
        assert_eq!(path(&served), [(at, Hop::Edge, Outcome::Hit)], "once is enough");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_by_hand_during_a_fill_wins_over_it() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    world.origin.hold();
    let early = world.get(6, key);
    let purger = async {
        world.pass(Duration::from_millis(300)).await;
        world.purge(Scope::Everything).await;
        world.pass(Duration::from_millis(300)).await;
        world.origin.release();
    };
    let (early, ()) = futures_util::future::join(early, purger).await;
    assert_eq!(text(&early).as_deref(), Some("v"));
    assert!(early.hops.iter().all(|hop| !hop.stored), "{:?}", &*early.hops);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_stale_is_held_on_and_says_so_until_it_is_asked_for_again() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    world.get(6, key).await;
    let edge = world.tiers(6);
    let held = || edge.held(SPACE, &Bytes::from_static(key.as_bytes())).expect("held");
    let since = || edge.stale_since(SPACE.id, key.as_bytes(), &held().entry);
    assert_eq!(since(), None);
    let at = world.clock.mono();
    let purge = Scope::Prefix(Bytes::copy_from_slice(&key.as_bytes()[..1]));
    let purged = world.purge_in(stale_in(SPACE.id), purge).await;
    assert!(edge.applies(purged, Duration::from_secs(1)).await);
    let stale = since().expect("stale");
    assert!(stale >= at && stale <= world.clock.mono());
    assert_eq!(text(&held()).as_deref(), Some("v"));
    // A sweep lets go of the purge, and marks what it made stale.
    world.pass(Duration::from_secs(130)).await;
    assert_eq!((since(), held().entry.stale_since), (Some(stale), Some(stale)));
    let before = world.origin.fetched();
    let anew = Policy { refresh: Duration::ZERO, cache_ttl: Duration::ZERO, ..Policy::default() };
    world.try_get(6, key, &world.ctx(), &anew).await.expect("an answer");
    assert_eq!((since(), world.origin.fetched()), (None, before + 1), "all tiers asked again");
}

#[tokio::test(start_paused = true)]
async fn what_a_sweep_drops_leaves_its_version_behind() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    let shown = world.get(6, key).await.entry.version;
    let edge = world.tiers(6);
    let remembered = || edge.inner().shelf.remembered.of(SPACE.id, key.as_bytes()).version;
    assert!(remembered() < shown, "what is held need not be remembered");
    world.purge(Scope::Everything).await;
    for _ in 0..130 {
        if edge.state().entries > 0 {
            world.pass(Duration::from_secs(1)).await;
        }
    }
    assert_eq!((edge.state().entries, remembered()), (0, shown));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_purge_waits_until_it_is_applied() {
    let world = World::new().await;
    world.put("k", "v").await;
    let far = world.tiers(6);
    let purged = world.purge_in(SPACE.id, Scope::Everything).await;
    assert!(!far.applied().reaches(purged), "it is on its way");
    assert!(far.applies(purged, Duration::from_secs(1)).await);
    assert!(far.applied().reaches(purged));
    let next = Position::new(purged.of(StoreId(0)).incarnation, 99);
    let never = Positions::NONE.with(StoreId(0), next);
    assert!(!far.applies(never, Duration::from_millis(100)).await);
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_missed_purges_validates_what_it_held() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (regional, _) = world.route(6, key);
    world.put(key, "old").await;
    world.get(6, key).await;
    for store in [0, 3] {
        world.network.faults.cut(LocationId(store), LocationId(regional));
        world.network.faults.cut(LocationId(regional), LocationId(store));
    }
    world.put(key, "new").await;
    world.pass(Duration::from_secs(61)).await;
    world.network.faults.heal();
    assert_eq!(text(&world.get(6, key).await).as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn a_small_write_goes_with_its_purge_to_the_edges_that_hold_the_key() {
    let limits = Limits { interests: 1_024, ..Limits::default() };
    let world = World::with(Setup { limits, ..Setup::default() }).await;
    // Neither is a tier of a key that it asks others for.
    let edge =
        (0..9).find(|at| world.route(*at, "key").0 != *at && world.route(*at, "key").1 != *at);
    let edge = edge.expect("two of three are not");
    world.put("key", "old").await;
    world.pass(Duration::from_secs(1)).await;
    world.get(edge, "key").await;
    world.pass(Duration::from_secs(3)).await;

    let fetched = world.origin.fetched();
    world.origin.hold();
    let version = world.put("key", "new").await;
    // Half the longest trip to the tier, half a short one to the edge.
    world.pass(Duration::from_millis(22)).await;
    let served = world.get(edge, "key").await;
    assert_eq!((served.entry.version, served.hops.len()), (version, 1));
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.origin.fetched(), fetched, "its tier has it too");

    let version = world.put("key", large()).await;
    world.pass(Duration::from_millis(100)).await;
    assert!(world.get(edge, "key").await.entry.version < version, "it has to be asked for");
    world.origin.release();
    world.pass(Duration::from_millis(200)).await;
    assert_eq!(world.get(edge, "key").await.entry.version, version);
}
