//! One node's view of who answers, from its real traffic.
//!
//! Health only says whom to skip for a while; it never changes who a key belongs to.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use littoral_types::{LocationId, Mono};

/// When a location counts as sick.
#[derive(Clone, Copy, Debug)]
pub struct HealthLimits {
    /// Failures in a row.
    pub failures: u32,
    /// How long it is skipped before one question tries it again.
    pub rest: Duration,
}

impl Default for HealthLimits {
    fn default() -> Self {
        Self { failures: 3, rest: Duration::from_secs(5) }
    }
}

/// One node's notes on the others.
#[derive(Debug)]
pub struct Health {
    limits: HealthLimits,
    notes: Vec<Note>,
}

#[derive(Debug, Default)]
struct Note {
    failures: AtomicU32,
    /// [`Mono`] until which it is skipped; 0 when well.
    sick_until: AtomicU64,
}

/// Locations that may join while a node runs and are noted too; further ones count as well.
const JOINING_MAX: usize = 256;

impl Health {
    /// `locations`: how many there are at the start.
    pub fn new(locations: usize, limits: HealthLimits) -> Self {
        let notes = (0..locations + JOINING_MAX).map(|_| Note::default()).collect();
        Self { limits, notes }
    }

    /// Whether a question may go there. After its rest a sick location gets one question, and is
    /// skipped again until that is answered.
    pub fn well(&self, location: LocationId, now: Mono) -> bool {
        let Some(Note { sick_until: until, .. }) = self.notes.get(location.index()) else {
            return true;
        };
        let seen = until.load(Ordering::Relaxed);
        if seen == 0 {
            return true;
        }
        let again = now.plus(self.limits.rest).0;
        now.0 >= seen
            && until.compare_exchange(seen, again, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub fn answered(&self, location: LocationId) {
        let Some(note) = self.notes.get(location.index()) else { return };
        if note.failures.load(Ordering::Relaxed) != 0 {
            note.failures.store(0, Ordering::Relaxed);
            note.sick_until.store(0, Ordering::Relaxed);
        }
    }

    pub fn failed(&self, location: LocationId, now: Mono) {
        let Some(note) = self.notes.get(location.index()) else { return };
        let failures = note.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= self.limits.failures {
            note.sick_until.store(now.plus(self.limits.rest).0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sick_location_is_skipped_then_tried_with_one_question() {
        let health = Health::new(1, HealthLimits { failures: 2, rest: Duration::from_secs(5) });
        let (place, now) = (LocationId(0), Mono(1_000));
        health.failed(place, now);
        assert!(health.well(place, now));
        health.failed(place, now);
        assert!(!health.well(place, now));
        let later = now.plus(Duration::from_secs(6));
        assert!(health.well(place, later));
        assert!(!health.well(place, later), "only one question tries it");
        health.answered(place);
        assert!(health.well(place, later));
    }
}
