//! The embedded engine, opened small: a node holds several of them.

use std::path::Path;

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

use crate::Error;

/// Whether an acknowledged write survives the loss of power, or only that of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Data is on the disk before a write is acknowledged.
    #[default]
    Data,
    /// The operating system writes it out when it likes: for tests and throw-away stores.
    None,
}

/// What an engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLimits {
    /// Written rows of one kind held in memory before they go to a table. Taken only when used.
    pub memtable_bytes_max: u64,
    /// Blocks held in memory for reads. Taken only when used.
    pub block_cache_bytes_max: u64,
    /// Files the engine keeps open; at least 10.
    pub open_files_max: usize,
    /// Journals on disk; past this the oldest is made unnecessary. At least 64 MiB.
    pub journal_bytes_max: u64,
    /// Threads that write tables and merge them; at least 1.
    pub threads_max: usize,
    /// Bytes that must stay free on the disk: below it writes are refused, so that what was taken
    /// can still be written to tables and merged.
    pub free_bytes_min: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            memtable_bytes_max: 8 << 20,
            block_cache_bytes_max: 8 << 20,
            open_files_max: 48,
            journal_bytes_max: 128 << 20,
            threads_max: 1,
            free_bytes_min: 128 << 20,
        }
    }
}

/// Values of at least this many bytes stand apart from their keys.
const SEPARATED_BYTES_MIN: u32 = 512;

#[derive(Clone)]
pub(crate) struct Engine {
    database: Database,
    limits: EngineLimits,
    sync: Sync,
}

impl Engine {
    pub(crate) fn open(dir: &Path, limits: EngineLimits, sync: Sync) -> Result<Self, Error> {
        let database = Database::builder(dir)
            .cache_size(limits.block_cache_bytes_max)
            .max_cached_files(Some(limits.open_files_max.max(10)))
            .max_journaling_size(limits.journal_bytes_max.max(64 << 20))
            .worker_threads(limits.threads_max.max(1))
            .open()
            .map_err(|error| match error {
                ::fjall::Error::Locked => {
                    Error::Read(format!("{} is in use by another process", dir.display()))
                }
                error => Error::Read(format!("{} does not open: {error}", dir.display())),
            })?;
        Ok(Self { database, limits, sync })
    }

    /// Rows whose values may be large.
    pub(crate) fn separated(&self, name: &str) -> Result<Keyspace, Error> {
        let separation = KvSeparationOptions::default().separation_threshold(SEPARATED_BYTES_MIN);
        self.keyspace(name, Some(separation))
    }

    pub(crate) fn plain(&self, name: &str) -> Result<Keyspace, Error> {
        self.keyspace(name, None)
    }

    fn keyspace(
        &self,
        name: &str,
        separation: Option<KvSeparationOptions>,
    ) -> Result<Keyspace, Error> {
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(self.limits.memtable_bytes_max)
                .with_kv_separation(separation)
        };
        self.database.keyspace(name, options).map_err(write_error)
    }

    pub(crate) fn snapshot(&self) -> ::fjall::Snapshot {
        self.database.snapshot()
    }

    /// A batch that is durable when its commit returns, as far as [`Sync`] asks for it.
    pub(crate) fn batch(&self) -> ::fjall::OwnedWriteBatch {
        self.durable(self.database.batch())
    }

    /// A batch that may be lost with the machine's power, for what can be done again.
    pub(crate) fn lax_batch(&self) -> ::fjall::OwnedWriteBatch {
        self.database.batch()
    }

    pub(crate) fn durable(&self, batch: ::fjall::OwnedWriteBatch) -> ::fjall::OwnedWriteBatch {
        batch.durability(Some(match self.sync {
            Sync::Data => PersistMode::SyncData,
            Sync::None => PersistMode::Buffer,
        }))
    }
}

pub(crate) fn read_error(error: ::fjall::Error) -> Error {
    match error {
        ::fjall::Error::Storage(::fjall::LsmError::Io(error)) | ::fjall::Error::Io(error) => {
            Error::Read(error.to_string())
        }
        ::fjall::Error::Storage(::fjall::LsmError::ChecksumMismatch { .. }) => {
            Error::Damaged("a block of a table does not match its checksum".into())
        }
        // What was read is not what was written.
        ::fjall::Error::Storage(error) => Error::Damaged(format!("a block of a table: {error}")),
        error => Error::Read(error.to_string()),
    }
}

pub(crate) fn write_error(error: ::fjall::Error) -> Error {
    Error::Write(error.to_string())
}
