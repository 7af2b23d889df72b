//! Between the version that a conditional write expected and its own there is no other write.

use crate::promise::Promise;
use crate::rank::Rank;
use crate::report::Findings;
use crate::story::{Condition, Kind, Write};

use super::Case;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let writes = &case.story.writes;
    if writes.iter().all(|write| write.condition.is_none()) {
        return;
    }
    let between = Between::of(case);
    let deletes = Deletes::of(writes);
    for write in writes {
        let Some(version) = write.acknowledged_version() else { continue };
        let base = match write.condition {
            None => continue,
            Some(Condition::Version(expected)) => expected,
            Some(Condition::NoValue) => deletes.newest_before(version, write.end),
        };
        let facts = case.facts;
        let expected = || match write.condition {
            Some(Condition::Version(expected)) => facts.version(expected),
            _ => "no value".into(),
        };
        if matches!(write.condition, Some(Condition::Version(_))) && version <= base {
            findings.add(Promise::CompareAndSet, &[write.row], || {
                let (name, version) = (facts.name(write.row), facts.version(version));
                format!(
                    "{name} expected {} and was given {version}, which is not newer",
                    expected()
                )
            });
        } else if let Some((other, row)) = between.first(base, version, write.start) {
            findings.add(Promise::CompareAndSet, &[row, write.row], || {
                format!(
                    "{} expected {} and was given {}, but {} lies between, with {}",
                    facts.name(write.row),
                    expected(),
                    facts.version(version),
                    facts.name(row),
                    facts.version(other),
                )
            });
        }
    }
}

/// Acknowledged writes by version, and over ranges of them the one that had ended first.
struct Between {
    writes: Vec<(Rank, u32)>,
    /// A tree whose leaves, the second half, are [`Leaf`]s of `writes`; each node holds the least of
    /// its two children.
    ends: Vec<Leaf>,
}

/// When a write had ended, nothing for one that counts whenever it did; and which it is.
type Leaf = (Option<u64>, usize);

const NO_LEAF: Leaf = (Some(u64::MAX), usize::MAX);

impl Between {
    fn of(case: &Case<'_>) -> Self {
        let known = case.story.writes.iter();
        let known = known.filter_map(|write| Some((write.acknowledged_version()?, write)));
        let mut known: Vec<(Rank, &Write)> = known.collect();
        known.sort_by_key(|(version, write)| (*version, write.row));
        let decided = |write: &Write| case.bounds.compare || write.condition.is_some();
        let mut ends = vec![NO_LEAF; known.len()];
        let leaf = |(index, (_, write)): (usize, &(Rank, &Write))| {
            ((!decided(write)).then_some(write.end), index)
        };
        ends.extend(known.iter().enumerate().map(leaf));
        for node in (1..known.len()).rev() {
            ends[node] = ends[2 * node].min(ends[2 * node + 1]);
        }
        Self { writes: known.iter().map(|(version, write)| (*version, write.row)).collect(), ends }
    }

    /// A write between two versions that was decided together with one that began at `start`, or
    /// before it.
    fn first(&self, above: Rank, below: Rank, start: u64) -> Option<(Rank, u32)> {
        let count = self.writes.len();
        let mut from = count + self.writes.partition_point(|(version, _)| *version <= above);
        let mut to = count + self.writes.partition_point(|(version, _)| *version < below);
        let mut least = NO_LEAF;
        while from < to {
            if from % 2 == 1 {
                least = least.min(self.ends[from]);
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                least = least.min(self.ends[to]);
            }
            (from, to) = (from / 2, to / 2);
        }
        let (end, index) = least;
        let counts = end.is_none_or(|end| end < start);
        counts.then(|| self.writes.get(index).copied()).flatten()
    }
}

/// Deletes, by which there can have been no value.
struct Deletes {
    known: Vec<Rank>,
    /// Of those without a known version, in the order in which they began: when, and the newest that
    /// any of them so far can be.
    open: Vec<(u64, Rank)>,
}

impl Deletes {
    fn of(writes: &[Write]) -> Self {
        let mut deletes = Self { known: Vec::new(), open: Vec::new() };
        let mut newest = Rank::NONE;
        for write in writes.iter().filter(|write| write.kind == Kind::Delete) {
            match write.version() {
                Some(version) => deletes.known.push(version),
                None => {
                    newest = newest.max(write.high);
                    deletes.open.push((write.start, newest));
                }
            }
        }
        deletes.known.sort_unstable();
        deletes
    }

    /// The newest version that a delete before `version` can have, if it had begun by `end`.
    fn newest_before(&self, version: Rank, end: u64) -> Rank {
        let known = self.known.partition_point(|known| *known < version);
        let known = known.checked_sub(1).map_or(Rank::NONE, |at| self.known[at]);
        let open = self.open.partition_point(|(start, _)| *start <= end);
        let open = open.checked_sub(1).map_or(Rank::NONE, |at| self.open[at].1);
        known.max(open)
    }
}
