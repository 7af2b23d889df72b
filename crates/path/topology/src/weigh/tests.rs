//! What must hold of any proposal, over networks by chance; and some that anybody can work out.

use littoral_types::Epoch;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{Location, Region, Site};

fn topology(regions: &[u16], weights: &[f64], stores: [u16; STORES]) -> Topology {
    let count = regions.iter().max().map_or(0, |most| most + 1);
    let names = (0..count).map(|at| Region { name: format!("r{at}") }).collect();
    let location = |(at, (region, weight)): (usize, (&u16, &f64))| {
        Location::new(format!("l{at}"), RegionId(*region), *weight)
    };
    let locations = regions.iter().zip(weights).enumerate().map(location).collect();
    let sites = stores.map(|at| Site { location: LocationId(at), weight: 1.0 });
    Topology::new(Epoch(1), names, locations, sites).expect("sound")
}

/// All round trips in milliseconds, the same in both directions.
fn measured(trips: &[&[u64]], requests: &[f64]) -> Measurements {
    let ms = |ms: &u64| Some(Duration::from_millis(*ms));
    let trips = trips.iter().map(|row| row.iter().map(ms).collect()).collect();
    Measurements::new(trips, requests.to_vec())
}

fn weights(proposal: &Proposal) -> Vec<f64> {
    proposal.places.iter().map(|place| place.proposed).collect()
}

#[test]
fn who_is_nearer_to_those_who_ask_is_heavier() {
    // Two in a region with a store each, one far away beside the second.
    let trips: [&[u64]; 3] = [&[0, 40, 80], &[40, 0, 20], &[80, 20, 0]];
    let topology = topology(&[0, 1, 2], &[1.0; 3], [0, 1]);
    let alike = propose(&topology, &measured(&trips, &[0.0; 3]), &[1.0; 3]);
    assert_eq!(alike.stores.map(|s| s.mean.map(|m| m.as_millis())), [Some(40), Some(20)]);
    // 1 / (5 + 40) to 1 / (5 + 20), their mean 1.
    assert_eq!(alike.stores.map(|store| store.proposed), [0.71, 1.29]);
    let first = propose(&topology, &measured(&trips, &[900.0, 50.0, 50.0]), &[1.0; 3]);
    assert!(first.stores[0].proposed > first.stores[1].proposed, "most are asked beside it");
    assert_eq!(weights(&alike), [1.0; 3], "nobody to share with in its region");
}

#[test]
fn more_nodes_take_more_keys_and_who_was_taken_out_stays_out() {
    let trips: [&[u64]; 3] = [&[0, 4, 4], &[4, 0, 4], &[4, 4, 0]];
    let topology = topology(&[0, 0, 0], &[1.0, 1.0, 0.0], [0, 1]);
    let proposal = propose(&topology, &measured(&trips, &[0.0; 3]), &[3.0, 1.0, 1.0]);
    assert_eq!(weights(&proposal), [1.5, 0.5, 0.0]);
}

#[test]
fn a_location_that_is_nearer_to_another_region_is_pointed_out() {
    // l2 answers l0 and l1 in 9 ms and is listed with l3, a continent away.
    let trips: [&[u64]; 4] =
        [&[0, 4, 9, 150], &[4, 0, 9, 150], &[9, 9, 0, 140], &[150, 150, 140, 0]];
    let topology = topology(&[0, 0, 1, 1], &[1.0; 4], [0, 3]);
    let found = propose(&topology, &measured(&trips, &[0.0; 4]), &[1.0; 4]).misplaced;
    let ms = Duration::from_millis;
    let expected =
        Misplaced { location: LocationId(2), own: ms(140), nearest: RegionId(0), there: ms(9) };
    assert_eq!(found, [expected]);
}

#[test]
fn what_is_not_all_measured_stays_and_so_does_what_would_hardly_change() {
    let topology = topology(&[0, 0], &[1.0, 2.0], [0, 1]);
    let nothing = propose(&topology, &Measurements::default(), &[]);
    assert_eq!(weights(&nothing), [1.0, 2.0]);
    assert_eq!(nothing.stores.map(|store| store.proposed), [1.0, 1.0]);
    assert!(nothing.misplaced.is_empty());
    let trips: [&[u64]; 2] = [&[0, 4], &[4, 0]];
    let once = measured(&trips, &[104.0, 100.0]);
    let near = propose(&topology, &once, &[1.0, 2.0]);
    assert_eq!(weights(&near), [1.0, 2.0], "as the nodes are, within noise");
}

proptest! {
    #[test]
    fn every_proposal_is_a_sound_epoch(
        places in vec((0_u16..3, 0_u8..3, 0.0_f64..1e6, 1_u8..5), 2..9),
        trips in vec(vec(proptest::option::of(0_u64..100_000), 9), 9),
    ) {
        let regions: Vec<u16> = places.iter().map(|place| place.0).collect();
        let now: Vec<f64> = places.iter().map(|place| f64::from(place.1)).collect();
        let requests: Vec<f64> = places.iter().map(|place| place.2).collect();
        let nodes: Vec<f64> = places.iter().map(|place| f64::from(place.3)).collect();
        let topology = topology(&regions, &now, [0, 1]);
        let trips = trips.iter().map(|row| row.iter().map(|ms| ms.map(Duration::from_millis)).collect());
        let measured = Measurements::new(trips.collect(), requests);
        let proposal = propose(&topology, &measured, &nodes);
        prop_assert_eq!(proposal.places.len(), places.len());
        for (weighed, now) in proposal.places.iter().zip(&now) {
            prop_assert!(weighed.proposed.is_finite());
            prop_assert_eq!(weighed.proposed > 0.0, *now > 0.0, "nobody comes or goes by it");
        }
        prop_assert!(proposal.stores.iter().all(|store| store.proposed > 0.0));
        // Of two in a group with as many nodes, the nearer is not lighter.
        for (region, _) in topology.regions() {
            let group: Vec<usize> = (0..places.len())
                .filter(|at| regions[*at] == region.0 && now[*at] > 0.0)
                .collect();
            let changed = group.iter().any(|at| proposal.places[*at].proposed != now[*at]);
            for (a, b) in group.iter().flat_map(|a| group.iter().map(move |b| (*a, *b))) {
                let [first, second] = [a, b].map(|at| proposal.places[at]);
                let (Some(near), Some(far)) = (first.mean, second.mean) else { continue };
                if changed && near <= far && nodes[a] >= nodes[b] {
                    prop_assert!(first.proposed >= second.proposed, "{first:?} {second:?}");
                }
            }
        }
    }

    #[test]
    fn a_proposal_that_was_taken_is_not_changed_again(
        trips in vec(vec(1_u64..200, 6), 6),
        requests in vec(0.0_f64..1_000.0, 6),
    ) {
        let trips = trips.iter().map(|row| row.iter().map(|ms| Some(Duration::from_millis(*ms))).collect());
        let measured = Measurements::new(trips.collect(), requests);
        let regions = [0, 0, 0, 1, 1, 2];
        let first = propose(&topology(&regions, &[1.0; 6], [0, 3]), &measured, &[1.0; 6]);
        let taken = weights(&first);
        let again = propose(&topology(&regions, &taken, [0, 3]), &measured, &[1.0; 6]);
        prop_assert_eq!(weights(&again), taken);
    }
}
