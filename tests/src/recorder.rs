//! Records what clients did and saw, in the words of `littoral history check`, and counts it.
//!
//! Beside the history lies a shorter one, of all writes and of the reads at the very end: what edges
//! showed while writes were still on their way says nothing about whether they arrive.

mod client;
mod counts;
mod load;
mod verdict;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::wait::Stopwatch;

pub use client::{Client, Habits};
pub use counts::{Counts, Kind, Seen};
pub use load::Load;
pub use verdict::Verdict;

/// What all clients of a run share.
#[derive(Debug)]
pub struct Recorder {
    file: PathBuf,
    settled: PathBuf,
    watch: Stopwatch,
    /// Gives each write its own value.
    numbers: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    out: BufWriter<File>,
    /// Writes, and reads of the end.
    settled: BufWriter<File>,
    /// Whether this is the end.
    ends: bool,
    operations: u64,
    phase: &'static str,
    counts: Counts,
    /// The newest version of each key that any client was told of.
    newest: HashMap<String, String>,
    /// What was written under each version.
    written: HashMap<String, u64>,
    /// Reads that showed another value than their version had.
    wrong: Vec<String>,
}

/// A node as the clients of it see it: while it was taken away, what they were told does not count.
#[derive(Debug, Default)]
pub struct Presence(AtomicU64);

impl Presence {
    pub fn take_away(&self) {
        self.0.fetch_or(1, Ordering::SeqCst);
    }

    pub fn bring_back(&self) {
        let odd = self.0.load(Ordering::SeqCst) | 1;
        self.0.store(odd + 1, Ordering::SeqCst);
    }

    /// Odd while it is away.
    fn mark(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One operation, ended.
#[derive(Debug)]
struct Operation<'a> {
    process: u64,
    location: &'a str,
    op: &'static str,
    key: &'a str,
    version: Option<&'a str>,
    min_version: Option<&'a str>,
    if_match: Option<&'a str>,
    start_ns: u64,
    end_ns: u64,
    outcome: &'static str,
}

impl Recorder {
    /// # Panics
    /// When the file can't be written.
    #[track_caller]
    pub fn new(file: &Path) -> Self {
        let settled = file.with_extension("settled.jsonl");
        let create =
            |file: &Path| BufWriter::new(File::create(file).expect("a file for the history"));
        let inner = Inner {
            out: create(file),
            settled: create(&settled),
            ends: false,
            operations: 0,
            phase: "",
            counts: Counts::default(),
            newest: HashMap::new(),
            written: HashMap::new(),
            wrong: Vec::new(),
        };
        Self {
            file: file.to_path_buf(),
            settled,
            watch: Stopwatch::start(),
            numbers: AtomicU64::new(0),
            inner: Mutex::new(inner),
        }
    }

    /// What ends from now on is counted under this name.
    pub fn phase(&self, name: &'static str) {
        self.inner().phase = name;
    }

    pub fn counts(&self) -> Counts {
        self.inner().counts.clone()
    }

    pub fn operations(&self) -> u64 {
        self.inner().operations
    }

    /// Reads that showed another value than their version has.
    pub fn wrong(&self) -> Vec<String> {
        self.inner().wrong.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The newest version of the key that anybody was told of.
    fn newest(&self, key: &str) -> Option<String> {
        self.inner().newest.get(key).cloned()
    }

    fn record(&self, operation: &Operation<'_>, number: Option<u64>, kind: Kind, seen: Seen) {
        let line = operation.line();
        let mut inner = self.inner();
        inner.operations += 1;
        inner.out.write_all(line.as_bytes()).expect("the history is written");
        if inner.ends || operation.op != "get" {
            inner.settled.write_all(line.as_bytes()).expect("the history is written");
        }
        let phase = inner.phase;
        let micros = (operation.end_ns - operation.start_ns) / 1_000;
        inner.counts.add(phase, kind, seen, micros);
        let Some(version) = operation.version else { return };
        if inner.newest.get(operation.key).is_none_or(|newest| **newest < *version) {
            inner.newest.insert(operation.key.to_owned(), version.to_owned());
        }
        let Some(number) = number else { return };
        if operation.op != "get" {
            inner.written.insert(version.to_owned(), number);
        } else if inner.written.get(version).is_some_and(|written| *written != number) {
            // A read that shows a version before its write was told is not checked.
            inner.wrong.push(line);
        }
    }
}

impl Recorder {
    /// Stamps of a write before its last: nobody promises that they are durable, but readers may have
    /// been shown them. In the history they are writes of which nobody knows how they ended.
    fn earlier<'a>(&self, operation: &Operation<'_>, versions: impl Iterator<Item = &'a str>) {
        for version in versions {
            let stamp = Operation { version: Some(version), outcome: "unknown", ..*operation };
            let line = stamp.line();
            let mut inner = self.inner();
            inner.out.write_all(line.as_bytes()).expect("the history is written");
            inner.settled.write_all(line.as_bytes()).expect("the history is written");
        }
    }
}

impl Operation<'_> {
    fn line(&self) -> String {
        let mut line = json!({
            "process": self.process, "location": self.location, "op": self.op, "key": self.key,
            "version": self.version, "start_ns": self.start_ns, "end_ns": self.end_ns,
            "outcome": self.outcome,
        });
        for (field, version) in [("min_version", self.min_version), ("if_match", self.if_match)] {
            if let Some(version) = version {
                line[field] = version.into();
            }
        }
        format!("{line}\n")
    }
}
