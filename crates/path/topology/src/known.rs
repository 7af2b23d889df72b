//! The topology as one node knows it, while it changes: the epoch of now, and the one before.
//!
//! Only placement changes with an epoch: locations are added at the end, and take or give up keys
//! by their weight, as do the regions of the stores for upper tiers. Numbers of locations never mean
//! another one, and the stores stay where they are, so that a key's home never moves.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{Error, Topology};

/// One node's knowledge. Clones share it.
#[derive(Clone, Debug)]
pub struct Known(Arc<ArcSwap<Pair>>);

#[derive(Debug)]
struct Pair {
    now: Arc<Topology>,
    before: Option<Arc<Topology>>,
}

impl From<Topology> for Known {
    fn from(now: Topology) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Pair { now: Arc::new(now), before: None })))
    }
}

impl Known {
    pub fn now(&self) -> Arc<Topology> {
        Arc::clone(&self.0.load().now)
    }

    /// Of the epoch of now and the one before it.
    pub fn both(&self) -> (Arc<Topology>, Option<Arc<Topology>>) {
        let pair = self.0.load();
        (Arc::clone(&pair.now), pair.before.clone())
    }

    /// Takes a newer epoch. `false`: it is not newer than what is known.
    ///
    /// # Errors
    /// [`Error::Changed`] when it changes what no epoch may.
    pub fn learn(&self, new: Topology) -> Result<bool, Error> {
        let new = Arc::new(new);
        let mut outcome = Ok(false);
        self.0.rcu(|pair| {
            if new.epoch() <= pair.now.epoch() {
                outcome = Ok(false);
                return Arc::clone(pair);
            }
            if let Err(error) = pair.now.may_become(&new) {
                outcome = Err(error);
                return Arc::clone(pair);
            }
            outcome = Ok(true);
            Arc::new(Pair { now: Arc::clone(&new), before: Some(Arc::clone(&pair.now)) })
        });
        outcome
    }
}

impl Topology {
    /// Whether an epoch may change this one into `new`.
    ///
    /// # Errors
    /// [`Error::Changed`] says what it may not change.
    pub fn may_become(&self, new: &Self) -> Result<(), Error> {
        for (at, location) in self.locations() {
            let kept = new.locations.get(at.index()).is_some_and(|other| {
                other.name == location.name
                    && new.region(other.region).name == self.region(location.region).name
            });
            if !kept {
                let what = format!("location {} is not where it was in the list", location.name);
                return Err(Error::Changed(what));
            }
        }
        if self.stores.map(|site| site.location) != new.stores.map(|site| site.location) {
            return Err(Error::Changed("the stores stand elsewhere".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::{Epoch, LocationId, RegionId, STORES};

    use super::*;
    use crate::{Location, Region, Site};

    fn topology(epoch: u64, weights: &[(&str, f64)]) -> Topology {
        let regions = vec![Region { name: "r".into() }];
        let location = |(name, weight): &(&str, f64)| Location::new(*name, RegionId(0), *weight);
        let locations = weights.iter().map(location).collect();
        let site = Site { location: LocationId(0), weight: 1.0 };
        Topology::new(Epoch(epoch), regions, locations, [site; STORES]).expect("sound")
    }

    #[test]
    fn a_newer_epoch_is_taken_and_the_one_before_is_remembered() {
        let known = Known::from(topology(1, &[("a", 1.0), ("b", 1.0)]));
        let other = known.clone();
        let next = topology(2, &[("a", 1.0), ("b", 0.0), ("c", 1.0)]);
        assert_eq!(known.learn(next.clone()), Ok(true));
        assert_eq!(known.learn(next), Ok(false), "again");
        assert_eq!(known.learn(topology(1, &[("x", 1.0)])), Ok(false), "older");
        let (now, before) = other.both();
        assert_eq!((now.epoch(), before.map(|t| t.epoch())), (Epoch(2), Some(Epoch(1))));
    }

    #[test]
    fn an_epoch_moves_upper_tiers_by_the_weights_of_the_stores_and_no_home() {
        let regions = ["r", "s"].map(|name| Region { name: name.into() });
        let at = |epoch, weights: [f64; STORES]| {
            let locations =
                vec![Location::new("a", RegionId(0), 1.0), Location::new("b", RegionId(1), 1.0)];
            let site =
                |at: u16| Site { location: LocationId(at), weight: weights[usize::from(at)] };
            let sites = [site(0), site(1)];
            Topology::new(Epoch(epoch), regions.to_vec(), locations, sites).expect("sound")
        };
        let (before, after) = (at(1, [1.0, 1.0]), at(2, [1.0, 3.0]));
        assert_eq!(before.may_become(&after), Ok(()));
        let mut moved = 0;
        for n in 0..20_000_u64 {
            let key = crate::key_hash(littoral_types::SpaceId(7), &n.to_le_bytes());
            assert_eq!(before.home(key), after.home(key));
            assert_eq!(before.upper_store(key), before.home(key), "while both weigh the same");
            if before.upper_store(key) != after.upper_store(key) {
                moved += 1;
                assert_eq!(after.upper_store(key).0, 1, "the lighter takes none");
            }
        }
        assert!((4_700..5_300).contains(&moved), "from a half to a quarter: {moved}");
        let elsewhere = Topology::new(
            Epoch(2),
            regions.to_vec(),
            vec![Location::new("a", RegionId(0), 1.0), Location::new("b", RegionId(1), 1.0)],
            [Site { location: LocationId(0), weight: 1.0 }; STORES],
        );
        let refused = before.may_become(&elsewhere.expect("sound"));
        assert!(matches!(refused, Err(Error::Changed(_))), "{refused:?}");
    }

    #[test]
    fn what_would_make_a_number_mean_another_place_is_refused() {
        let known = Known::from(topology(1, &[("a", 1.0), ("b", 1.0)]));
        for bad in [&[("a", 1.0)][..], &[("b", 1.0), ("a", 1.0)], &[("a", 1.0), ("x", 1.0)]] {
            assert!(matches!(known.learn(topology(2, bad)), Err(Error::Changed(_))), "{bad:?}");
        }
        assert_eq!(known.now().epoch(), Epoch(1));
    }
}
