//! Round trips, measured: how long one usually takes, and by how much it varies.
//!
//! Smoothed as TCP smooths its own (RFC 6298, after Jacobson and Karels, "Congestion Avoidance and
//! Control", 1988): a new measurement counts for an eighth of the mean, and its distance from the
//! mean for a quarter of the deviation.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is known of the way to a place and back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trip {
    /// The smoothed round trip.
    pub mean: Duration,
    /// Its smoothed mean deviation.
    pub deviation: Duration,
}

/// Takes measurements of one way.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Option<Trip>>);

/// Weight of what was known against a new measurement, of the mean and of the deviation.
const MEAN_SMOOTHING: u32 = 8;
const DEVIATION_SMOOTHING: u32 = 4;
/// Deviations that a round trip may take longer than its mean before it counts as late.
const DEVIATIONS: u32 = 4;
/// Longer ones count as this long.
pub(crate) const MEASURED_MAX: Duration = Duration::from_secs(60);

impl Trip {
    /// After how long hardly any is still under way: TCP's retransmission timeout, without its
    /// bounds.
    pub fn late(&self) -> Duration {
        self.mean + self.deviation * DEVIATIONS
    }
}

impl Meter {
    fn lock(&self) -> MutexGuard<'_, Option<Trip>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A round trip took so long. What is known since.
    pub fn took(&self, measured: Duration) -> Trip {
        let measured = measured.min(MEASURED_MAX);
        let mut known = self.lock();
        let trip = match *known {
            None => Trip { mean: measured, deviation: measured / 2 },
            Some(Trip { mean, deviation }) => Trip {
                deviation: mixed(deviation, mean.abs_diff(measured), DEVIATION_SMOOTHING),
                mean: mixed(mean, measured, MEAN_SMOOTHING),
            },
        };
        *known = Some(trip);
        trip
    }

    /// `None`: nothing was measured.
    pub fn trip(&self) -> Option<Trip> {
        *self.lock()
    }
}

fn mixed(old: Duration, new: Duration, smoothing: u32) -> Duration {
    (old * (smoothing - 1) + new) / smoothing
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_is_believed_by_half_and_more_make_it_sure() {
        let meter = Meter::default();
        assert_eq!(meter.trip(), None);
        assert_eq!(meter.took(ms(80)), Trip { mean: ms(80), deviation: ms(40) });
        assert_eq!(meter.took(ms(160)), Trip { mean: ms(90), deviation: ms(50) });
        for _ in 0..100 {
            meter.took(ms(80));
        }
        let trip = meter.trip().expect("measured");
        assert!(trip.late() < ms(81) && trip.mean >= ms(80), "{trip:?}");
    }

    proptest! {
        #[test]
        fn the_mean_lies_among_what_was_measured_and_late_is_never_sooner(all in vec(0_u64..120_000, 1..50)) {
            let meter = Meter::default();
            for measured in &all {
                meter.took(ms(*measured));
            }
            let trip = meter.trip().expect("measured");
            let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
            prop_assert!(trip.mean + ms(1) >= ms(*least).min(MEASURED_MAX) && trip.mean <= ms(*most));
            prop_assert!(trip.late() >= trip.mean);
        }
    }
}
