//! The hops a read takes, and what each keeps.

use std::sync::atomic::Ordering;
use std::time::Duration;

use littoral_peer::{Hop, Outcome};
use littoral_types::{Allowed, Ctx, LocationId};

use super::world::{Setup, World, path, text};
use crate::Policy;

#[tokio::test(start_paused = true)]
async fn a_cold_read_goes_all_the_way_and_every_hop_keeps_it() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (regional, upper) = world.route(6, key);
    world.put(key, "v").await;
    let cold = world.get(6, key).await;
    assert_eq!(text(&cold).as_deref(), Some("v"));
    let miss = |at, hop| (at, hop, Outcome::Miss);
    let expected = [
        (upper, Hop::Origin, Outcome::Hit),
        miss(upper, Hop::Upper),
        miss(regional, Hop::Regional),
        miss(6, Hop::Edge),
    ];
    assert_eq!(path(&cold), expected);
    assert!(cold.hops[1..].iter().all(|hop| hop.stored));
    assert_eq!(path(&world.get(6, key).await), [(6, Hop::Edge, Outcome::Hit)]);
    assert_eq!(world.origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_is_served_by_the_regional_tier() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (regional, _) = world.route(6, key);
    world.put(key, "v").await;
    world.get(6, key).await;
    let neighbour = (6..9).find(|at| *at != 6 && *at != regional).expect("three locations");
    let served = world.get(neighbour, key).await;
    let expected = [(regional, Hop::Regional, Outcome::Hit), (neighbour, Hop::Edge, Outcome::Miss)];
    assert_eq!(path(&served), expected);
    assert_eq!(world.origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_location_is_the_walk_in_which_every_hop_is_here() {
    let world = World::with(Setup { regions: 1, ..Setup::default() }).await;
    let (at, _) = world.route(0, "a");
    world.put("a", "v").await;
    let cold = world.get(at, "a").await;
    assert_eq!(path(&cold), [(at, Hop::Origin, Outcome::Hit), (at, Hop::Edge, Outcome::Miss)]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_regional_tier_costs_no_answer() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (regional, upper) = world.route(6, key);
    world.put(key, "v").await;
    world.network.faults.cut(LocationId(6), LocationId(regional));
    let served = world.get(6, key).await;
    assert_eq!(text(&served).as_deref(), Some("v"));
    assert!(path(&served).contains(&(upper, Hop::Upper, Outcome::Miss)));
}

#[tokio::test(start_paused = true)]
async fn an_edge_cut_off_from_every_tier_asks_the_origin_itself() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    for to in (0..9).filter(|to| *to != 6) {
        world.network.faults.cut(LocationId(6), LocationId(to));
    }
    let served = world.get(6, key).await;
    let expected = [(6, Hop::Origin, Outcome::Hit), (6, Hop::Edge, Outcome::Miss)];
    assert_eq!(path(&served), expected);
}

#[tokio::test(start_paused = true)]
async fn only_allowed_locations_are_asked_and_keep_the_answer() {
    let world = World::new().await;
    let key = world.far_key(6);
    let (_, upper) = world.route(6, key);
    world.put(key, "v").await;
    let allowed = Allowed::only([LocationId(upper)]);
    let ctx = Ctx { allowed, ..world.ctx() };
    let served = world.try_get(6, key, &ctx, &Policy::default()).await.expect("an answer");
    let miss = |at, hop| (at, hop, Outcome::Miss);
    let expected =
        [(upper, Hop::Origin, Outcome::Hit), miss(upper, Hop::Upper), miss(6, Hop::Edge)];
    assert_eq!(path(&served), expected);
    assert_eq!(served.hops.iter().map(|hop| hop.stored).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(world.tiers(6).state().entries, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_goes_on_being_served_when_nobody_can_be_asked() {
    let world = World::new().await;
    let key = world.far_key(6);
    world.put(key, "v").await;
    world.get(6, key).await;
    world.origin.down.store(true, Ordering::Relaxed);
    for to in (0..9).filter(|to| *to != 6) {
        world.network.faults.cut(LocationId(6), LocationId(to));
    }
    world.pass(Duration::from_secs(600)).await;
    let policy = Policy { stale_if_error: Duration::from_secs(1_200), ..Policy::default() };
    let served = world.try_get(6, key, &world.ctx(), &policy).await.expect("a stale answer");
    assert_eq!(text(&served).as_deref(), Some("v"));
    assert_eq!(path(&served), [(6, Hop::Edge, Outcome::Stale)]);
    assert!(served.hops[0].ttl.is_some_and(|ttl| ttl < 0), "a stale answer says so");
    world.pass(Duration::from_secs(700)).await;
    let refused = world.try_get(6, key, &world.ctx(), &policy).await;
    assert!(refused.is_err(), "stale_if_error is bounded");
}

#[tokio::test(start_paused = true)]
async fn edges_of_a_region_without_tiers_ask_the_nearest_regions_tier() {
    // Region 2 has no tier; where its edge asks first follows the trips, not the list.
    for near in [0, 1] {
        let world = World::with(Setup { near: [2, near], ..Setup::default() }).await;
        world.without(2);
        for key in ["a", "b", "c", "d", "e", "f"] {
            let (nearest, upper) = (world.tier(near, key), world.upper(key));
            world.put(key, "v").await;
            let served = world.get(6, key).await;
            let asked: Vec<_> = path(&served).iter().map(|(at, hop, _)| (*at, *hop)).collect();
            let mut expected = vec![(upper, Hop::Origin), (upper, Hop::Upper)];
            expected.extend((nearest != upper).then_some((nearest, Hop::Regional)));
            expected.push((6, Hop::Edge));
            assert_eq!(asked, expected, "{key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_upper_tier_the_other_stores_region_stands_in_and_misses_are_joined_there() {
    let world = World::new().await;
    let key = world.far_key(6);
    let lost = world.upper(key) / 3;
    world.without(lost);
    let (regional, stand_in) = (world.tier(2, key), world.tier(1 - lost, key));
    world.put(key, "v").await;
    let served = world.get(6, key).await;
    let miss = |at, hop| (at, hop, Outcome::Miss);
    let expected = [
        (stand_in, Hop::Origin, Outcome::Hit),
        miss(stand_in, Hop::Upper),
        miss(regional, Hop::Regional),
        miss(6, Hop::Edge),
    ];
    assert_eq!(path(&served), expected);
    // An edge of the stand-in's own region finds it there.
    let near = (3 * (1 - lost)..).find(|at| *at != stand_in).expect("three locations");
    world.get(near, key).await;
    assert_eq!(world.origin.fetched(), 1);
}
