//! Names of places, as small numbers that a topology gives meaning.

use crate::STORES;

/// A location: a place with one or more nodes. An index into the topology's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocationId(pub u16);

/// A region: a group of locations. An index into the topology's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u16);

/// One of the two stores that hold the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub u8);

/// Number of the topology, issued by one authority. Health never changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl LocationId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl RegionId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl StoreId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..STORES as u8).map(Self)
    }

    /// The other store.
    #[must_use]
    pub fn other(self) -> Self {
        Self(1 - self.0)
    }
}
