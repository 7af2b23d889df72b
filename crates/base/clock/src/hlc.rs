//! The hybrid logical clock that stamps writes (Kulkarni et al., "Logical Physical Clocks", 2014).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use littoral_types::{Mono, Version, Wall};

use crate::{Chance, Clock};

/// Stamps that only grow on one node, follow every stamp it has seen, and stay close to wall time.
#[derive(Debug)]
pub struct Hlc {
    clock: Clock,
    /// Wall milliseconds shifted left by 16, plus a counter, as in [`Version`].
    last: AtomicU64,
    /// The latest wall time this node's own clock has shown, in milliseconds: a clock that is set
    /// back does not make our own earlier stamps look as if they came from the future.
    wall_max: AtomicU64,
    /// Where this clock was last found in step with monotonic time.
    step: Mutex<Step>,
    writer: u64,
    max_skew: Duration,
}

/// A point from which wall time is followed only as fast as monotonic time goes.
#[derive(Clone, Copy, Debug)]
struct Step {
    mono: Mono,
    wall_ms: u64,
}

/// A clock that is set forward while the node runs is followed by this much at once, and by this
/// much again in each [`STEP`]: a wrong clock must not stamp writes from the future.
const STEP_FORWARD_MS: u64 = 50;
const STEP: Duration = Duration::from_secs(10);

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
        let step = Mutex::new(Step { mono: clock.mono(), wall_ms: clock.stamp_wall().0 });
        let (last, wall_max) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { clock, last, wall_max, step, writer: chance.u64() | 1, max_skew }
    }

    /// A stamp newer than every one given or seen before.
    pub fn now(&self) -> Version {
        let wall = self.wall() << 16;
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

    /// The latest wall time this clock has stood at: kept over a restart by [`Hlc::resume`].
    pub fn mark(&self) -> Wall {
        Wall(self.wall().max(self.last.load(Ordering::Acquire) >> 16))
    }

    /// Goes on from where an earlier run of this node stood, whatever the machine's clock says.
    pub fn resume(&self, mark: Wall) {
        self.wall_max.fetch_max(mark.0, Ordering::AcqRel);
        self.last.fetch_max(mark.0 << 16, Ordering::AcqRel);
    }

    /// This clock's reading, in milliseconds: the machine's, but never back, and forward no
    /// faster than time goes.
    fn wall(&self) -> u64 {
        let machine = self.clock.stamp_wall().0;
        let now = machine.min(self.in_step(machine));
        now.max(self.wall_max.fetch_max(now, Ordering::AcqRel))
    }

    /// The most that wall time can have come to since the last step.
    fn in_step(&self, machine: u64) -> u64 {
        let mono = self.clock.mono();
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = mono.since(step.mono);
        let most = step.wall_ms + passed.as_millis() as u64 + STEP_FORWARD_MS;
        if passed >= STEP {
            *step = Step { mono, wall_ms: machine.min(most) };
        }
        most
    }

    fn check(&self, stamp: Version) -> Result<(), SkewError> {
        // A clock that was set forward is believed when it looks at others.
        let here = self.wall().max(self.clock.stamp_wall().0);
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
    async fn a_clock_set_back_over_a_restart_goes_on_from_where_it_stood() {
        let before = hlc(&Clock::simulated(Wall(1_600_000), 0));
        let stamp = before.now();
        let after = hlc(&Clock::simulated(Wall(1_000_000), 0));
        after.resume(before.mark());
        assert!(after.now() > stamp);
        after.observe(stamp).expect("its own earlier stamp");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_set_forward_while_it_runs_does_not_stamp_from_the_future() {
        let clock = Clock::simulated(Wall(1_000_000), 0);
        let here = hlc(&clock);
        clock.jump(600_000);
        assert!(here.now().wall().0 <= 1_000_000 + STEP_FORWARD_MS);
        clock.sleep(Duration::from_secs(30)).await;
        let later = here.now().wall().0;
        assert!((1_030_000..=1_031_000).contains(&later), "{later}");
        let others = Version::new(Wall(1_620_000), 0, 9);
        here.observe(others).expect("if it was slow before, others are believed");
        assert!(here.now() > others);
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
