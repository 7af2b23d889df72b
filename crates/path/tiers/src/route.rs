//! Whom a hop asks next: edge → regional → upper → origin.
//!
//! The upper tier of a key is the regional tier of the upper region, and trusts what it holds by the
//! [same rule](crate::regional). Who a tier is, the epoch says alone. Where none of a region's
//! locations can be asked, another region's tier stands in: for the regional tier the nearest by
//! measured round trip, for the upper tier that of the other store's region. It is sent the key's
//! purges like any tier of its region.

use std::time::Duration;

use littoral_peer::Hop;
use littoral_topology::{KeyHash, Topology};
use littoral_types::{Allowed, LocationId, Mono, RegionId};

use crate::lookup::Inner;

/// Whom a hop asks next. The last resort, when none of them answers, is the origin itself.
pub(crate) fn next(inner: &Inner, hop: Hop, hash: KeyHash, allowed: &Allowed) -> Vec<Step> {
    let now = inner.clock.mono();
    let topology = &*inner.topology.now();
    let (own, upper) = (topology.region_of(inner.here), topology.upper_region(hash));
    let mut steps = Vec::with_capacity(2);
    if hop == Hop::Edge {
        let regional = tier(inner, topology, own, hash, allowed, now)
            .or_else(|| nearest(inner, topology, own, hash, allowed, now))
            .filter(|to| own == upper || topology.region_of(*to) != upper);
        steps.extend(regional.map(|to| Step(Hop::Regional, to)));
    }
    if matches!(hop, Hop::Edge | Hop::Regional) {
        let store = topology.upper_store(hash);
        let other = topology.region_of(topology.site(store.other()).location);
        let tier = |region| tier(inner, topology, region, hash, allowed, now);
        let upper = tier(upper).or_else(|| tier(other).filter(|_| other != upper));
        steps.extend(upper.map(|to| Step(Hop::Upper, to)));
    }
    // A location that would ask itself skips the hop, and one is not asked twice: in the upper
    // region the regional tier is the upper one.
    let mut asked = Vec::with_capacity(2);
    let at_home = upper == own;
    for Step(hop, to) in steps {
        if to == inner.here {
            if at_home {
                // This location is the upper tier: only the origin is above it.
                return Vec::new();
            }
            asked.clear();
        } else if !asked.iter().any(|Step(_, earlier)| *earlier == to) {
            let hop = if at_home { Hop::Upper } else { hop };
            asked.push(Step(hop, to));
        }
    }
    asked
}

/// The next hop, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step(pub(crate) Hop, pub(crate) LocationId);

/// The highest-ranked location of a region that is well and may hold the answer.
fn tier(
    inner: &Inner,
    topology: &Topology,
    region: RegionId,
    hash: KeyHash,
    allowed: &Allowed,
    now: Mono,
) -> Option<LocationId> {
    let well = |to: &LocationId| {
        *to == inner.here || (inner.carrier.well(*to) && inner.health.well(*to, now))
    };
    let first = topology.tier(region, hash).filter(|to| allowed.contains(*to));
    first.filter(well).or_else(|| {
        let ranked = topology.ranked(region, hash);
        ranked.iter().filter(|to| allowed.contains(*to)).find(well)
    })
}

/// The nearest of the other regions' tiers, by measured round trip; those to which none was measured
/// come last, in the order of the list.
fn nearest(
    inner: &Inner,
    topology: &Topology,
    own: RegionId,
    hash: KeyHash,
    allowed: &Allowed,
    now: Mono,
) -> Option<LocationId> {
    let others = topology.regions().map(|(region, _)| region).filter(|region| *region != own);
    let tiers = others.filter_map(|region| tier(inner, topology, region, hash, allowed, now));
    tiers.min_by_key(|to| inner.carrier.trip(*to).map_or(Duration::MAX, |trip| trip.mean))
}
