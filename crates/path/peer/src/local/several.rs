//! Several nodes in a location: who of them keeps which key.

use littoral_topology::{key_hash, name_seed, score};
use littoral_types::{LocationId, Mono, SpaceId};

use super::Local;
use crate::Sibling;

/// Places, highest rank for a key first.
pub(super) fn ranked(mut places: Vec<LocationId>, space: SpaceId, key: &[u8]) -> Vec<LocationId> {
    if places.len() > 1 {
        places.sort_by(|a, b| rank(*b, space, key).total_cmp(&rank(*a, space, key)));
    }
    places
}

fn rank(place: LocationId, space: SpaceId, key: &[u8]) -> f64 {
    score(key_hash(space, key), name_seed(&format!("place {}", place.0)), 1.0)
}

impl Local {
    pub(super) fn others_well(&self) -> Vec<Sibling> {
        let well = |place: &&LocationId| self.network.place(**place).service.is_some();
        self.others.iter().filter(well).map(|place| Sibling(place.0.into())).collect()
    }

    pub(super) fn before_this_one(&self, space: SpaceId, key: &[u8]) -> Vec<Sibling> {
        let own = rank(self.from, space, key);
        let well = |place: &LocationId| self.network.place(*place).service.is_some();
        let before = self.others.iter().copied().filter(|p| rank(*p, space, key) > own && well(p));
        let ranked = ranked(before.collect(), space, key);
        ranked.into_iter().map(|place| Sibling(place.0.into())).collect()
    }

    /// As one that has just come, or stands in for one that has just gone.
    pub(super) fn keeps_since(&self, space: SpaceId, key: &[u8]) -> Option<Mono> {
        let mut since = Mono::LONG_AGO;
        for other in &self.others {
            since = since.max(self.network.place(self.from).changed_at);
            if rank(*other, space, key) > rank(self.from, space, key) {
                let other = self.network.place(*other);
                if other.service.is_some() {
                    return None;
                }
                since = since.max(other.changed_at);
            }
        }
        Some(since)
    }
}
