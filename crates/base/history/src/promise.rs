//! What is promised, by name, and within which bounds.

use std::fmt;
use std::time::Duration;

/// What a history is judged against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    NoInventedVersion,
    Minimum,
    MonotonicReads,
    ReadYourWrites,
    RealTimeOrder,
    UniqueVersions,
    CompareAndSet,
    Staleness,
    LostWrite,
    Convergence,
}

/// What the promises about time are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How far clocks of two writers may be apart.
    pub max_skew: Duration,
    /// How long after a write is acknowledged something older may still be shown; `None`: for ever,
    /// and [`Promise::Staleness`] is not judged.
    pub stale_after: Option<Duration>,
    /// How long after the last write of a key ended all locations show the same; `None`: never, and
    /// [`Promise::LostWrite`] and [`Promise::Convergence`] are not judged.
    pub settled_after: Option<Duration>,
    /// Whether plain writes, too, are decided one after the other with the conditional ones of their
    /// key, as in a namespace with `compare = true`. Otherwise a plain write that was under way
    /// together with a conditional one may have come before or after it.
    pub compare: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_skew: Duration::from_secs(1),
            stale_after: None,
            settled_after: None,
            compare: false,
        }
    }
}

impl Promise {
    pub const ALL: [Self; 10] = [
        Self::NoInventedVersion,
        Self::Minimum,
        Self::MonotonicReads,
        Self::ReadYourWrites,
        Self::RealTimeOrder,
        Self::UniqueVersions,
        Self::CompareAndSet,
        Self::Staleness,
        Self::LostWrite,
        Self::Convergence,
    ];

    /// Its name, which does not change.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoInventedVersion => "no-invented-version",
            Self::Minimum => "minimum",
            Self::MonotonicReads => "monotonic-reads",
            Self::ReadYourWrites => "read-your-writes",
            Self::RealTimeOrder => "real-time-order",
            Self::UniqueVersions => "unique-versions",
            Self::CompareAndSet => "compare-and-set",
            Self::Staleness => "staleness",
            Self::LostWrite => "lost-write",
            Self::Convergence => "convergence",
        }
    }

    /// What is promised.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoInventedVersion => {
                "a value that is read has the version of a write of its key that had begun and was \
                 not refused; what is absent, that of such a delete"
            }
            Self::Minimum => "a reader who shows a version gets that or a newer one, or an error",
            Self::MonotonicReads => "reads of one key at one location never go back",
            Self::ReadYourWrites => {
                "a write acknowledged at a location is seen by all later reads there"
            }
            Self::RealTimeOrder => {
                "of two acknowledged writes of a key, the one that began after the other had ended, \
                 by more than clocks may be apart, is newer"
            }
            Self::UniqueVersions => "no two writes share a version",
            Self::CompareAndSet => {
                "between the version that a conditional write expected and its own there is no \
                 acknowledged write"
            }
            Self::Staleness => {
                "what was overwritten longer ago than the bound is not shown any more"
            }
            Self::LostWrite => {
                "once writes have settled, every read shows the newest acknowledged one, or a newer \
                 one whose outcome nobody knew"
            }
            Self::Convergence => "once writes have settled, all locations show the same",
        }
    }

    /// Whether such bounds let it be judged.
    pub fn is_judged_within(self, bounds: &Bounds) -> bool {
        match self {
            Self::Staleness => bounds.stale_after.is_some(),
            Self::LostWrite | Self::Convergence => bounds.settled_after.is_some(),
            _ => true,
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
