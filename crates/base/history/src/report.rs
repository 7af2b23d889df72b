//! What the judge found.

use crate::facts::Facts;
use crate::promise::Promise;

/// How many violations of each promise a report keeps.
pub const PROOFS_MAX: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub operations: usize,
    pub keys: usize,
    pub locations: usize,
    /// By promise, then by line; of each promise the first [`PROOFS_MAX`] that were found.
    pub violations: Vec<Violation>,
    counts: [usize; Promise::ALL.len()],
}

/// A promise that was broken, and what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub promise: Promise,
    pub key: String,
    /// The operations that prove it, by line, from the earliest to the latest in the file.
    pub lines: Vec<usize>,
    /// How they prove it.
    pub what: String,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// How often a promise was broken.
    pub fn count(&self, promise: Promise) -> usize {
        self.counts[promise as usize]
    }
}

/// A report as it is being written.
pub(crate) struct Findings<'a> {
    facts: &'a Facts<'a>,
    kept: Vec<Violation>,
    counts: [usize; Promise::ALL.len()],
}

impl<'a> Findings<'a> {
    pub(crate) fn new(facts: &'a Facts<'a>) -> Self {
        Self { facts, kept: Vec::new(), counts: [0; Promise::ALL.len()] }
    }

    /// Notes that `rows` prove a promise broken. `what` is only asked if it is kept.
    pub(crate) fn add(&mut self, promise: Promise, rows: &[u32], what: impl FnOnce() -> String) {
        let count = &mut self.counts[promise as usize];
        *count += 1;
        if *count > PROOFS_MAX {
            return;
        }
        let mut lines: Vec<_> = rows.iter().map(|row| self.facts.line(*row)).collect();
        lines.sort_unstable();
        lines.dedup();
        let key = rows.last().map_or("", |row| self.facts.key(*row)).to_owned();
        self.kept.push(Violation { promise, key, lines, what: what() });
    }

    pub(crate) fn into_report(mut self) -> Report {
        self.kept.sort_by(|a, b| (a.promise, &a.lines).cmp(&(b.promise, &b.lines)));
        let history = self.facts.history;
        Report {
            operations: history.operations(),
            keys: history.keys.len(),
            locations: history.locations.len(),
            violations: self.kept,
            counts: self.counts,
        }
    }
}
