//! Faults that a carrier injects, by a seed: delays, losses, duplicates, reordering, cuts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use littoral_clock::Chance;
use littoral_types::LocationId;

/// How often what goes wrong. All zero: nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// A request, an answer or a trailer is lost.
    pub lost: f64,
    /// A request is delivered twice.
    pub twice: f64,
    /// A message waits up to `wait_max` longer, so that later ones overtake it.
    pub late: f64,
    /// An answer to a question about a key, and nothing else, waits so: a purge overtakes it.
    pub answers_late: f64,
    pub wait_max: Duration,
}

/// The faults of one network. Changed while it runs.
#[derive(Debug)]
pub struct Faults(Mutex<State>);

#[derive(Debug)]
struct State {
    chance: Chance,
    rates: Rates,
    /// One-sided: nothing goes from the first to the second.
    cuts: Vec<(LocationId, LocationId)>,
}

/// What happens to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered {
        wait: Duration,
        twice: bool,
    },
    Lost,
    /// No way there: the sender learns of it at once.
    Cut,
}

impl Faults {
    pub fn none() -> Self {
        Self::seeded(0, Rates::default())
    }

    pub fn seeded(seed: u64, rates: Rates) -> Self {
        Self(Mutex::new(State { chance: Chance::seeded(seed), rates, cuts: Vec::new() }))
    }

    pub fn set_rates(&self, rates: Rates) {
        self.with(|state| state.rates = rates);
    }

    /// Nothing goes from `from` to `to` any more; the other way is as before.
    pub fn cut(&self, from: LocationId, to: LocationId) {
        self.with(|state| state.cuts.push((from, to)));
    }

    pub fn heal(&self) {
        self.with(|state| state.cuts.clear());
    }

    pub(crate) fn fate(&self, from: LocationId, to: LocationId) -> Fate {
        self.with(|State { chance, rates, cuts }| {
            if cuts.contains(&(from, to)) {
                return Fate::Cut;
            }
            if *rates == Rates::default() {
                return Fate::Delivered { wait: Duration::ZERO, twice: false };
            }
            if chance.happens(rates.lost) {
                return Fate::Lost;
            }
            let wait = if chance.happens(rates.late) {
                Duration::from_nanos(chance.below(rates.wait_max.as_nanos() as u64))
            } else {
                Duration::ZERO
            };
            Fate::Delivered { wait, twice: chance.happens(rates.twice) }
        })
    }

    /// How much longer an answer about a key waits.
    pub(crate) fn answer_waits(&self) -> Duration {
        self.with(|State { chance, rates, .. }| {
            if rates.answers_late > 0.0 && chance.happens(rates.answers_late) {
                Duration::from_nanos(chance.below(rates.wait_max.as_nanos() as u64))
            } else {
                Duration::ZERO
            }
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
