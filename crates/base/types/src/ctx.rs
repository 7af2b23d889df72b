//! What every call carries from the first day.

use std::sync::Arc;

use crate::{LocationId, Mono, Version};

/// The context of a call. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ctx {
    /// When the caller stops waiting, on this node's clock. Travels as what is left of it.
    pub deadline: Mono,
    pub tenant: Tenant,
    pub trace: Trace,
    /// The oldest version the client accepts: unmet, the answer is an error, never older.
    pub minimum: Option<Version>,
    /// Locations that may hold the answer.
    pub allowed: Allowed,
}

/// The account on whose behalf a call is made; 0 is Littoral itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(pub u128);

/// W3C trace context: the trace, and the span that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trace {
    pub trace: u128,
    pub span: u64,
    pub sampled: bool,
}

/// The set of locations allowed to hold an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    #[default]
    Everywhere,
    /// Sorted, without repeats.
    Only(Arc<[LocationId]>),
}

impl Allowed {
    pub fn only(locations: impl IntoIterator<Item = LocationId>) -> Self {
        let mut list: Vec<_> = locations.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Self::Only(list.into())
    }

    pub fn contains(&self, location: LocationId) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(list) => list.binary_search(&location).is_ok(),
        }
    }

    /// Whether every location of this set is in `other`.
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Everywhere) => true,
            (Self::Everywhere, Self::Only(_)) => false,
            (Self::Only(list), other) => list.iter().all(|location| other.contains(*location)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_within_another_when_it_holds_nothing_more() {
        let small = Allowed::only([LocationId(3), LocationId(1), LocationId(3)]);
        let large = Allowed::only([LocationId(1), LocationId(2), LocationId(3)]);
        assert!(small.within(&large) && !large.within(&small));
        assert!(large.within(&Allowed::Everywhere) && !Allowed::Everywhere.within(&large));
        assert!(small.contains(LocationId(1)) && !small.contains(LocationId(2)));
    }
}
