//! Weights that follow measured round trips: a proposal for the next epoch, never applied by itself.
//!
//! A place's share of keys is `capacity / (floor + mean round trip)`, over the same of all places of
//! its group: Huff's model of which of several shops people go to (D. L. Huff, "A Probabilistic
//! Analysis of Shopping Center Trade Areas", Land Economics 39, 1963), with the exponent 1. Whoever asks
//! counts by its share of the requests. So who is twice as far gets half as much, and nobody gets
//! all: the nearest alone would have every key, and fall with it.

use std::time::Duration;

use littoral_types::{LocationId, RegionId, STORES, StoreId};

use crate::Topology;

/// What was measured over a network.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// By who asks, then by who is asked.
    trips: Vec<Vec<Option<Duration>>>,
    /// Requests of each location, all in one unit; a rate.
    requests: Vec<f64>,
}

/// What the next epoch might say.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// By location.
    pub places: Vec<Weighed>,
    /// By store: for upper tiers, and the mean round trip to the store itself.
    pub stores: [Weighed; STORES],
    pub misplaced: Vec<Misplaced>,
}

/// One weight, before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    pub now: f64,
    pub proposed: f64,
    /// From those who ask it, by their share of requests; `None`: not measured.
    pub mean: Option<Duration>,
}

/// A location that is nearer to another region than to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misplaced {
    pub location: LocationId,
    /// The mean round trip to the others of its region.
    pub own: Duration,
    /// The region it is nearest to, and the mean round trip there.
    pub nearest: RegionId,
    pub there: Duration,
}

/// What even the nearest place costs: a place next door is not worth all keys.
const FLOOR: Duration = Duration::from_millis(5);
/// A group of which no weight would change by more than this share stays as it is: noise moves no
/// keys.
const SAME: f64 = 0.05;
/// Requests a second, all together, below which every location counts alike.
const REQUESTS_MIN: f64 = 1.0;
/// A location is misplaced when another region is nearer than its own by this factor…
const NEARER_TIMES: u32 = 2;
/// …and by this much.
const NEARER_BY: Duration = Duration::from_millis(5);
/// Weights are proposed to two digits, and never as nothing: only an operator takes a place out.
const DIGITS: f64 = 100.0;

impl Measurements {
    /// `trips[a][b]`: the round trip from location a to b as a has measured it; `requests[a]`: what it
    /// answers in a second.
    pub fn new(trips: Vec<Vec<Option<Duration>>>, requests: Vec<f64>) -> Self {
        Self { trips, requests }
    }

    /// As either of them has measured it; nothing to itself.
    pub fn between(&self, a: LocationId, b: LocationId) -> Option<Duration> {
        if a == b {
            return Some(Duration::ZERO);
        }
        let of = |a: LocationId, b: LocationId| *self.trips.get(a.index())?.get(b.index())?;
        of(a, b).or_else(|| of(b, a))
    }

    /// Of all requests, those of a location.
    pub fn share(&self, of: LocationId) -> f64 {
        let all: f64 = self.requests.iter().sum();
        if all < REQUESTS_MIN {
            return 1.0 / self.requests.len().max(1) as f64;
        }
        self.requests.get(of.index()).map_or(0.0, |requests| requests / all)
    }

    /// The mean round trip to a place from those who ask it.
    fn mean(&self, askers: &[LocationId], to: LocationId) -> Option<Duration> {
        // Whoever asks nothing counts a little: it may begin to.
        let counts = |from: LocationId| self.share(from).max(1e-6);
        let known = askers.iter().filter_map(|from| Some((*from, self.between(*from, to)?)));
        let (mut sum, mut all) = (0.0, 0.0);
        let mut others = 0;
        for (from, trip) in known {
            sum += counts(from) * trip.as_secs_f64();
            all += counts(from);
            others += usize::from(from != to);
        }
        let alone = askers.iter().all(|from| *from == to);
        (others > 0 || alone).then(|| Duration::from_secs_f64(sum / all))
    }
}

