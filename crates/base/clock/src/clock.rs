//! One node's clock.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use littoral_types::{Mono, Wall};
use tokio::time::Instant;

/// A node's view of time. Clones share it.
///
/// Monotonic time follows tokio's, so a paused runtime drives everything; wall time is the
/// machine's, or virtual. A test may move both with [`Clock::advance`].
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// Wall milliseconds at `began` when virtual; `None` reads the machine's clock.
    virtual_wall_ms: Option<u64>,
    /// Added to wall time; may be negative.
    wall_offset_ms: AtomicI64,
    /// Added to monotonic time and to stamps; only grows.
    forward_ms: AtomicU64,
}

/// The time allowed for something ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(None, 0)
    }

    /// A clock whose wall time began at `wall` and moves with tokio's (possibly paused) time,
    /// wrong by `skew_ms`.
    pub fn simulated(wall: Wall, skew_ms: i64) -> Self {
        Self::new(Some(wall.0), skew_ms)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn new(virtual_wall_ms: Option<u64>, wall_offset_ms: i64) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            virtual_wall_ms,
            wall_offset_ms: AtomicI64::new(wall_offset_ms),
            forward_ms: AtomicU64::new(0),
        }))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn elapsed(&self) -> Duration {
        Instant::now().duration_since(self.0.began)
    }

    /// Time since this clock began. Never [`Mono::LONG_AGO`].
    pub fn mono(&self) -> Mono {
        BEGAN.plus(self.runs())
    }

    /// For how long this clock has run.
    pub fn runs(&self) -> Duration {
        let forward = Duration::from_millis(self.0.forward_ms.load(Ordering::Relaxed));
        self.elapsed() + forward
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn machine_ms(&self) -> u64 {
        match self.0.virtual_wall_ms {
            Some(began) => began + self.elapsed().as_millis() as u64,
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as u64),
        }
    }

    /// Wall time, for expiry. May go back when the machine's clock, or a test, moves it.
    pub fn wall(&self) -> Wall {
        let offset = self.0.wall_offset_ms.load(Ordering::Relaxed);
        Wall(self.machine_ms().saturating_add_signed(offset))
    }

    /// Wall time for stamps: not moved back by a test that moves its clock back.
    pub fn stamp_wall(&self) -> Wall {
        let skew = if self.0.virtual_wall_ms.is_some() {
            self.0.wall_offset_ms.load(Ordering::Relaxed)
        } else {
            self.0.forward_ms.load(Ordering::Relaxed) as i64
        };
        Wall(self.machine_ms().saturating_add_signed(skew))
    }

    /// Moves this clock: ages and timeouts forward only, wall time either way. For tests.
    pub fn advance(&self, by_ms: i64) {
        self.0.wall_offset_ms.fetch_add(by_ms, Ordering::Relaxed);
        if let Ok(forward) = u64::try_from(by_ms) {
            self.0.forward_ms.fetch_add(forward, Ordering::Relaxed);
        }
    }

    /// Sets this clock's wall time forward or back, as an administrator would: ages and timeouts
    /// do not notice. For the simulation.
    pub fn jump(&self, by_ms: i64) {
        self.0.wall_offset_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits for `future`, but no longer than `time`.
    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub async fn timeout<F: Future>(
        &self,
        time: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        tokio::time::timeout(time, future).await.map_err(|_| Elapsed)
    }

    /// Waits for `future`, but not past `deadline`.
    pub async fn until<F: Future>(&self, deadline: Mono, future: F) -> Result<F::Output, Elapsed> {
        self.timeout(deadline.since(self.mono()).min(FAR), future).await
    }

    /// The deadline `time` from now.
    pub fn after(&self, time: Duration) -> Mono {
        self.mono().plus(time)
    }
}

/// Where monotonic time begins: late enough that what is older than this clock still has an age.
const BEGAN: Mono = Mono(365 * 24 * 60 * 60 * 1_000_000_000);

/// Longer than anything waits; keeps timer arithmetic from overflowing.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_test_moves_wall_time_both_ways_but_ages_only_forward() {
        let clock = Clock::simulated(Wall(1_000_000), 0);
        let (wall, mono) = (clock.wall(), clock.mono());
        clock.advance(5_000);
        assert_eq!(clock.wall(), wall.plus(Duration::from_secs(5)));
        assert_eq!(clock.mono().since(mono), Duration::from_secs(5));
        clock.advance(-7_000);
        assert_eq!(clock.wall().0, wall.0 - 2_000);
        assert_eq!(clock.mono().since(mono), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_drives_virtual_time() {
        let clock = Clock::simulated(Wall(1_000_000), -500);
        let mono = clock.mono();
        clock.sleep(Duration::from_secs(2)).await;
        assert_eq!(clock.mono().since(mono), Duration::from_secs(2));
        assert_eq!(clock.wall(), Wall(1_001_500));
        let late = clock.until(clock.after(Duration::from_millis(1)), std::future::pending::<()>());
        assert_eq!(late.await, Err(Elapsed));
    }
}
