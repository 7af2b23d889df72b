//! How a store on PostgreSQL works, and its limits.

use std::time::Duration;

/// How a store on PostgreSQL works, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Connections for reads and large bodies; writers have one each beside these.
    pub connections_max: usize,
    /// How long one call waits for one of them.
    pub connection_wait_max: Duration,
    pub connect_time_max: Duration,
    /// A read, or one attempt to commit.
    pub call_time_max: Duration,
    /// A write, from when it is asked until it is answered.
    pub write_time_max: Duration,
    /// After this the server ends a statement itself; below `call_time_max`.
    pub statement_time_max: Duration,
    /// After this the server ends a wait for a row that another transaction holds.
    pub lock_time_max: Duration,
    /// After this the server ends the transaction of a node that says nothing more, whose locks
    /// stop other nodes.
    pub idle_transaction_time_max: Duration,
    /// Transactions that this node writes at the same time; the writes of one key are in one of
    /// them. They commit one after the other all the same: one that takes all that waits is faster
    /// until a processor, not the disk, is what it waits for.
    pub writers: usize,
    /// Writes that one commit takes.
    pub write_batch_max: usize,
    pub write_batch_bytes_max: u64,
    /// Writes that wait for the commit under way; past this they are refused.
    pub writes_waiting_max: usize,
    pub writes_waiting_bytes_max: u64,
    /// How often a commit is tried that the database ends for another's sake.
    pub commit_attempts_max: usize,
    /// Large bodies read or written at once; each takes a few chunks of memory.
    pub bodies_at_once_max: usize,
    /// One large body, read or written.
    pub body_time_max: Duration,
    /// After this, chunks that no row names are removed; above `body_time_max`.
    pub body_grace: Duration,
    /// Bodies in one page of a list; a fuller one ends early.
    pub list_bytes_max: u64,
    /// How soon other nodes' commits are noticed.
    pub poll_every: Duration,
    /// How often chunks that no row names are looked for.
    pub sweep_every: Duration,
    /// Outbox records in the database: past this the oldest may be trimmed, however young.
    pub outbox_records_max: u64,
    /// Outbox records held in memory for those who follow closely.
    pub outbox_recent_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 16,
            connection_wait_max: Duration::from_secs(2),
            connect_time_max: Duration::from_secs(2),
            call_time_max: Duration::from_secs(5),
            write_time_max: Duration::from_secs(8),
            statement_time_max: Duration::from_secs(4),
            lock_time_max: Duration::from_secs(3),
            idle_transaction_time_max: Duration::from_secs(2),
            writers: 1,
            write_batch_max: 256,
            write_batch_bytes_max: 4 << 20,
            writes_waiting_max: 8192,
            writes_waiting_bytes_max: 64 << 20,
            commit_attempts_max: 6,
            bodies_at_once_max: 8,
            body_time_max: Duration::from_secs(120),
            body_grace: Duration::from_secs(600),
            list_bytes_max: 8 << 20,
            poll_every: Duration::from_millis(50),
            sweep_every: Duration::from_secs(60),
            outbox_records_max: 1_000_000,
            outbox_recent_max: 8192,
        }
    }
}
