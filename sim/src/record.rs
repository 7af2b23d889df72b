//! What clients did and saw, told to the judge of recorded histories.
//!
//! It knows nothing of the network: what the contract lets a node do once it has restarted, or once
//! its memory of a version is past its time, is taken out here.

use std::collections::HashSet;
use std::time::Duration;

use littoral_history::{
    Bounds, History, Op, Operation as Recorded, Outcome as Ended, Promise, check,
};
use littoral_types::Version;

use crate::history::{Kind, Operation, Outcome};
use crate::ledger::Inner;
use crate::world::World;

/// How long a node surely remembers a version.
const REMEMBERED_NS: u64 = 10_000_000_000;

/// What the judge of histories finds wrong.
pub(crate) fn judge(world: &World, inner: &Inner, skew: Duration) -> Vec<String> {
    let mut found = Vec::new();
    for (space, compare) in [(0, false), (1, true)] {
        let operations: Vec<_> = told(inner, space).chain(hidden(world, inner, space)).collect();
        let mut history = History::new();
        for operation in &operations {
            history.push(operation).expect("what the simulation records is whole");
        }
        let bounds = Bounds { max_skew: skew, compare, ..Bounds::default() };
        let report = check(&history, &bounds);
        let broken = report.violations.iter().filter(|violation| {
            let sessions = [Promise::MonotonicReads, Promise::ReadYourWrites];
            !sessions.contains(&violation.promise) || near(&operations, &violation.lines)
        });
        found.extend(broken.map(|violation| {
            let (promise, key, what) = (violation.promise, &violation.key, &violation.what);
            format!("history: {promise}: {key} in {space}: {what}")
        }));
    }
    found
}

/// Whether one came soon after the other.
fn near(operations: &[Recorded], lines: &[usize]) -> bool {
    let operations = lines.iter().map(|line| &operations[line - 1]);
    let last = operations.clone().map(|operation| operation.start_ns).max();
    let first = operations.map(|operation| operation.end_ns).min();
    last.zip(first).is_some_and(|(last, first)| last.saturating_sub(first) < REMEMBERED_NS)
}

/// Operations, each life of a node a location of its own. What was marked promises nothing.
fn told(inner: &Inner, space: usize) -> impl Iterator<Item = Recorded> + '_ {
    let here = move |operation: &&Operation| operation.space == space && !operation.marked;
    inner.operations.iter().filter(here).map(|operation| {
        let version = |version: Option<Version>| {
            version.filter(|version| !version.is_zero()).map(|version| version.to_string())
        };
        Recorded {
            process: operation.process.to_string(),
            location: format!("{}.{}", operation.location, operation.life),
            op: match operation.kind {
                Kind::Get => Op::Get,
                Kind::Put => Op::Put,
                Kind::Delete => Op::Delete,
                Kind::CompareAndSet => Op::Cas,
            },
            key: String::from_utf8_lossy(&operation.key).into_owned(),
            version: version(operation.version),
            min_version: version(operation.minimum),
            if_match: version(operation.replaces),
            start_ns: nanoseconds(operation.start),
            end_ns: nanoseconds(operation.end),
            outcome: match operation.outcome {
                Outcome::Ok => Ended::Ok,
                Outcome::Absent => Ended::Absent,
                Outcome::Refused => Ended::Refused,
                Outcome::Unknown => Ended::Unknown,
            },
        }
    })
}

/// Versions that came to a store and were acknowledged to nobody: of writes that were stamped again,
/// or whose writer never heard. Nobody could know them, and yet they may be read.
fn hidden<'a>(
    world: &World,
    inner: &'a Inner,
    space: usize,
) -> impl Iterator<Item = Recorded> + use<'a> {
    let id = world.namespaces[space].id;
    let of_space = inner.operations.iter().filter(|operation| operation.kind != Kind::Get);
    let named: HashSet<Version> = of_space.filter_map(|operation| operation.version).collect();
    let mut hidden = Vec::new();
    for ((_, key), writes) in inner.writes.iter().filter(|((of, _), _)| *of == id) {
        let unnamed = writes.iter().filter(|(version, _)| !named.contains(version));
        for (version, written) in unnamed {
            let Some(first) = written.at.iter().flatten().min() else { continue };
            hidden.push(Recorded {
                process: "nobody".into(),
                location: "nowhere".into(),
                op: if written.live { Op::Put } else { Op::Delete },
                key: String::from_utf8_lossy(key).into_owned(),
                version: Some(version.to_string()),
                min_version: None,
                if_match: None,
                start_ns: nanoseconds(*first),
                end_ns: nanoseconds(*first),
                outcome: Ended::Unknown,
            });
        }
    }
    hidden.into_iter()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
