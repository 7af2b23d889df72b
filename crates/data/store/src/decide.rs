//! Whether a write is applied, given the row that stands.

use littoral_rules::{self as rules, Rule};
use littoral_types::{Version, Wall};

use crate::{Condition, Row, Write};

/// What of a standing row decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) version: Version,
    /// Not a tombstone.
    pub(crate) live: bool,
    pub(crate) expires_at: Option<Wall>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Apply,
    /// The row that stands is this write.
    Already,
    Newer(Version),
    Mismatch(Option<Version>),
}

/// What decides of a write, without its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) version: Version,
    pub(crate) condition: Condition,
    pub(crate) now: Wall,
}

impl Claim {
    pub(crate) fn of(write: &Write) -> Self {
        Self { version: write.row.version, condition: write.condition, now: write.now }
    }
}

impl Standing {
    pub(crate) fn of(row: &Row) -> Self {
        Self { version: row.version, live: !row.body.is_absent(), expires_at: row.expires_at }
    }

    fn live_at(&self, now: Wall) -> bool {
        self.live && self.expires_at.is_none_or(|at| now < at)
    }
}

/// The condition speaks before the version: a write stamped too early may be stamped again, one
/// whose condition fails may not.
pub(crate) fn decide(standing: Option<Standing>, claim: Claim) -> Verdict {
    if standing.is_some_and(|row| row.version == claim.version) {
        return Verdict::Already;
    }
    let live = standing.filter(|row| row.live_at(claim.now)).map(|row| row.version);
    let holds = match claim.condition {
        Condition::Newer => true,
        Condition::Version(wanted) => live == Some(wanted),
        Condition::Absent => live.is_none(),
        Condition::Present => live.is_some(),
    };
    match standing {
        _ if !holds => Verdict::Mismatch(live),
        Some(row) if row.version > claim.version && rules::holds(Rule::NewestWins) => {
            Verdict::Newer(row.version)
        }
        _ => Verdict::Apply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Version {
        Version::new(Wall(ms), 0, 1)
    }

    #[test]
    fn each_condition_is_decided_against_the_live_row() {
        let live = Some(Standing { version: at(5), live: true, expires_at: None });
        let deleted = Some(Standing { version: at(5), live: false, expires_at: None });
        let expired = Some(Standing { version: at(5), live: true, expires_at: Some(Wall(100)) });
        let check = |standing, version, condition, verdict| {
            let claim = Claim { version: at(version), condition, now: Wall(100) };
            assert_eq!(decide(standing, claim), verdict, "{standing:?} {claim:?}");
        };
        use Condition::{Absent, Newer, Present};
        use Verdict::{Already, Apply, Mismatch};

        for nothing in [None, deleted, expired] {
            check(nothing, 6, Newer, Apply);
            check(nothing, 6, Absent, Apply);
            check(nothing, 6, Present, Mismatch(None));
            check(nothing, 6, Condition::Version(at(5)), Mismatch(None));
        }
        check(live, 6, Newer, Apply);
        check(live, 6, Present, Apply);
        check(live, 6, Condition::Version(at(5)), Apply);
        check(live, 6, Absent, Mismatch(Some(at(5))));
        check(live, 6, Condition::Version(at(4)), Mismatch(Some(at(5))));

        for (standing, condition) in [(live, Newer), (live, Present), (deleted, Absent)] {
            check(standing, 4, condition, Verdict::Newer(at(5)));
        }
        check(live, 4, Absent, Mismatch(Some(at(5))));
        for standing in [live, deleted, expired] {
            check(standing, 5, Newer, Already);
            check(standing, 5, Absent, Already);
        }
        let future = Some(Standing { version: at(5), live: true, expires_at: Some(Wall(101)) });
        check(future, 6, Present, Apply);
    }
}
