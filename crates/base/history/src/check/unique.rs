//! No two writes share a version, whatever their keys.

use crate::facts::Facts;
use crate::operation::{Op, Outcome};
use crate::promise::Promise;
use crate::report::Findings;

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings<'_>) {
    let mut given: Vec<(u32, u32)> = (0..)
        .zip(&facts.history.rows)
        .filter(|(_, row)| {
            let refused = row.outcome == Outcome::Refused
                || row.op == Op::Cas && row.outcome == Outcome::Absent;
            row.op != Op::Get && !refused && row.version != 0
        })
        .map(|(number, row)| (row.version, number))
        .collect();
    given.sort_unstable();
    for pair in given.windows(2) {
        let [(version, one), (again, other)] = *pair else { continue };
        if version == again {
            findings.add(Promise::UniqueVersions, &[one, other], || {
                let version = facts.version(facts.rank(version));
                format!("{} and {} were both given {version}", facts.name(one), facts.name(other))
            });
        }
    }
}
