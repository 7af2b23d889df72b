//! What differs at the edge: it is owed no purges by writes, so time decides.

use littoral_rules::{self as rules, Rule};
use std::time::Duration;

use littoral_types::{Mono, Version, Wall};

use crate::{Entry, Policy};

/// What an edge does with what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Serve.
    Fresh,
    /// Serve, and ask upward in the background.
    Refresh,
    /// Ask upward and wait.
    Beyond,
}

/// Age under half the refresh period: serve. Older, within `cache_ttl`: serve and refresh. Beyond:
/// ask. A reader that asks for less than the refresh period is served by that.
pub(crate) fn judge(entry: &Entry, policy: &Policy, now: Mono, wall: Wall) -> Verdict {
    let keep = policy.keep(entry.absent(wall));
    let age = entry.age(now);
    if age >= keep && rules::holds(Rule::EdgeAsksInTime) {
        Verdict::Beyond
    } else if age < policy.refresh.min(keep) / 2 {
        Verdict::Fresh
    } else {
        Verdict::Refresh
    }
}

/// Whether an entry meets the version a client showed.
pub(crate) fn meets(entry: &Entry, minimum: Option<Version>) -> bool {
    minimum.is_none_or(|minimum| entry.version >= minimum) || !rules::holds(Rule::ClientMinimum)
}

/// Whole seconds for which `entry` is still served without waiting; negative past that.
pub(crate) fn ttl(entry: &Entry, age: Duration, policy: &Policy, wall: Wall) -> i64 {
    let keep = policy.keep(entry.absent(wall)).as_secs();
    let age = age.as_secs().min(i64::MAX as u64 / 2);
    keep as i64 - age as i64
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use littoral_types::{Body, Positions};

    use super::*;

    fn entry(body: Body) -> Entry {
        Entry {
            version: Version::ZERO,
            body,
            meta: Bytes::new(),
            tags: None,
            expires_at: Some(Wall(50_000)),
            vouched_at: Mono(1),
            copied_at: Mono(1),
            positions: Positions::NONE,
            confirmed: false,
            stale_since: None,
        }
    }

    fn verdict(entry: &Entry, cache_ttl: u64, age: u64) -> Verdict {
        let policy = Policy { cache_ttl: Duration::from_secs(cache_ttl), ..Policy::default() };
        judge(entry, &policy, Mono(1).plus(Duration::from_secs(age)), Wall(0))
    }

    #[test]
    fn half_the_refresh_period_then_cache_ttl() {
        let entry = entry(Body::Bytes(Bytes::new()));
        assert_eq!(verdict(&entry, 60, 29), Verdict::Fresh);
        assert_eq!(verdict(&entry, 60, 30), Verdict::Refresh);
        assert_eq!(verdict(&entry, 60, 60), Verdict::Beyond);
        assert_eq!(verdict(&entry, 3_600, 3_599), Verdict::Refresh);
    }

    #[test]
    fn a_reader_that_asks_for_less_than_the_refresh_period_gets_that() {
        let entry = entry(Body::Bytes(Bytes::new()));
        assert_eq!(verdict(&entry, 30, 14), Verdict::Fresh);
        assert_eq!(verdict(&entry, 30, 15), Verdict::Refresh);
        assert_eq!(verdict(&entry, 30, 30), Verdict::Beyond);
        assert_eq!(verdict(&entry, 0, 0), Verdict::Beyond);
    }

    #[test]
    fn absence_is_kept_for_its_own_shorter_time_and_expiry_is_absence() {
        assert_eq!(verdict(&entry(Body::Absent), 60, 10), Verdict::Beyond);
        let expired = entry(Body::Bytes(Bytes::new()));
        let at = Mono(1).plus(Duration::from_secs(11));
        assert_eq!(judge(&expired, &Policy::default(), at, Wall(50_000)), Verdict::Beyond);
        assert_eq!(judge(&expired, &Policy::default(), at, Wall(49_999)), Verdict::Fresh);
    }

    #[test]
    fn an_unknown_age_is_beyond_everything() {
        let mut entry = entry(Body::Bytes(Bytes::new()));
        entry.vouched_at = Mono::LONG_AGO;
        assert_eq!(verdict(&entry, 3_600, 0), Verdict::Beyond);
    }
}
