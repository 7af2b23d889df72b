//! The places: locations, regions, weights, stores; who ranks first for a key; who is well.
//!
//! Placement is a pure function of the topology and the key. Health only says whom to skip.

mod health;
mod known;
mod rank;
mod weigh;

pub use health::{Health, HealthLimits};
pub use known::Known;
pub use rank::{KeyHash, Ranked, key_hash, name_seed, score};
pub use weigh::{Measurements, Misplaced, Proposal, Weighed, propose};

use littoral_types::{Epoch, LocationId, RegionId, STORES, SpaceId, StoreId};

/// One numbered state of the network, the same on every node.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    epoch: Epoch,
    regions: Vec<Region>,
    locations: Vec<Location>,
    stores: [Site; STORES],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    pub name: String,
    pub region: RegionId,
    /// Share of keys relative to others of the region; 0 takes none.
    pub weight: f64,
    /// `name`'s place in the hash: see [`rank`].
    seed: u64,
}

/// Where a store of the truth stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// The location that reaches the store without leaving home.
    pub location: LocationId,
    /// Share of keys whose upper tier stands in this store's region, relative to the other's.
    pub weight: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("location {0} names a region that does not exist")]
    Region(String),
    #[error("store {0} names a location that does not exist")]
    Site(u8),
    #[error("two locations are called {0}")]
    Twice(String),
    #[error("weight of {0} must be a number of at least 0")]
    Weight(String),
    #[error("an epoch may not change this: {0}")]
    Changed(String),
    #[error("a topology has at least one location and at most 65535")]
    Count,
}

impl Location {
    pub fn new(name: impl Into<String>, region: RegionId, weight: f64) -> Self {
        let name = name.into();
        let seed = name_seed(&name);
        Self { name, region, weight, seed }
    }
}

impl Topology {
    /// # Errors
    /// When names repeat, references point nowhere, or a weight is no weight.
    pub fn new(
        epoch: Epoch,
        regions: Vec<Region>,
        locations: Vec<Location>,
        stores: [Site; STORES],
    ) -> Result<Self, Error> {
        if locations.is_empty() || locations.len() > usize::from(u16::MAX) {
            return Err(Error::Count);
        }
        for (at, location) in locations.iter().enumerate() {
            if location.region.index() >= regions.len() {
                return Err(Error::Region(location.name.clone()));
            }
            if locations[..at].iter().any(|other| other.name == location.name) {
                return Err(Error::Twice(location.name.clone()));
            }
            if !location.weight.is_finite() || location.weight < 0.0 {
                return Err(Error::Weight(location.name.clone()));
            }
        }
        for (store, site) in StoreId::all().zip(&stores) {
            if site.location.index() >= locations.len() {
                return Err(Error::Site(store.0));
            }
            if !site.weight.is_finite() || site.weight < 0.0 {
                return Err(Error::Weight(format!("store {}", store.0)));
            }
        }
        Ok(Self { epoch, regions, locations, stores })
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub fn locations(&self) -> impl Iterator<Item = (LocationId, &Location)> {
        (0..).map(LocationId).zip(&self.locations)
    }

    pub fn location(&self, id: LocationId) -> &Location {
        &self.locations[id.index()]
    }

    pub fn region(&self, id: RegionId) -> &Region {
        &self.regions[id.index()]
    }

    pub fn regions(&self) -> impl Iterator<Item = (RegionId, &Region)> {
        (0..).map(RegionId).zip(&self.regions)
    }

    pub fn region_of(&self, id: LocationId) -> RegionId {
        self.location(id).region
    }

    pub fn site(&self, store: StoreId) -> Site {
        self.stores[store.index()]
    }

    /// The store a key calls home: it decides the key's conditions. The same in every epoch.
    pub fn home(&self, key: KeyHash) -> StoreId {
        let ranked = StoreId::all().map(|store| (store, score(key, rank::store_seed(store), 1.0)));
        rank::first(ranked).unwrap_or_default()
    }

    /// The store in whose region a key's upper tier stands: its home, while both weigh the same.
    /// Of two that differ, the lighter gives up keys and takes none.
    pub fn upper_store(&self, key: KeyHash) -> StoreId {
        let ranked = StoreId::all()
            .zip(&self.stores)
            .map(|(store, site)| (store, score(key, rank::store_seed(store), site.weight)));
        rank::first(ranked).unwrap_or_default()
    }

    /// The region in which a key's upper tier stands.
    pub fn upper_region(&self, key: KeyHash) -> RegionId {
        self.region_of(self.site(self.upper_store(key)).location)
    }

    /// The locations of a region, highest rank for the key first.
    pub fn ranked(&self, region: RegionId, key: KeyHash) -> Ranked {
        Ranked::new(
            self.locations()
                .filter(|(_, location)| location.region == region)
                .map(|(id, location)| (id, score(key, location.seed, location.weight))),
        )
    }

    /// The location of a region that holds a key, whatever its health.
    pub fn tier(&self, region: RegionId, key: KeyHash) -> Option<LocationId> {
        rank::first(
            self.locations()
                .filter(|(_, location)| location.region == region)
                .map(|(id, location)| (id, score(key, location.seed, location.weight))),
        )
    }

    /// Whether this location is a regional or the upper tier of a key: it is sent its purges.
    /// The upper tier is the regional tier of its region.
    pub fn holds(&self, location: LocationId, key: KeyHash) -> bool {
        self.tier(self.region_of(location), key) == Some(location)
    }

    /// The hash by which a key is placed.
    pub fn hash(&self, space: SpaceId, key: &[u8]) -> KeyHash {
        key_hash(space, key)
    }
}

#[cfg(test)]
mod tests;
