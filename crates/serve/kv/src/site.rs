//! A store's own side: what the node beside it answers for others.

use std::sync::Arc;

use littoral_clock::{Clock, Hlc};
use littoral_peer::{Error, Follow, Followed, StoreCall, StoreReply};
use littoral_rules::{self as rules, Rule};
use littoral_store::{Error as StoreError, Store};
use littoral_tiers::Publisher;
use littoral_topology::Known;

/// One store, the clock that guards its stamps, and what publishes its purges.
pub struct Site {
    store: Arc<dyn Store>,
    hlc: Arc<Hlc>,
    publisher: Publisher,
}

impl Site {
    pub fn new(store: Arc<dyn Store>, hlc: Arc<Hlc>, topology: Known, clock: Clock) -> Self {
        let publisher = Publisher::new(Arc::clone(&store), topology, clock);
        Self { store, hlc, publisher }
    }

    /// Answers one question of a follower of its purges.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub async fn follow(&self, follow: Follow) -> Result<Followed, Error> {
        self.publisher.follow(follow).await
    }

    /// Answers one call.
    ///
    /// # Errors
    /// [`Error::Skew`] for a stamp too far ahead; the store's own otherwise.
    pub async fn handle(&self, call: StoreCall) -> Result<StoreReply, Error> {
        match call {
            StoreCall::Get { space, key } => {
                self.store.get(space, key).await.map(StoreReply::Found)
            }
            StoreCall::Apply(write) => {
                let skew = |error: littoral_clock::SkewError| Error::Skew(error.to_string());
                if rules::holds(Rule::SkewIsRefused) {
                    self.hlc.observe(write.row.version).map_err(skew)?;
                }
                self.publisher.coming(&write);
                self.store.apply(write).await.map(StoreReply::Applied)
            }
            StoreCall::List(list) => self.store.list(list).await.map(StoreReply::Listed),
            StoreCall::Purge { space, scope } => {
                self.store.purge(space, scope).await.map(StoreReply::Purged)
            }
            StoreCall::Scan(scan) => self.store.scan(scan).await.map(StoreReply::Scanned),
            StoreCall::Collect(collect) => {
                self.store.collect(collect).await.map(StoreReply::Collected)
            }
        }
        .map_err(refused)
    }
}

fn refused(error: StoreError) -> Error {
    match error {
        StoreError::Busy { .. } => Error::Overloaded,
        StoreError::Closed => Error::Unreachable,
        StoreError::Damaged(what) => Error::Damaged(what),
        error => Error::Unavailable(error.to_string()),
    }
}
