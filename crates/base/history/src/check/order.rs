//! Acknowledged writes that did not overlap, by more than clocks may be apart, are in order.

use crate::promise::Promise;
use crate::rank::Rank;
use crate::report::Findings;

use super::{Case, nanoseconds};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let skew = nanoseconds(case.bounds.max_skew);
    // In the order in which they began.
    let writes: Vec<_> = case.story.writes.iter().collect();
    let writes = || writes.iter().filter_map(|write| Some((write.acknowledged_version()?, write)));
    let mut ended: Vec<_> = writes().collect();
    ended.sort_by_key(|(_, write)| write.end);
    let mut ended = ended.into_iter().peekable();
    let mut newest = (Rank::NONE, 0);
    for (version, write) in writes() {
        let before = |end: u64| end.saturating_add(skew) < write.start;
        while let Some((version, write)) = ended.next_if(|(_, write)| before(write.end)) {
            newest = newest.max((version, write.row));
        }
        if newest.0 > version {
            let (older, row) = (newest.0, newest.1);
            findings.add(Promise::RealTimeOrder, &[row, write.row], || {
                format!(
                    "{} had ended with {} long before {} began, which was given {}",
                    case.facts.name(row),
                    case.facts.version(older),
                    case.facts.name(write.row),
                    case.facts.version(version),
                )
            });
        }
    }
}
