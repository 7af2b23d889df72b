//! Large bodies as chunks: written before a row names them, read into a file chunk by chunk, and
//! removed a while after no row does. At most one chunk of each is in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use littoral_clock::{Chance, Clock};
use littoral_store::{Error, FILE_BYTES_MIN, Staged, Staging};
use littoral_types::{Blob, Body};
use tokio::sync::Semaphore;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::columns::{Reference, signed};
use crate::failure::Failure;
use crate::options::Options;
use crate::pool::Pool;

pub(crate) struct Bodies {
    pool: Pool,
    staging: Arc<Staging>,
    clock: Clock,
    options: Options,
    chance: Mutex<Chance>,
    at_once: Semaphore,
    /// Bodies that somebody reads, so that all readers of one share its file.
    live: Mutex<HashMap<i64, Weak<Blob>>>,
}

/// A body on its way into the database.
pub(crate) enum Prepared {
    Absent,
    Bytes(Bytes),
    Chunks(Reference),
}

const CHUNK: usize = 512 * 1024;
/// Abandoned bodies that one sweep removes.
const SWEEP_MAX: i64 = 1000;

const BEGIN: &str = "INSERT INTO littoral_bodies (id, named, since) VALUES ($1, false, now())";
const ADD: &str = "INSERT INTO littoral_chunks (body, part, bytes) VALUES ($1, $2, $3)";
const READ: &str = "SELECT bytes FROM littoral_chunks WHERE body = $1 AND part = $2";
const ABANDONED: &str = "SELECT id FROM littoral_bodies \
    WHERE NOT named AND since <= now() - $1::bigint * interval '1 millisecond' LIMIT $2";
const REMOVE: &str = "DELETE FROM littoral_bodies WHERE id = $1 AND NOT named";
const REMOVE_CHUNKS: &str = "DELETE FROM littoral_chunks WHERE body = $1";

impl Bodies {
    pub(crate) fn new(pool: Pool, staging: Arc<Staging>, clock: Clock, options: Options) -> Self {
        Self {
            pool,
            staging,
            clock,
            options,
            chance: Mutex::new(Chance::from_machine()),
            at_once: Semaphore::new(options.bodies_at_once_max.max(1)),
            live: Mutex::default(),
        }
    }

    /// A small body as it is; a large one's chunks are in the database when this returns.
    pub(crate) async fn prepare(&self, body: &Body) -> Result<Prepared, Error> {
        let local = |error: std::io::Error| Error::Write(format!("a large body: {error}"));
        match body {
            Body::Absent => Ok(Prepared::Absent),
            Body::Bytes(bytes) if bytes.len() < FILE_BYTES_MIN => {
                Ok(Prepared::Bytes(bytes.clone()))
            }
            Body::File(blob) if blob.len() < FILE_BYTES_MIN as u64 => {
                let blob = blob.clone();
                let read = move || std::fs::read(blob.path());
                let read = tokio::task::spawn_blocking(read).await.map_err(|_| Error::Closed)?;
                Ok(Prepared::Bytes(read.map_err(local)?.into()))
            }
            body => {
                let writing = self.clock.timeout(self.options.body_time_max, self.write(body));
                let written = writing.await.unwrap_or(Err(Failure::Time("a large body")));
                written.map(Prepared::Chunks).map_err(Failure::write)
            }
        }
    }

    async fn write(&self, body: &Body) -> Result<Reference, Failure> {
        let _permit = self.permit().await?;
        // Ids are never used again: who reads a row must not find the chunks of another.
        let id = signed(self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64());
        self.execute(BEGIN, &[&id]).await?;
        let mut reference = Reference { id, bytes: 0, checksum: 0 };
        let mut source = Source::open(body).await?;
        let mut hasher = Xxh3Default::new();
        let mut part = 0_i64;
        loop {
            let (back, chunk) = source.next().await?;
            source = back;
            if chunk.is_empty() {
                break;
            }
            hasher.update(&chunk);
            self.execute(ADD, &[&id, &part, &&chunk[..]]).await?;
            part += 1;
            reference.bytes += chunk.len() as u64;
        }
        if reference.bytes != body.len() {
            return Err(Failure::Damaged("a large body's file has another length".into()));
        }
        reference.checksum = hasher.digest();
        Ok(reference)
    }

    /// The file of a body; `None` when its chunks are gone, as they are a while after a row named
    /// others.
    pub(crate) async fn read(&self, reference: Reference) -> Result<Option<Arc<Blob>>, Failure> {
        if let Some(blob) = self.held(reference.id) {
            return Ok(Some(blob));
        }
        let reading = self.clock.timeout(self.options.body_time_max, self.read_chunks(reference));
        reading.await.unwrap_or(Err(Failure::Time("a large body")))
    }

