//! What is shown was given to a write: by a read, and by a condition that was met.

use std::collections::HashSet;

use crate::promise::Promise;
use crate::rank::Rank;
use crate::report::Findings;
use crate::story::{Condition, Kind, Shown};

use super::Case;

/// Somebody says that a version of this key is there.
#[derive(Clone, Copy)]
struct Claim {
    promise: Promise,
    version: Rank,
    /// What must have been given the version; `None`: either.
    kind: Option<Kind>,
    row: u32,
    end: u64,
}

/// A version that was given.
#[derive(Clone, Copy)]
struct Given {
    version: Rank,
    start: u64,
    kind: Kind,
    row: u32,
}

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let given = given(case);
    let mut refused = case.story.refused.clone();
    refused.sort_unstable();
    let mut unheard = Vec::new();
    for claim in claims(case) {
        let from = given.partition_point(|given| given.version < claim.version);
        let same = given[from..].iter().take_while(|given| given.version == claim.version);
        match judge(claim, same) {
            Verdict::Kept => {}
            Verdict::TooEarly(write) => findings.add(claim.promise, &[write, claim.row], || {
                let (one, other) = (case.facts.name(claim.row), case.facts.name(write));
                format!("{} had ended before {other} began", of(case, one, claim.version))
            }),
            Verdict::OtherKind(write) => findings.add(claim.promise, &[write, claim.row], || {
                let (one, other) = (case.facts.name(claim.row), case.facts.name(write));
                let not = if claim.kind == Some(Kind::Put) { "a value" } else { "a delete" };
                format!("{}, which {other} was given, and that is not {not}", {
                    of(case, one, claim.version)
                })
            }),
            Verdict::NeverGiven => {
                let at = refused.partition_point(|(version, _)| *version < claim.version);
                match refused.get(at).filter(|(version, _)| *version == claim.version) {
                    Some((_, write)) => findings.add(claim.promise, &[*write, claim.row], || {
                        let (one, other) = (case.facts.name(claim.row), case.facts.name(*write));
                        format!("{}, and {other} was refused", of(case, one, claim.version))
                    }),
                    None => unheard.push(claim),
                }
            }
        }
    }
    explain(case, unheard, findings);
}

fn of(case: &Case<'_>, name: String, version: Rank) -> String {
    format!("{name} relies on {}", case.facts.version(version))
}

enum Verdict {
    Kept,
    TooEarly(u32),
    OtherKind(u32),
    NeverGiven,
}

fn judge<'a>(claim: Claim, same: impl Iterator<Item = &'a Given>) -> Verdict {
    let mut verdict = Verdict::NeverGiven;
    for given in same {
        if claim.kind.is_some_and(|kind| kind != given.kind) {
            verdict = Verdict::OtherKind(given.row);
        } else if given.start <= claim.end {
            return Verdict::Kept;
        } else {
            verdict = Verdict::TooEarly(given.row);
        }
    }
    verdict
}

fn given(case: &Case<'_>) -> Vec<Given> {
    let writes = case.story.writes.iter().filter_map(|write| {
        let version = write.version()?;
        Some(Given { version, start: write.start, kind: write.kind, row: write.row })
    });
    let mut given: Vec<_> = writes.collect();
    given.sort_unstable_by_key(|given| (given.version, given.start, given.row));
    given
}

fn claims(case: &Case<'_>) -> Vec<Claim> {
    let read = |row: u32, end: u64, version, kind| {
        let kind = Some(kind);
        Claim { promise: Promise::NoInventedVersion, version, kind, row, end }
    };
    let reads = case.story.reads.iter().filter_map(|one| match one.shown {
        Shown::Value(version) => Some(read(one.row, one.end, version, Kind::Put)),
        Shown::Absent(Rank::NONE) => None,
        Shown::Absent(version) => Some(read(one.row, one.end, version, Kind::Delete)),
    });
    let conditions = case.story.writes.iter().filter(|write| write.acknowledged);
    let conditions = conditions.filter_map(|write| match write.condition {
        Some(Condition::Version(version)) => Some(Claim {
            promise: Promise::CompareAndSet,
            version,
            kind: None,
            row: write.row,
            end: write.end,
        }),
        _ => None,
    });
    reads.chain(conditions).collect()
}

/// Versions that nobody named may be those of writes without one; each of these has but one.
fn explain(case: &Case<'_>, mut unheard: Vec<Claim>, findings: &mut Findings<'_>) {
    unheard.sort_unstable_by_key(|claim| (claim.end, claim.row));
    let open = case.story.writes.iter();
    let open = open.filter(|write| write.kind == Kind::Put && write.version().is_none());
    let starts: Vec<_> = open.map(|write| write.start).collect();
    let mut explained = HashSet::new();
    let mut used = 0;
    for claim in unheard {
        let is_delete =
            claim.kind != Some(Kind::Put) && case.facts.is_delete(claim.version, claim.end);
        if is_delete || explained.contains(&claim.version) {
            continue;
        }
        let may_be_put = claim.kind != Some(Kind::Delete);
        let begun = starts.partition_point(|start| *start <= claim.end);
        if may_be_put && begun > used {
            used += 1;
        } else {
            findings.add(claim.promise, &[claim.row], || {
                let name = case.facts.name(claim.row);
                format!("{}, which no write was given", of(case, name, claim.version))
            });
        }
        explained.insert(claim.version);
    }
}
