//! Where a version stands among all of a history, and the places between two.

/// Versions stand at even ranks in the order of their text. An odd rank is between two: what is only
/// known to be newer than one, or older than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rank(u32);

impl Rank {
    /// Older than every version: what a key has before its first write.
    pub(crate) const NONE: Self = Self(0);
    /// Newer than every version.
    pub(crate) const TOP: Self = Self(u32::MAX);

    /// Of the version that `index` others of the history are older than.
    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from((index + 1) * 2).expect("operations are limited"))
    }

    /// How many versions are older than this one; nothing for what is no version.
    pub(crate) fn index(self) -> Option<usize> {
        (self.0.is_multiple_of(2) && self != Self::NONE).then(|| self.0 as usize / 2 - 1)
    }

    /// The first place that is newer than this version, or itself if it is such a place.
    pub(crate) fn newer(self) -> Self {
        Self(self.0 | 1)
    }

    /// The last place that is older than this version.
    pub(crate) fn older(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}
