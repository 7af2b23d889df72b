//! How far a store's purge stream has been applied.

use crate::StoreId;

/// Stores that hold the truth of a space, and so purge streams a tier follows.
pub const STORES: usize = 2;

/// A place in one store's purge stream: the stream's incarnation and the number of the last record.
///
/// Positions of different incarnations do not compare; [`Position::reaches`] says no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Changes when a store fails over or is restored; 0 means "never heard of this stream".
    pub incarnation: u32,
    pub number: u64,
}

impl Position {
    pub const NONE: Self = Self { incarnation: 0, number: 0 };

    pub fn new(incarnation: u32, number: u64) -> Self {
        Self { incarnation, number }
    }

    /// Whether everything up to `other` is included.
    pub fn reaches(self, other: Self) -> bool {
        other == Self::NONE
            || (self.incarnation == other.incarnation && self.number >= other.number)
    }
}

/// One position per store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Positions([Position; STORES]);

impl Positions {
    pub const NONE: Self = Self([Position::NONE; STORES]);

    pub fn of(self, store: StoreId) -> Position {
        self.0[store.index()]
    }

    #[must_use]
    pub fn with(mut self, store: StoreId, position: Position) -> Self {
        self.0[store.index()] = position;
        self
    }

    pub fn iter(self) -> impl Iterator<Item = (StoreId, Position)> {
        StoreId::all().zip(self.0)
    }

    /// The later of both, per stream. A new incarnation in `other` replaces an old one.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        other.iter().fold(self, |all, (store, position)| {
            if all.of(store).reaches(position) { all } else { all.with(store, position) }
        })
    }

    /// Whether this reaches `other` in every stream.
    pub fn reaches(self, other: Self) -> bool {
        self.iter().all(|(store, position)| position.reaches(other.of(store)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_incarnation_reaches_nothing_but_the_beginning() {
        assert!(!Position::new(2, 9).reaches(Position::new(1, 3)));
        assert!(Position::new(2, 9).reaches(Position::NONE));
        assert!(Position::new(2, 9).reaches(Position::new(2, 9)));
        assert!(!Positions::NONE.reaches(Positions::NONE.with(StoreId(1), Position::new(1, 0))));
    }
}
