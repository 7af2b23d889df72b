//! Everything that happened, as nobody inside the network could know it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_types::{SpaceId, StoreId, Version};

use crate::history::Operation;
use crate::report::Tally;

/// When each version of a key came to each store, in order of versions.
pub(crate) type Writes = BTreeMap<Version, Written>;

/// A version in the stores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) at: [Option<Duration>; 2],
    pub(crate) live: bool,
}

impl Written {
    /// Since when both stores have had it.
    pub(crate) fn in_both(self) -> Option<Duration> {
        Some(self.at[0]?.max(self.at[1]?))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) operations: Vec<Operation>,
    pub(crate) writes: HashMap<(SpaceId, Bytes), Writes>,
    pub(crate) tally: Tally,
}

impl Ledger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store has a version. One that already held something newer has it by holding that.
    pub(crate) fn stored(
        &self,
        store: StoreId,
        (space, key): (SpaceId, Bytes),
        (version, live): (Version, bool),
        now: Duration,
    ) {
        let mut inner = self.lock();
        let writes = inner.writes.entry((space, key)).or_default();
        let written = writes.entry(version).or_default();
        written.live = live;
        written.at[store.index()].get_or_insert(now);
        for (_, older) in writes.range_mut(..version) {
            older.at[store.index()].get_or_insert(now);
        }
    }
}