    async fn read_chunks(&self, reference: Reference) -> Result<Option<Arc<Blob>>, Failure> {
        let _permit = self.permit().await?;
        let mut file = self.staging.create().map_err(|error| Failure::Connect(local(&error)))?;
        let mut hasher = Xxh3Default::new();
        for part in 0_i64.. {
            if file.len() >= reference.bytes {
                break;
            }
            let Some(chunk) = self.chunk(reference.id, part).await? else { return Ok(None) };
            hasher.update(&chunk);
            file = append(file, chunk).await?;
        }
        if file.len() != reference.bytes || hasher.digest() != reference.checksum {
            return Err(Failure::Damaged("a large body's chunks do not match its checksum".into()));
        }
        let blob = file.finish();
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.len() == live.capacity() {
            live.retain(|_, blob| blob.strong_count() > 0);
        }
        live.insert(reference.id, Arc::downgrade(&blob));
        Ok(Some(blob))
    }

    fn held(&self, id: i64) -> Option<Arc<Blob>> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(&id).and_then(Weak::upgrade)
    }

    async fn chunk(&self, id: i64, part: i64) -> Result<Option<Vec<u8>>, Failure> {
        let client = self.pool.get().await?;
        let reading = async {
            let read = client.prepare(READ).await?;
            let row = client.query_opt(&read, &[&id, &part]).await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        };
        let chunk = self.limited(reading).await;
        client.after(chunk)
    }

    async fn execute(
        &self,
        sql: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<u64, Failure> {
        let client = self.pool.get().await?;
        let executing = async {
            let statement = client.prepare(sql).await?;
            Ok(client.execute(&statement, values).await?)
        };
        let executed = self.limited(executing).await;
        client.after(executed)
    }

    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limited = self.clock.timeout(self.options.call_time_max, work).await;
        limited.unwrap_or(Err(Failure::Time("a chunk of a large body")))
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        self.at_once.acquire().await.map_err(|_| Failure::Connect("the store is closed".into()))
    }

    /// Removes bodies that no row has named for the grace; how many.
    pub(crate) async fn sweep(&self) -> Result<u64, Failure> {
        let grace = i64::try_from(self.options.body_grace.as_millis()).unwrap_or(i64::MAX);
        let client = self.pool.get().await?;
        let finding = async {
            let abandoned = client.prepare(ABANDONED).await?;
            Ok(client.query(&abandoned, &[&grace, &SWEEP_MAX]).await?)
        };
        let found = self.limited(finding).await;
        let mut removed = 0;
        for row in client.after(found)? {
            removed += self.remove(row.try_get(0)?).await?;
        }
        Ok(removed)
    }

    /// In one transaction: a commit that names the body meanwhile finds it or finds it gone.
    async fn remove(&self, id: i64) -> Result<u64, Failure> {
        let client = self.pool.get().await?;
        let removing = async {
            client.batch_execute("BEGIN").await?;
            let removed = client.execute(REMOVE, &[&id]).await?;
            if removed > 0 {
                client.execute(REMOVE_CHUNKS, &[&id]).await?;
            }
            client.batch_execute("COMMIT").await?;
            Ok(removed)
        };
        let removed = self.limited(removing).await?;
        client.done();
        Ok(removed)
    }
}

/// Where a body's bytes come from, a chunk at a time.
enum Source {
    Bytes(Bytes),
    File(File),
}

impl Source {
    async fn open(body: &Body) -> Result<Self, Failure> {
        match body {
            Body::Absent => Ok(Self::Bytes(Bytes::new())),
            Body::Bytes(bytes) => Ok(Self::Bytes(bytes.clone())),
            Body::File(blob) => {
                let blob = blob.clone();
                blocking(move || blob.open()).await.map(Self::File)
            }
        }
    }

    /// The next chunk; empty after the last.
    async fn next(self) -> Result<(Self, Bytes), Failure> {
        match self {
            Self::Bytes(mut bytes) => {
                let chunk = bytes.split_to(bytes.len().min(CHUNK));
                Ok((Self::Bytes(bytes), chunk))
            }
            Self::File(file) => {
                let read = move || {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    (&file).take(CHUNK as u64).read_to_end(&mut chunk)?;
                    Ok((Self::File(file), chunk.into()))
                };
                blocking(read).await
            }
        }
    }
}

async fn append(mut file: Staged, chunk: Vec<u8>) -> Result<Staged, Failure> {
    blocking(move || file.write(&chunk).map(|()| file)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|_| Failure::Connect("the store is closed".into()))?;
    done.map_err(|error| Failure::Connect(local(&error)))
}

fn local(error: &std::io::Error) -> String {
    format!("a file of a large body: {error}")
}

/// Which of `parts` a key's writes go to.
pub(crate) fn part_of(space: &[u8; 16], key: &[u8], parts: usize) -> usize {
    let hash = xxh3_64(key) ^ xxh3_64(space);
    (hash % parts.max(1) as u64) as usize
}
