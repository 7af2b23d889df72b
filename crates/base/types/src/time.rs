//! Points in time, as the clock hands them out.

use std::time::Duration;

/// Wall time in milliseconds since the UNIX epoch. Differs between machines; used for expiry and
/// stamps, never for ages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub u64);

impl Wall {
    /// Whole seconds since the UNIX epoch, rounded down.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Nanoseconds on this node's monotonic clock. Meaningless on any other node, and after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// Before everything: an entry vouched for at this time has an unknown, endless age.
    pub const LONG_AGO: Self = Self(0);

    /// Time from `earlier` to `self`, zero if `earlier` is later; endless when unknown.
    pub fn since(self, earlier: Self) -> Duration {
        if earlier == Self::LONG_AGO {
            return Duration::MAX;
        }
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The instant `by` before this one; [`Mono::LONG_AGO`] if that is before the clock began.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_time_is_endlessly_old() {
        assert_eq!(Mono(5).since(Mono::LONG_AGO), Duration::MAX);
        assert_eq!(Mono(5).since(Mono(9)), Duration::ZERO);
        assert_eq!(Mono(5).minus(Duration::from_secs(1)), Mono::LONG_AGO);
    }
}
