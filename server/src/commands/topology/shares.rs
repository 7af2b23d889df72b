//! Who holds which share of keys, counted over a sample by the hash that places every key.

use std::collections::BTreeMap;

use littoral_topology::{KeyHash, Location, Site, Topology, key_hash};
use littoral_types::{LocationId, STORES, SpaceId, StoreId};

/// Keys that are counted: a share is true to a third of a percent.
pub const SAMPLE: u32 = 100_000;

/// What one location holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Of all keys, for the edges of its region.
    pub regional: f64,
    /// Of all keys, for the whole network.
    pub upper: f64,
}

/// What moves when a location leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    pub name: String,
    /// The share that moves, for the edges of its region.
    pub regional: f64,
    /// The share whose upper tier moves.
    pub upper: f64,
    /// Who takes how much of what moves, most first.
    pub to: Vec<(String, f64)>,
    /// The share of keys that move though another location held them: 0, or the hash is broken.
    pub others: f64,
    /// Nobody is left in its region: its keys are then asked of other regions.
    pub region_ends: bool,
}

/// Why a location cannot leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unknown,
    Store(u8),
    Last,
}

fn sample() -> impl Iterator<Item = KeyHash> {
    (0..SAMPLE).map(|n| key_hash(SpaceId(1), &n.to_be_bytes()))
}

fn share(count: u32) -> f64 {
    f64::from(count) / f64::from(SAMPLE)
}

/// By location.
pub fn shares(topology: &Topology) -> Vec<Share> {
    let count = topology.locations().count();
    let mut counts = vec![[0; 2]; count];
    for key in sample() {
        let upper = topology.upper_region(key);
        for (region, _) in topology.regions() {
            let Some(holder) = topology.tier(region, key) else { continue };
            counts[holder.index()][0] += 1;
            counts[holder.index()][1] += u32::from(region == upper);
        }
    }
    counts.iter().map(|c| Share { regional: share(c[0]), upper: share(c[1]) }).collect()
}

/// By store: the share of keys whose upper tier stands in its region.
pub fn uppers(topology: &Topology) -> [f64; STORES] {
    let mut counts = [0; STORES];
    for key in sample() {
        counts[topology.upper_store(key).index()] += 1;
    }
    counts.map(share)
}

/// What another list of the same locations moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// By region: the share of keys whose regional tier moves there.
    pub regional: Vec<f64>,
    /// The share of keys whose upper tier moves.
    pub upper: f64,
}

pub fn moved(before: &Topology, after: &Topology) -> Moved {
    let mut regional = vec![0; before.regions().count()];
    let mut upper = 0;
    for key in sample() {
        for (region, _) in before.regions() {
            let moves = before.tier(region, key) != after.tier(region, key);
            regional[region.index()] += u32::from(moves);
        }
        let tier = |topology: &Topology| topology.tier(topology.upper_region(key), key);
        upper += u32::from(tier(before) != tier(after));
    }
    Moved { regional: regional.into_iter().map(share).collect(), upper: share(upper) }
}

/// # Errors
/// When it cannot leave.
pub fn without(topology: &Topology, name: &str) -> Result<Departure, Refused> {
    let (gone, location) =
        topology.locations().find(|(_, location)| location.name == name).ok_or(Refused::Unknown)?;
    if let Some(store) = StoreId::all().find(|store| topology.site(*store).location == gone) {
        return Err(Refused::Store(store.0));
    }
    let after = rest(topology, gone).ok_or(Refused::Last)?;
    let region = location.region;
    let (mut regional, mut upper, mut others) = (0, 0, 0);
    let mut to: BTreeMap<String, u32> = BTreeMap::new();
    for key in sample() {
        for (other, _) in topology.regions() {
            let before = topology.tier(other, key).map(|at| &topology.location(at).name);
            let now = after.tier(other, key).map(|at| &after.location(at).name);
            if before == now {
                continue;
            }
            if before.map(String::as_str) != Some(name) {
                others += 1;
                continue;
            }
            regional += 1;
            upper += u32::from(topology.upper_region(key) == region);
            if let Some(now) = now {
                *to.entry(now.clone()).or_default() += 1;
            }
        }
    }
    let mut to: Vec<_> = to.into_iter().map(|(name, count)| (name, share(count))).collect();
    to.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let region_ends = after.locations().all(|(_, location)| location.region != region);
    let (regional, upper, others) = (share(regional), share(upper), share(others));
    Ok(Departure { name: name.to_owned(), regional, upper, to, others, region_ends })
}

