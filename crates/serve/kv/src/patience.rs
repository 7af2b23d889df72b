//! How long the race's second answer is awaited, when the first does not do.
//!
//! A store is late once twice the time has passed in which hardly any of its answers is still under
//! way: smoothed time plus four mean deviations, TCP's retransmission timeout (RFC 6298). That
//! is measured on what the store answers here, its own work included, so that a store that has
//! much to do is awaited longer; before its first answer, on the round trip to it; and before that
//! nothing is known, and it is awaited as long as ever.

use std::time::Duration;

use littoral_peer::Trip;

/// Of the time after which an answer is late. One that comes just too late costs a reader more than
/// a short wait: the other store may have what the first had not.
const LATE_TIMES: u32 = 2;
/// Not less: processors and disks have pauses that no mean shows.
const WAIT_MIN: Duration = Duration::from_millis(250);
/// Not more.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(1);

/// `answers`: what the store's answers took; `way`: the round trip to it.
pub(crate) fn second_wait(answers: Option<Trip>, way: Option<Trip>) -> Duration {
    let known = answers.or(way);
    known.map_or(WAIT_MAX, |known| (known.late() * LATE_TIMES).clamp(WAIT_MIN, WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn trip(mean: u64, deviation: u64) -> Option<Trip> {
        let (mean, deviation) = (Duration::from_millis(mean), Duration::from_millis(deviation));
        Some(Trip { mean, deviation })
    }

    #[test]
    fn it_follows_what_was_measured_between_its_bounds() {
        let ms = |answers, way| second_wait(answers, way).as_millis();
        assert_eq!(ms(None, None), 1_000, "nothing is known");
        assert_eq!(ms(None, trip(80, 20)), 320, "twice eighty and four times twenty");
        assert_eq!(ms(trip(150, 10), trip(80, 20)), 380, "what it answers says more than the way");
        assert_eq!(ms(trip(2, 1), trip(80, 20)), 250, "not less");
        assert_eq!(ms(trip(300, 100), None), 1_000, "not more");
    }
}
