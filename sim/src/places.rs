//! Who stands where. In a quarter of the seeds two locations have a second node.

use littoral_types::LocationId;

use crate::world::LOCATIONS;

/// Locations with a second node: of a region with a store, and of the one without.
const SECOND: [u16; 2] = [1, 7];

/// The places of one seed: the first of each location has its number, second ones follow.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    locations: Vec<LocationId>,
    /// Nothing is lost or late between the nodes of a location: what they owe each other then holds
    /// without exception.
    pub(crate) sound: bool,
}

impl Places {
    /// A function of the seed's number alone.
    pub(crate) fn of(seed: u64) -> Self {
        let second = if seed.is_multiple_of(4) { &SECOND[..] } else { &[] };
        let locations = (0..LOCATIONS).chain(second.iter().copied()).map(LocationId).collect();
        Self { locations, sound: seed.is_multiple_of(8) }
    }

    pub(crate) fn count(&self) -> u16 {
        self.locations.len() as u16
    }

    pub(crate) fn all(&self) -> Vec<LocationId> {
        self.locations.clone()
    }

    pub(crate) fn location(&self, place: u16) -> u16 {
        self.locations[usize::from(place)].0
    }

    /// Whether two nodes share a location.
    pub(crate) fn beside(&self, a: u16, b: u16) -> bool {
        a != b && self.location(a) == self.location(b)
    }
}
