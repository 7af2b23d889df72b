//! The hybrid logical clock that stamps writes (Kulkarni et al., "Logical Physical Clocks", 2014).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use littoral_types::{Version, Wall};

use crate::{Chance, Clock};

/// Stamps that only grow on one node, follow every stamp it has seen, and stay close to wall time.
#[derive(Debug)]
pub struct Hlc {
    clock: Clock,
    /// Wall milliseconds shifted left by 16, plus a counter, as in [`Version`].
    last: AtomicU64,
    writer: u64,
    max_skew: Duration,
}

/// A stamp from a clock too far ahead of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkewError {
    pub stamp: Version,
    pub ahead: Duration,
    pub max_skew: Duration,
}

impl std::fmt::Display for SkewError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stamp, ahead, max_skew } = self;
        write!(f, "stamp {stamp} is {ahead:?} ahead of this clock; at most {max_skew:?} is taken")
    }
}

impl std::error::Error for SkewError {}

impl Hlc {
    /// The writer's id comes from `chance`: a new one at each start.
    pub fn new(clock: Clock, chance: &mut Chance, max_skew: Duration) -> Self {
        Self { clock, last: AtomicU64::new(0), writer: chance.u64() | 1, max_skew }
    }

    /// A stamp newer than every one given or seen before.
    pub fn now(&self) -> Version {
        let wall = self.clock.stamp_wall().0 << 16;
        let before = self
            .last
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(wall.max(last + 1)))
            .expect("the closure always gives a value");
        Version::from_parts(wall.max(before + 1), self.writer)
    }

    /// Takes note of a stamp from elsewhere, so that later ones here are newer.
    ///
    /// # Errors
    /// When it is more than `max_skew` ahead of this clock; then nothing is noted.
    pub fn observe(&self, stamp: Version) -> Result<(), SkewError> {
        self.check(stamp)?;
        self.last.fetch_max(stamp.parts().0, Ordering::AcqRel);
        Ok(())
    }

    /// Takes note of a stamp that is already the truth, however far ahead: after a restart.
    pub fn resume(&self, stamp: Version) {
        self.last.fetch_max(stamp.parts().0, Ordering::AcqRel);
    }

    fn check(&self, stamp: Version) -> Result<(), SkewError> {
        let Wall(here) = self.clock.stamp_wall();
        let ahead = Duration::from_millis(stamp.wall().0.saturating_sub(here));
        if ahead > self.max_skew {
            return Err(SkewError { stamp, ahead, max_skew: self.max_skew });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hlc(clock: &Clock) -> Hlc {
        Hlc::new(clock.clone(), &mut Chance::seeded(7), Duration::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn stamps_grow_inside_one_millisecond_and_after_one_from_ahead() {
        let clock = Clock::simulated(Wall(1_000_000), 0);
        let hlc = hlc(&clock);
        let (a, b) = (hlc.now(), hlc.now());
        assert!(a < b);
        let ahead = Version::new(Wall(1_000_900), 3, 1);
        hlc.observe(ahead).expect("within the skew");
        assert!(hlc.now() > ahead);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_ten_minutes_fast_is_refused() {
        let clock = Clock::simulated(Wall(1_000_000), 0);
        let fast = Clock::simulated(Wall(1_000_000), 600_000);
        let stamp = hlc(&fast).now();
        let here = hlc(&clock);
        let error = here.observe(stamp).expect_err("too far ahead");
        assert_eq!(error.ahead, Duration::from_secs(600));
        assert!(here.now() < stamp);
    }
}