/// `capacity`: of each location, in one unit, such as its nodes. A location of weight 0 keeps it.
pub fn propose(topology: &Topology, measured: &Measurements, capacity: &[f64]) -> Proposal {
    let all: Vec<LocationId> = topology.locations().map(|(at, _)| at).collect();
    let weighed = |location: &crate::Location| Weighed {
        now: location.weight,
        proposed: location.weight,
        mean: None,
    };
    let mut places: Vec<Weighed> = topology.locations().map(|(_, place)| weighed(place)).collect();
    let store_regions =
        StoreId::all().map(|store| topology.region_of(topology.site(store).location));
    let store_regions: Vec<RegionId> = store_regions.collect();
    for (region, _) in topology.regions() {
        let here: Vec<_> =
            all.iter().copied().filter(|at| topology.region_of(*at) == region).collect();
        // A regional tier is asked by its region, an upper one by everybody.
        let askers = if store_regions.contains(&region) { &all } else { &here };
        let group: Vec<_> = here
            .iter()
            .filter(|at| places[at.index()].now > 0.0)
            .map(|at| {
                let (now, mean) = (places[at.index()].now, measured.mean(askers, *at));
                (now, capacity.get(at.index()).copied().unwrap_or(1.0), mean)
            })
            .collect();
        let mut proposed = share_out(&group).into_iter();
        for at in here.iter().filter(|at| topology.location(**at).weight > 0.0) {
            places[at.index()] = proposed.next().unwrap_or(places[at.index()]);
        }
    }
    let group = StoreId::all().map(|store| {
        let site = topology.site(store);
        (site.weight, 1.0, measured.mean(&all, site.location))
    });
    let stores = share_out(&group.collect::<Vec<_>>());
    let stores = StoreId::all().map(|store| stores[store.index()]).collect::<Vec<_>>();
    let misplaced = all.iter().filter_map(|at| misplaced(topology, measured, *at)).collect();
    Proposal { places, stores: [stores[0], stores[1]], misplaced }
}

/// Weights of a group of places (present weight, capacity, mean round trip). Their mean is 1. What is
/// not all measured stays.
fn share_out(group: &[(f64, f64, Option<Duration>)]) -> Vec<Weighed> {
    let floor = FLOOR.as_secs_f64();
    let pull = |(_, capacity, mean): &(f64, f64, Option<Duration>)| {
        mean.map(|mean| capacity / (floor + mean.as_secs_f64()))
    };
    let pulls: Option<Vec<f64>> = group.iter().map(pull).collect();
    let count = group.len() as f64;
    let (pulled, now) =
        (pulls.iter().flatten().sum::<f64>(), group.iter().map(|(now, _, _)| now).sum::<f64>());
    let round = |weight: f64| (weight * DIGITS).round().max(1.0) / DIGITS;
    let proposed = pulls.map(|pulls| -> Vec<f64> {
        pulls.iter().map(|pull| round(pull / pulled * count)).collect()
    });
    let differs = |(proposed, (old, _, _)): (&f64, &(f64, f64, Option<Duration>))| {
        let old = old / now * count;
        (proposed - old).abs() > SAME * old.max(1.0 / DIGITS)
    };
    let proposed = proposed.filter(|list| now > 0.0 && list.iter().zip(group).any(differs));
    let weighed = |(at, (now, _, mean)): (usize, &(f64, f64, Option<Duration>))| Weighed {
        now: *now,
        proposed: proposed.as_ref().map_or(*now, |list| list[at]),
        mean: *mean,
    };
    group.iter().enumerate().map(weighed).collect()
}

fn misplaced(topology: &Topology, measured: &Measurements, at: LocationId) -> Option<Misplaced> {
    let mean = |region: RegionId| {
        let others = topology.locations().filter(|(to, l)| l.region == region && *to != at);
        let trips: Vec<Duration> = others.filter_map(|(to, _)| measured.between(at, to)).collect();
        let sum: Duration = trips.iter().sum();
        (!trips.is_empty()).then(|| sum / trips.len() as u32)
    };
    let region = topology.region_of(at);
    let own = mean(region)?;
    let others = topology.regions().map(|(other, _)| other).filter(|other| *other != region);
    let (there, nearest) = others.filter_map(|other| Some((mean(other)?, other))).min()?;
    let nearer = there * NEARER_TIMES < own && there + NEARER_BY < own;
    nearer.then_some(Misplaced { location: at, own, nearest, there })
}

#[cfg(test)]
mod tests;
