//! What clients did and saw.

use std::time::Duration;

use bytes::Bytes;
use littoral_types::Version;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Get,
    Put,
    Delete,
    CompareAndSet,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Ok,
    /// A read that found nothing.
    Absent,
    /// Surely without effect.
    Refused,
    /// A write that may or may not have happened, a read without an answer.
    Unknown,
}

/// One operation of one client, on the simulation's one true clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub process: usize,
    pub location: u16,
    /// Which run of the location's node.
    pub life: u32,
    pub kind: Kind,
    pub space: usize,
    pub key: Bytes,
    /// Shown by a read, given to a write.
    pub version: Option<Version>,
    pub minimum: Option<Version>,
    /// Of a compare-and-set: the version it replaces, `None` for absence.
    pub replaces: Option<Version>,
    pub start: Duration,
    pub end: Duration,
    pub outcome: Outcome,
    /// A read marked as served past its time because nobody could be asked.
    pub marked: bool,
    /// A read's age, and what the value said of itself.
    pub age: Duration,
    pub body: Option<Bytes>,
}
