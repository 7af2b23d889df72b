//! The durable truth of one origin region: rows by key, an outbox of purges numbered in commit
//! order, and the queue of what a node owes a store it could not reach.
//!
//! A store knows nothing of other stores, locations or tiers.

mod blobs;
mod debts;
mod decide;
mod encoding;
mod engine;
mod envelope;
mod fjall;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod handle;
mod model;
mod owed;
mod range;
mod recent;
mod room;
mod row;
mod staging;

pub use debts::{Debts, OwedModel};
pub use engine::{EngineLimits, Sync};
pub use fjall::{Fjall, Options};
pub use model::Model;
pub use owed::{Debt, Owed, OwedOptions};
pub use row::{
    Applied, Collect, Condition, Digest, Doomed, Found, Item, List, Listed, OutboxPage, Purge,
    Record, Row, Scan, Scanned, Scope, Write,
};

pub use staging::{FILE_BYTES_MIN, Staged, Staging};

/// What a [`Store`] in another crate shares with those here.
pub mod shared {
    pub use crate::decide::{Claim, Standing, Verdict, decide};
    pub use crate::group::{Commit, Group, Limits};
    pub use crate::range::Range;
    pub use crate::recent::Recent;
}

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_types::{Position, SpaceId};
use tokio::sync::watch;

/// One store of the truth. Implementations: [embedded](Fjall), PostgreSQL in a crate of its own, and
/// a [`Model`] for the simulation.
///
/// Every method may be called from any task. A position that comes with an answer was read before
/// the answer's rows, so that every write after it is in the outbox under a higher number.
pub trait Store: Send + std::marker::Sync + 'static {
    /// The newest row of a key, tombstones and expired rows included.
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, Error>>;

    /// Durable, with its outbox record in the same transaction, before it returns
    /// [`Applied::Yes`]. Applying one version twice is the same as once.
    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, Error>>;

    /// Rows in key order, tombstones and expired rows included: two stores' lists are merged by
    /// version before anybody decides what is live.
    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, Error>>;

    /// Digests of all rows of all spaces, in order of space and key: for who compares two stores.
    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, Error>>;

    /// Removes each row that still has exactly this version and is a tombstone or expired, and raises
    /// the collection mark to the highest version removed, in one durable commit; how many went.
    ///
    /// From then on a write at or below the mark that finds no row is [`Applied::Collected`]. The mark
    /// is the store's, not the key's, and never falls. No outbox record follows: the key was absent and
    /// stays so, and whoever holds anything older was purged of it by the tombstone's own record.
    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, Error>>;

    /// Numbers a purge by hand. The rows stay.
    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, Error>>;

    /// Outbox records with numbers above `after`, oldest first, at most `limit`.
    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, Error>>;

    /// The position of the last committed record; changes with each commit.
    fn committed(&self) -> watch::Receiver<Position>;
}

/// What went wrong in a store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full or read-only, or the engine failed. Nothing was changed.
    #[error("store cannot write: {0}")]
    Write(String),
    /// Stored bytes do not decode or do not match their checksum.
    #[error("store record is damaged: {0}")]
    Damaged(String),
    /// The store could not be read.
    #[error("store cannot read: {0}")]
    Read(String),
    /// More writes wait than the limit allows.
    #[error("store is busy; retry in {} s", retry_after.as_secs())]
    Busy { retry_after: Duration },
    /// The store is closing.
    #[error("store is closed")]
    Closed,
}
