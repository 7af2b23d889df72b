//! Rank, homes and health, as callers see them.

use super::*;

fn network(weights: &[f64]) -> Topology {
    let locations = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| Location::new(format!("l{at}"), RegionId(0), *weight))
        .collect();
    let site = Site { location: LocationId(0), weight: 1.0 };
    Topology::new(Epoch(1), vec![Region { name: "r".into() }], locations, [site; STORES])
        .expect("a sound topology")
}

fn hash(n: u64) -> KeyHash {
    key_hash(SpaceId(7), &n.to_le_bytes())
}

#[test]
fn a_location_that_leaves_moves_its_own_keys_only() {
    let (all, without) =
        (network(&[1.0; 10]), network(&[1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
    let mut moved = 0;
    for n in 0..20_000 {
        let before = all.tier(RegionId(0), hash(n)).expect("somebody");
        let after = without.tier(RegionId(0), hash(n)).expect("somebody");
        if before == LocationId(3) {
            moved += 1;
            let next = all.ranked(RegionId(0), hash(n)).iter().nth(1);
            assert_eq!(Some(after), next, "the next in rank takes over");
        } else {
            assert_eq!(before, after);
        }
    }
    assert!((1_600..2_400).contains(&moved), "about a tenth moves: {moved}");
}

#[test]
fn shares_follow_weights() {
    let network = network(&[1.0, 2.0, 1.0]);
    let heavy =
        (0..20_000).filter(|n| network.tier(RegionId(0), hash(*n)) == Some(LocationId(1))).count();
    assert!((9_500..10_500).contains(&heavy), "half goes to the double weight: {heavy}");
}

#[test]
fn the_hash_is_the_published_one() {
    assert_eq!(key_hash(SpaceId(1), b"greeting"), KeyHash(0x4816_65c9_afb5_413b));
    let long = key_hash(SpaceId(1), &[7; 600]);
    assert_eq!(long, KeyHash(0xf791374a2f5d844), "long keys take the other way to the same hash");
    let network = network(&[1.0; 4]);
    let order: Vec<_> = network.ranked(RegionId(0), hash(1)).iter().map(|l| l.0).collect();
    assert_eq!(order, [2, 0, 1, 3]);
}

#[test]
fn homes_are_shared_by_both_stores() {
    let network = network(&[1.0]);
    let first = (0..10_000).filter(|n| network.home(hash(*n)) == StoreId(0)).count();
    assert!((4_700..5_300).contains(&first), "{first}");
}

#[test]
fn what_points_nowhere_is_refused() {
    let region = vec![Region { name: "r".into() }];
    let site = Site { location: LocationId(0), weight: 1.0 };
    let one = |name: &str, at| Location::new(name, RegionId(at), 1.0);
    let build = |locations, stores| Topology::new(Epoch(1), region.clone(), locations, stores);
    assert_eq!(build(vec![], [site; STORES]), Err(Error::Count));
    assert_eq!(build(vec![one("a", 4)], [site; STORES]), Err(Error::Region("a".into())));
    assert_eq!(
        build(vec![one("a", 0), one("a", 0)], [site; STORES]),
        Err(Error::Twice("a".into()))
    );
    let away = Site { location: LocationId(9), weight: 1.0 };
    assert_eq!(build(vec![one("a", 0)], [site, away]), Err(Error::Site(1)));
}
