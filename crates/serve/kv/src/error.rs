//! What can go wrong, each with the status and code a client sees.

use std::time::Duration;

use littoral_types::Version;

/// An operation's failure. Nothing was changed unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A precondition does not hold. `current`: the live version, if any.
    #[error("precondition failed: the key {}", match current { Some(v) => format!("has version {v}"), None => "does not exist".into() })]
    Precondition { current: Option<Version> },
    /// No store holds a version as new as the client's minimum (yet). Retry, or drop the minimum.
    #[error("no store that answers holds version {minimum} or newer")]
    MinimumUnmet { minimum: Version },
    /// Neither store takes the write.
    #[error("no store takes writes: {0}")]
    WriteUnavailable(String),
    /// The write needs a store that does not answer.
    #[error("the write needs store {store}, which does not answer: {why}")]
    StoreNeeded { store: u8, why: String },
    /// Nothing held may be served, and the truth cannot be reached.
    #[error("the truth is unavailable: {0}")]
    Unavailable(String),
    /// What is stored is not what was written, and no store has it whole.
    #[error("the stored value is damaged: {0}")]
    Damaged(String),
    /// A limit is reached.
    #[error("overloaded: {what}")]
    Overloaded { what: &'static str, retry_after: Duration },
    /// Not answered before the deadline; a write may have happened.
    #[error("not answered in time")]
    Deadline,
    /// Clocks disagree.
    #[error("{0}")]
    Skew(String),
    /// The node's disk refuses.
    #[error("local disk: {0}")]
    Disk(String),
}
