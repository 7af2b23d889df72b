//! What one node owes a store that could not be reached: a durable queue, in order, with each key's
//! newest write only. The one thing kept outside the stores that may not be thrown away.

mod encoding;
mod folder;
mod queue;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{SpaceId, StoreId, Version};
use tokio::sync::{oneshot, watch};

use crate::blobs::Copied;
use crate::encoding::encode_row;
use crate::engine::{EngineLimits, Sync};
use crate::group::{Group, Limits};
use crate::{Error, Scope, Write};
use folder::Folder;
use queue::{Added, Job, Queue};

pub(crate) use encoding::{decode_debt, decode_place, samples};

/// Something a store is owed.
#[derive(Clone, Debug)]
pub enum Debt {
    /// Paid by [`Owed::settle`].
    Write(Write),
    /// Paid by [`Owed::settle_purge`].
    Purge { space: SpaceId, scope: Scope, id: u64 },
}

/// How the queue works, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedOptions {
    pub sync: Sync,
    /// Debts to one store; past this no more are taken.
    pub debts_max: u64,
    /// Bytes of debts to one store, files included.
    pub bytes_max: u64,
    /// Bytes that one answer of [`Owed::next`] holds in memory, unless one debt alone has more.
    pub next_bytes_max: u64,
    /// Debts that one commit takes, and that wait for it.
    pub batch_max: usize,
    pub batch_bytes_max: u64,
    pub waiting_max: usize,
    pub waiting_bytes_max: u64,
    pub engine: EngineLimits,
}

impl Default for OwedOptions {
    fn default() -> Self {
        Self {
            sync: Sync::Data,
            debts_max: 1_000_000,
            bytes_max: 8 << 30,
            next_bytes_max: 4 << 20,
            batch_max: 512,
            batch_bytes_max: 8 << 20,
            waiting_max: 8192,
            waiting_bytes_max: 64 << 20,
            engine: EngineLimits {
                block_cache_bytes_max: 1 << 20,
                memtable_bytes_max: 1 << 20,
                open_files_max: 12,
                ..EngineLimits::default()
            },
        }
    }
}

/// One node's queue of debts, to any store. Dropping it waits for the commit under way.
pub struct Owed {
    folder: Arc<Folder>,
    group: Group<Job>,
}

impl Owed {
    /// Opens the queue in `dir`, which it makes if need be.
    ///
    /// # Errors
    /// When the folder cannot be used, is in use, or holds something that does not decode.
    pub fn open(dir: &Path, options: OwedOptions) -> Result<Arc<Self>, Error> {
        let folder = Arc::new(Folder::open(dir, options)?);
        let limits = Limits {
            batch_max: options.batch_max,
            batch_bytes_max: options.batch_bytes_max,
            waiting_max: options.waiting_max,
            waiting_bytes_max: options.waiting_bytes_max,
        };
        let group = Group::start("owed-writer", limits, Queue::open(folder.clone())?)
            .map_err(|error| Error::Write(error.to_string()))?;
        Ok(Arc::new(Self { folder, group }))
    }

    /// Durable when it returns. A newer write of the same key takes the place of an older one in
    /// the queue, an older one changes nothing.
    ///
    /// # Errors
    /// [`Error::Busy`] past a limit; otherwise when the queue cannot be written.
    pub async fn add(&self, store: StoreId, write: Write) -> Result<(), Error> {
        let free_min = self.folder.options.engine.free_bytes_min;
        let file = self.folder.blobs.copy_large(&write.row.body, free_min).await?;
        let row = encode_row(&write.row, file.as_ref().map(Copied::reference));
        let record: Bytes = encoding::encode_write(&write, &row).into();
        let queued = (record.len() + write.key.len()) as u64;
        let (space, key, version) = (write.space, write.key, write.row.version);
        let added = Added { store, space, key, version, record, file };
        self.ask(|answer| Job::Add { added, answer }, queued).await
    }

    /// Durable when it returns; the debt's id. No two purges are made one: a later one may have to
    /// be numbered after what an earlier, already delivered one did not see.
    ///
    /// # Errors
    /// As [`Owed::add`].
    pub async fn add_purge(
        &self,
        store: StoreId,
        space: SpaceId,
        scope: Scope,
    ) -> Result<u64, Error> {
        let record: Bytes = encoding::encode_purge(space, &scope).into();
        let queued = record.len() as u64;
        self.ask(|answer| Job::AddPurge { store, record, answer }, queued).await
    }

    /// The store has this key at `version` or newer: what is owed of it up to there is paid. May be
    /// forgotten with the machine's power; paying twice does no harm.
    ///
    /// # Errors
    /// When the queue cannot be written.
    pub async fn settle(
        &self,
        store: StoreId,
        space: SpaceId,
        key: &[u8],
        version: Version,
    ) -> Result<(), Error> {
        let key = encoding::write_key(store, space, key);
        self.ask(|answer| Job::Settle { store, key, version, answer }, 0).await
    }

    /// The store has numbered the purge with this id.
    ///
    /// # Errors
    /// When the queue cannot be written.
    pub async fn settle_purge(&self, store: StoreId, id: u64) -> Result<(), Error> {
        let key = encoding::purge_key(store, id);
        self.ask(|answer| Job::Settle { store, key, version: Version::ZERO, answer }, 0).await
    }

    /// The oldest debts to a store, at most `limit`. They stay until they are settled.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn next(&self, store: StoreId, limit: usize) -> Result<Vec<Debt>, Error> {
        let next = self.folder.next(store, limit);
        if next.is_err() {
            // The next reader finds it open, if it opens.
            drop(self.group.submit(Job::Mend, 0));
        }
        let (debts, damaged) = next?;
        for number in damaged {
            let (answer, _) = oneshot::channel();
            self.group.submit(Job::Drop { store, number, answer }, 0)?;
        }
        Ok(debts)
    }

    /// How many debts there are to a store.
    pub fn len(&self, store: StoreId) -> u64 {
        self.folder.account(store).debts
    }

    /// Whether nothing is owed to a store.
    pub fn is_empty(&self, store: StoreId) -> bool {
        self.len(store) == 0
    }

    /// Changes whenever debts were added.
    pub fn added(&self) -> watch::Receiver<u64> {
        self.folder.added.subscribe()
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Job,
        bytes: u64,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.group.submit(job(answer), bytes)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}
