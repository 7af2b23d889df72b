//! After an outage a store is refilled slowly at first: what is owed or repaired takes turns, few
//! in the first second that the store answers again, twice as many in each that follows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use littoral_clock::Clock;
use littoral_rules::{self as rules, Rule};
use littoral_types::{Mono, STORES, StoreId};

/// How fast a node writes to a store what others wrote before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefillLimits {
    /// Debts and repairs to one store in the first second after it failed; at least 1.
    pub refill_per_second_first: u64,
    /// The same at most, at any time.
    pub refill_per_second_max: u64,
    /// Of these, how many are under way at once; at least 1.
    pub refills_at_once_max: usize,
}

impl Default for RefillLimits {
    fn default() -> Self {
        Self { refill_per_second_first: 64, refill_per_second_max: 8_192, refills_at_once_max: 32 }
    }
}

/// One node's turns. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Refill {
    clock: Clock,
    limits: RefillLimits,
    stores: Arc<[Mutex<Pace>; STORES]>,
}

#[derive(Debug)]
struct Pace {
    ramp: Ramp,
    /// When the next turn is.
    next: Mono,
}

#[derive(Clone, Copy, Debug)]
enum Ramp {
    Full,
    /// It did not answer.
    Failed,
    /// It has answered again since then.
    Rising(Mono),
}

impl Refill {
    pub(crate) fn new(clock: Clock, limits: RefillLimits) -> Self {
        let pace = || Mutex::new(Pace { ramp: Ramp::Full, next: Mono::LONG_AGO });
        Self { clock, limits, stores: Arc::new([pace(), pace()]) }
    }

    pub(crate) fn limits(&self) -> RefillLimits {
        self.limits
    }

    fn pace(&self, store: StoreId) -> MutexGuard<'_, Pace> {
        self.stores[store.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next turn at a store.
    pub(crate) async fn turn(&self, store: StoreId) {
        if !rules::holds(Rule::RefillRamps) {
            return;
        }
        let wait = {
            let now = self.clock.mono();
            let mut pace = self.pace(store);
            let turn = pace.next.max(now);
            pace.next = turn.plus(Duration::from_secs(1) / self.rate(&mut pace.ramp, turn));
            turn.since(now)
        };
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
    }

    fn rate(&self, ramp: &mut Ramp, at: Mono) -> u32 {
        let (first, max) = (self.limits.refill_per_second_first, self.limits.refill_per_second_max);
        let rate = match ramp {
            Ramp::Full => max,
            Ramp::Failed => first,
            Ramp::Rising(since) => {
                let doublings = at.since(*since).as_secs().min(32) as u32;
                first.saturating_mul(1 << doublings)
            }
        };
        if rate >= max {
            *ramp = Ramp::Full;
        }
        u32::try_from(rate.min(max)).unwrap_or(u32::MAX).max(1)
    }

    /// The store answered.
    pub(crate) fn answered(&self, store: StoreId) {
        let mut pace = self.pace(store);
        if let Ramp::Failed = pace.ramp {
            pace.ramp = Ramp::Rising(self.clock.mono());
        }
    }

    /// The store did not answer.
    pub(crate) fn failed(&self, store: StoreId) {
        self.pace(store).ramp = Ramp::Failed;
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::Wall;

    use super::*;

    /// Turns taken in each of these seconds.
    async fn turns(clock: &Clock, refill: &Refill, seconds: usize) -> Vec<u64> {
        let mut counts = vec![0; seconds];
        let began = clock.mono();
        loop {
            refill.turn(StoreId(0)).await;
            refill.answered(StoreId(0));
            match counts.get_mut(clock.mono().since(began).as_secs() as usize) {
                Some(count) => *count += 1,
                None => return counts,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_failed_gets_twice_as_much_each_second_up_to_the_limit() {
        let clock = Clock::simulated(Wall(1_000), 0);
        let limits = RefillLimits {
            refill_per_second_first: 4,
            refill_per_second_max: 20,
            refills_at_once_max: 1,
        };
        let refill = Refill::new(clock.clone(), limits);
        assert_eq!(turns(&clock, &refill, 2).await, [20, 20], "it has not failed");
        refill.failed(StoreId(0));
        let rising = turns(&clock, &refill, 5).await;
        assert!(rising[0] <= 5 && rising[1] <= 9 && rising[2] <= 17, "{rising:?}");
        assert!(rising[0] >= 3 && rising[1] >= 7 && rising[2] >= 15, "{rising:?}");
        assert!(rising[3] >= 19 && rising[4] == 20, "{rising:?}");
        refill.failed(StoreId(1));
        assert!(turns(&clock, &refill, 1).await[0] >= 19, "the other did");
    }
}
