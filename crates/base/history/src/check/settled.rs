//! Once its writes have settled, a key shows the newest of them, and the same everywhere.

use crate::promise::Promise;
use crate::rank::Rank;
use crate::report::Findings;
use crate::story::{Deletes, Read, Shown};

use super::{Case, nanoseconds};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let (story, facts) = (case.story, case.facts);
    let Some(after) = case.bounds.settled_after else { return };
    let Some(end) = story.writes.iter().map(|write| write.end).max() else { return };
    let settled = end.saturating_add(nanoseconds(after));
    let mut deletes = Deletes::default();
    story.writes.iter().for_each(|write| deletes.add(write));
    let acknowledged = story.writes.iter().filter(|write| write.acknowledged);
    let newest = acknowledged.max_by_key(|write| (write.low, write.row));
    let mut agreed: Option<&Read> = None;
    for read in story.reads.iter().filter(|read| read.start > settled) {
        if let Some(write) = newest.filter(|write| deletes.newest(read.shown) < write.low) {
            findings.add(Promise::LostWrite, &[write.row, read.row], || {
                format!(
                    "{} shows {}, though {} with {} is the newest acknowledged and all have settled",
                    facts.name(read.row),
                    shown(case, read),
                    facts.name(write.row),
                    facts.version(write.low),
                )
            });
            continue;
        }
        let first = *agreed.get_or_insert(read);
        if value(first) != value(read) {
            findings.add(Promise::Convergence, &[first.row, read.row], || {
                format!(
                    "{} shows {} and {} shows {}, though all writes have settled",
                    facts.name(first.row),
                    shown(case, first),
                    facts.name(read.row),
                    shown(case, read),
                )
            });
        }
    }
}

/// What two reads have in common that saw the same.
fn value(read: &Read) -> Option<Rank> {
    match read.shown {
        Shown::Value(version) => Some(version),
        Shown::Absent(_) => None,
    }
}

fn shown(case: &Case<'_>, read: &Read) -> String {
    value(read).map_or("nothing".into(), |version| case.facts.version(version))
}
