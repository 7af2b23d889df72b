//! Whether a write is applied, given the row that stands.

use littoral_rules::{self as rules, Rule};
use littoral_types::{Version, Wall};

use crate::{Condition, Row, Write};

/// What of a standing row decides.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub version: Version,
    /// Not a tombstone.
    pub live: bool,
    pub expires_at: Option<Wall>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Apply,
    /// The row that stands is this write.
    Already,
    Newer(Version),
    Mismatch(Option<Version>),
    /// A newer tombstone, up to this mark, may have been collected.
    Collected(Version),
}

/// What decides of a write, without its row.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub version: Version,
    pub condition: Condition,
    pub now: Wall,
}

impl Claim {
    pub fn of(write: &Write) -> Self {
        Self { version: write.row.version, condition: write.condition, now: write.now }
    }
}

impl Standing {
    pub fn of(row: &Row) -> Self {
        Self { version: row.version, live: !row.body.is_absent(), expires_at: row.expires_at }
    }

    fn live_at(&self, now: Wall) -> bool {
        self.live && self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether collecting `version` takes this row: nobody can read it any more.
    pub fn collects(&self, version: Version, now: Wall) -> bool {
        self.version == version && !self.live_at(now)
    }
}

/// `mark`: up to here a tombstone may have been collected.
///
/// The condition speaks before the version: a write stamped too early may be stamped again, one
/// whose condition fails may not.
pub fn decide(standing: Option<Standing>, claim: Claim, mark: Version) -> Verdict {
    if standing.is_some_and(|row| row.version == claim.version) {
        return Verdict::Already;
    }
    let live = standing.filter(|row| row.live_at(claim.now)).map(|row| row.version);
    let holds = match claim.condition {
        Condition::Newer | Condition::Revive => true,
        Condition::Version(wanted) => live == Some(wanted),
        Condition::Absent => live.is_none(),
        Condition::Present => live.is_some(),
    };
    match standing {
        _ if !holds => Verdict::Mismatch(live),
        Some(row) if row.version > claim.version && rules::holds(Rule::NewestWins) => {
            Verdict::Newer(row.version)
        }
        None if claim.version <= mark
            && claim.condition != Condition::Revive
            && rules::holds(Rule::MarkRefuses) =>
        {
            Verdict::Collected(mark)
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
            assert_eq!(decide(standing, claim, at(0)), verdict, "{standing:?} {claim:?}");
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
        for (version, condition, verdict) in [
            (6, Newer, Verdict::Collected(at(6))),
            (6, Absent, Verdict::Collected(at(6))),
            (6, Present, Mismatch(None)),
            (6, Condition::Revive, Apply),
            (7, Newer, Apply),
        ] {
            let claim = Claim { version: at(version), condition, now: Wall(100) };
            assert_eq!(decide(None, claim, at(6)), verdict, "{claim:?}");
            assert_eq!(
                decide(deleted, claim, at(6)),
                decide(deleted, claim, at(0)),
                "a row decides"
            );
        }
        let future = Some(Standing { version: at(5), live: true, expires_at: Some(Wall(101)) });
        check(future, 6, Present, Apply);
    }
}
