//! The embedded store: rows, outbox and large bodies in one folder, written by one thread.

mod open;
mod outbox;
mod read;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_types::{Position, SpaceId};
use tokio::sync::{oneshot, watch};

use crate::blobs::Copied;
use crate::decide::{Claim, Standing};
use crate::encoding::encode_row;
use crate::engine::{EngineLimits, Sync};
use crate::group::{Group, Limits};
use crate::{Applied, Collect, Error, Found, List, Listed, OutboxPage, Scan, Scanned, Scope};
use crate::{Store, Write};
use open::{Core, Opened};
use writer::{Job, Put, Writer};

/// How an embedded store works, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub sync: Sync,
    /// Writes that one commit takes.
    pub write_batch_max: usize,
    pub write_batch_bytes_max: u64,
    /// Writes that wait for the commit under way; past this they are refused.
    pub writes_waiting_max: usize,
    pub writes_waiting_bytes_max: u64,
    /// Outbox records on disk: past this the oldest may be [trimmed](Fjall::trim_outbox), however
    /// young they are, and who has not followed that far takes what it holds for suspect.
    pub outbox_records_max: u64,
    /// Outbox records held in memory for those who follow closely.
    pub outbox_recent_max: usize,
    /// Bodies in one page of a list, rows read for one page of a scan; a fuller one ends early.
    pub list_bytes_max: u64,
    pub engine: EngineLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sync: Sync::Data,
            write_batch_max: 512,
            write_batch_bytes_max: 8 << 20,
            writes_waiting_max: 8192,
            writes_waiting_bytes_max: 64 << 20,
            outbox_records_max: 1_000_000,
            outbox_recent_max: 8192,
            list_bytes_max: 8 << 20,
            engine: EngineLimits { block_cache_bytes_max: 16 << 20, ..EngineLimits::default() },
        }
    }
}

/// The embedded store. Closing it, by dropping the last handle, waits for the commit under way.
pub struct Fjall {
    core: Arc<Core>,
    group: Group<Job>,
}

/// More rows or records than this are read on a thread that may block.
const INLINE_MAX: usize = 64;

impl Fjall {
    /// Opens the store in `dir`, which it makes if need be, and removes what a crash left behind.
    ///
    /// # Errors
    /// When the folder cannot be used, is in use, or holds something that does not decode.
    pub fn open(dir: &Path, options: Options, clock: Clock) -> Result<Arc<Self>, Error> {
        let core = Arc::new(Core::open(dir, options, clock)?);
        let limits = Limits {
            batch_max: options.write_batch_max,
            batch_bytes_max: options.write_batch_bytes_max,
            waiting_max: options.writes_waiting_max,
            waiting_bytes_max: options.writes_waiting_bytes_max,
        };
        let group = Group::start("store-writer", limits, Writer::new(core.clone()))
            .map_err(|error| Error::Write(error.to_string()))?;
        Ok(Arc::new(Self { core, group }))
    }

    /// Forgets outbox records older than `older`, or more than are kept; the number up to which all are forgotten.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn trim_outbox(&self, older: Duration) -> Result<u64, Error> {
        while let Some(through) =
            self.read(move |core, opened| core.trimmable(opened, older)).await?
        {
            let job = |answer| Job::Trim { through, answer };
            self.ask(job, 0).await?;
        }
        Ok(self.core.forgotten())
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Core, &Opened) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (core, opened) = (self.core.clone(), self.opened().await?);
        let reading = tokio::task::spawn_blocking(move || read(&core, &opened));
        reading.await.map_err(|error| Error::Read(error.to_string()))?
    }

    /// The engine, for one read.
    async fn opened(&self) -> Result<Arc<Opened>, Error> {
        let opened = self.core.engine.wait().await;
        if opened.is_err() {
            // Nobody may be writing: the next reader finds it open, if it opens.
            drop(self.group.submit(Job::Mend, 0));
        }
        opened
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

    /// Everything that needs no order is done here, beside the writer: large bodies are copied,
    /// the row is encoded.
    async fn prepare(&self, write: Write) -> Result<Put, Error> {
        let claim = Claim::of(&write);
        let standing = Standing::of(&write.row);
        let free_min = self.core.options.engine.free_bytes_min;
        let file = self.core.blobs.copy_large(&write.row.body, free_min).await?;
        let reference = file.as_ref().map(Copied::reference);
        let record = encode_row(&write.row, reference).into();
        let Write { space, key, .. } = write;
        Ok(Put { space, key, claim, standing, record, file })
    }
}

impl Store for Fjall {
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, Error>> {
        Box::pin(async move {
            let opened = self.opened().await?;
            match self.core.get_at_once(&opened, space, &key)? {
                Some(found) => Ok(found),
                None => self.read(move |core, opened| core.get(opened, space, &key)).await,
            }
        })
    }

    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, Error>> {
        Box::pin(async move {
            let put = self.prepare(write).await?;
            let bytes = (put.key.len() + put.record.len()) as u64;
            self.ask(|answer| Job::Apply { put, answer }, bytes).await
        })
    }

    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, Error>> {
        Box::pin(async move {
            if list.limit <= INLINE_MAX && !list.values {
                let opened = self.opened().await?;
                return self.core.list(&opened, &list);
            }
            self.read(move |core, opened| core.list(opened, &list)).await
        })
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, Error>> {
        Box::pin(self.read(move |core, opened| core.scan(opened, &scan)))
    }

    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, Error>> {
        let bytes = collect.doomed.iter().map(|doomed| doomed.key.len() as u64).sum();
        Box::pin(self.ask(move |answer| Job::Collect { collect, answer }, bytes))
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(self.ask(move |answer| Job::Purge { space, scope, answer }, 0))
    }

    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, Error>> {
        Box::pin(async move {
            if limit <= INLINE_MAX || self.core.is_recent(after) {
                let opened = self.opened().await?;
                return self.core.outbox(&opened, after, limit);
            }
            self.read(move |core, opened| core.outbox(opened, after, limit)).await
        })
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.core.committed.subscribe()
    }
}
