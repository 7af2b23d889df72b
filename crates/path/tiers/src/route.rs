//! Whom a hop asks next: edge → regional → upper → origin.
//!
//! The upper tier of a key is the regional tier of the region in which its home store stands, and
//! trusts what it holds by the [same rule](crate::regional).

use littoral_peer::Hop;
use littoral_topology::{KeyHash, Topology};
use littoral_types::{Allowed, LocationId, Mono, RegionId};

use crate::lookup::Inner;

/// Whom a hop asks next. The last resort, when none of them answers, is the origin itself.
pub(crate) fn next(inner: &Inner, hop: Hop, hash: KeyHash, allowed: &Allowed) -> Vec<Step> {
    let now = inner.clock.mono();
    let topology = &*inner.topology.now();
    let mut steps = Vec::with_capacity(2);
    if hop == Hop::Edge {
        let region = topology.region_of(inner.here);
        steps.extend(
            tier(inner, topology, region, hash, allowed, now).map(|to| Step(Hop::Regional, to)),
        );
    }
    if matches!(hop, Hop::Edge | Hop::Regional) {
        let region = topology.home_region(hash);
        steps.extend(
            tier(inner, topology, region, hash, allowed, now).map(|to| Step(Hop::Upper, to)),
        );
    }
    // A location that would ask itself skips the hop, and one is not asked twice: in the home's
    // region the regional tier is the upper one.
    let mut asked = Vec::with_capacity(2);
    let at_home = topology.home_region(hash) == topology.region_of(inner.here);
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