/// The topology without a location at which no store stands.
fn rest(topology: &Topology, gone: LocationId) -> Option<Topology> {
    let regions = topology.regions().map(|(_, region)| region.clone()).collect();
    let stay = |(id, location): (LocationId, &Location)| (id != gone).then(|| location.clone());
    let locations = topology.locations().filter_map(stay).collect();
    let site = |store: StoreId| {
        let site = topology.site(store);
        let LocationId(at) = site.location;
        Site { location: LocationId(at - u16::from(site.location > gone)), ..site }
    };
    let sites = [site(StoreId(0)), site(StoreId(1))];
    Topology::new(topology.epoch(), regions, locations, sites).ok()
}

#[cfg(test)]
mod tests {
    use littoral_topology::Region;
    use littoral_types::{Epoch, RegionId};

    use super::*;

    fn topology() -> Topology {
        let regions = ["europe", "asia"].map(|name| Region { name: name.into() });
        let at = |name: &str, region, weight| Location::new(name, RegionId(region), weight);
        let locations =
            vec![at("ams", 0, 1.0), at("lhr", 0, 1.0), at("cdg", 0, 2.0), at("nrt", 1, 1.0)];
        let site = |at| Site { location: LocationId(at), weight: 1.0 };
        Topology::new(Epoch(1), regions.into(), locations, [site(1), site(3)]).expect("sound")
    }

    #[test]
    fn shares_follow_weights_and_cover_every_region_once() {
        let topology = topology();
        let shares = shares(&topology);
        for (share, expected) in shares.iter().zip([0.25, 0.25, 0.5, 1.0]) {
            assert!((share.regional - expected).abs() < 0.01, "{share:?} is not {expected}");
        }
        let upper: f64 = shares.iter().map(|share| share.upper).sum();
        assert!((upper - 1.0).abs() < 1e-9, "each key has one upper tier");
        let uppers = uppers(&topology);
        assert!((uppers[0] - 0.5).abs() < 0.01 && (uppers[0] + uppers[1] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn between_two_lists_as_much_moves_as_shares_change() {
        let before = topology();
        assert_eq!(moved(&before, &before), Moved { regional: vec![0.0; 2], upper: 0.0 });
        let at = |name: &str, region, weight| Location::new(name, RegionId(region), weight);
        let locations =
            vec![at("ams", 0, 1.0), at("lhr", 0, 3.0), at("cdg", 0, 2.0), at("nrt", 1, 1.0)];
        let regions = before.regions().map(|(_, region)| region.clone()).collect();
        let site = |at, weight| Site { location: LocationId(at), weight };
        let after = Topology::new(Epoch(2), regions, locations, [site(1, 1.0), site(3, 3.0)]);
        let moved = moved(&before, &after.expect("sound"));
        // lhr goes from a quarter to a half; the second store's region from a half to three quarters.
        assert!((moved.regional[0] - 0.25).abs() < 0.01 && moved.regional[1] == 0.0, "{moved:?}");
        let upper = 0.25 + 0.25 * 0.25;
        assert!((moved.upper - upper).abs() < 0.01, "{moved:?} is not {upper}");
    }

    #[test]
    fn only_the_keys_of_a_location_that_leaves_move_and_they_spread_by_weight() {
        let topology = topology();
        let left = without(&topology, "ams").expect("it may");
        assert_eq!(left.others, 0.0, "nobody else's keys move");
        assert_eq!(left.regional, shares(&topology)[0].regional);
        let names: Vec<_> = left.to.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["cdg", "lhr"], "within its region, the heavier first");
        assert!((left.to[0].1 / left.to[1].1 - 2.0).abs() < 0.1, "{:?}", left.to);
        assert!(!left.region_ends);
    }

    #[test]
    fn a_location_with_a_store_or_that_is_not_there_cannot_leave() {
        let refused = |name| without(&topology(), name).expect_err(name);
        assert_eq!(
            ["lhr", "nrt", "fra"].map(refused),
            [Refused::Store(0), Refused::Store(1), Refused::Unknown]
        );
    }
}
