//! The disk tier of one node's cache, over restarts: written behind by one thread, never waited
//! for. What it holds may be lost at any moment, but is never older than what was last kept.

mod engine;
#[doc(hidden)]
pub mod fuzzing;
mod queue;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use bytes::Bytes;
use littoral_types::{Mono, Positions, SpaceId, Tag, Version, Wall};

use engine::Engine;
use queue::{Change, Queue, Work};

/// An entry as it is kept on disk.
#[derive(Clone, Debug)]
pub struct Kept {
    pub version: Version,
    /// `None`: absent.
    pub body: Option<Bytes>,
    pub meta: Bytes,
    pub tags: Option<Arc<[Tag]>>,
    pub expires_at: Option<Wall>,
    /// [`Mono::LONG_AGO`] when read back after a restart; then nothing is confirmed.
    pub vouched_at: Mono,
    pub positions: Positions,
    pub confirmed: bool,
}

/// What the disk tier may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries on disk, keys and metadata included; past this the oldest kept go. The engine needs
    /// up to half as much again, and its journal.
    pub bytes_max: u64,
    /// A larger body is not kept.
    pub body_bytes_max: usize,
    /// Entries that wait to be written; past this new ones are not kept.
    pub queue_max: usize,
    pub queue_bytes_max: u64,
    /// Entries that one write takes.
    pub batch_max: usize,
    /// Written entries held in memory before they go to a table. Taken only when used.
    pub memtable_bytes_max: u64,
    /// Blocks held in memory for reads. Taken only when used.
    pub block_cache_bytes_max: u64,
    /// Files kept open; at least 10.
    pub open_files_max: usize,
    /// Bytes that must be free on the disk: below it nothing is kept. More than the truth beside
    /// it keeps back, so that the cache gives way first.
    pub free_bytes_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 4 << 30,
            body_bytes_max: 256 * 1024 - 1,
            queue_max: 4096,
            queue_bytes_max: 16 << 20,
            batch_max: 256,
            memtable_bytes_max: 1 << 20,
            block_cache_bytes_max: 2 << 20,
            open_files_max: 16,
            free_bytes_min: 256 << 20,
        }
    }
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("disk cache in {dir}: {why}")]
pub struct Error {
    dir: String,
    why: String,
}

/// How full the tier is, and what went wrong since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub entries: u64,
    pub bytes: u64,
    /// Entries that were not kept because too many waited.
    pub dropped: u64,
    /// Entries that did not decode, and were treated as not there.
    pub damaged: u64,
}

/// One node's disk tier. Dropping it writes what waits.
pub struct Disk {
    shared: Arc<Shared>,
    limits: Limits,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Opened with the first entry of a new tier: a node that keeps nothing makes no folder.
    engine: OnceLock<Engine>,
    dir: PathBuf,
    limits: Limits,
    boot: u64,
    queue: Queue,
    /// The disk has no room for what may be thrown away.
    full: AtomicBool,
    dropped: AtomicU64,
    damaged: AtomicU64,
}

impl Disk {
    /// Opens the tier in `dir`, which it makes when it has something to keep. `boot` names this run of the node: what
    /// an earlier run kept comes back with nobody vouching for it.
    ///
    /// # Errors
    /// When the folder cannot be used or is in use.
    pub fn open(dir: &Path, limits: Limits, boot: u64) -> Result<Self, Error> {
        let error = |why: String| Error { dir: dir.display().to_string(), why };
        let queue = Queue::new(limits.queue_max, limits.queue_bytes_max, limits.batch_max);
        let (dropped, damaged) = (AtomicU64::new(0), AtomicU64::new(0));
        let (engine, dir) = (OnceLock::new(), dir.to_owned());
        let full = AtomicBool::new(!has_room(&dir, limits.free_bytes_min));
        let shared = Arc::new(Shared { engine, dir, limits, boot, queue, full, dropped, damaged });
        if shared.dir.exists() {
            shared.engine().map_err(|why| error(why.to_string()))?;
        }
        let writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("disk-writer".into())
            .spawn(move || write_behind(&writer))
            .map_err(|why| error(why.to_string()))?;
        Ok(Self { shared, limits, thread: Some(thread) })
    }

    /// What was last kept for a key, if it is still there. Reads the disk.
    pub fn get(&self, space: SpaceId, key: &[u8]) -> Option<Kept> {
        match self.shared.queue.pending(space, key) {
            Some(Change::Keep(kept)) => return Some(kept),
            Some(Change::Forget) => return None,
            None => {}
        }
        match self.shared.engine.get()?.get(space, key) {
            Ok(kept) => kept,
            Err(damage) => {
                tracing::warn!(%space, key = %key.escape_ascii(), %damage, "a damaged entry is forgotten");
                self.shared.damaged.fetch_add(1, Ordering::Relaxed);
                self.forget(space, key);
                None
            }
        }
    }

    /// Keeps an entry in place of what was kept for the key. Never waits: when too much does, the
    /// entry is not kept, nor is what was there before.
    pub fn keep(&self, space: SpaceId, key: Bytes, kept: Kept) {
        if kept.body.as_ref().is_some_and(|body| body.len() > self.limits.body_bytes_max) {
            return self.shared.queue.forget(space, &key);
        }
        if self.shared.full.load(Ordering::Relaxed) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            // Wakes the writer, which looks for room again.
            return self.shared.queue.forget(space, &key);
        }
        if !self.shared.queue.keep(space, key, kept) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn forget(&self, space: SpaceId, key: &[u8]) {
        self.shared.queue.forget(space, key);
    }

    /// Asks of every entry whether it stays. Bodies are not read: one that is there comes empty.
    /// Reads the whole index: not for a thread that answers requests.
    pub fn each(&self, keep: impl Fn(SpaceId, &[u8], &Kept) -> bool) {
        for (space, key, kept) in self.shared.queue.kept() {
            if !keep(space, &key, &kept) {
                self.forget(space, &key);
            }
        }
        let Some(engine) = self.shared.engine.get() else { return };
        engine.each(|space, key, kept| {
            // What waits was asked above; what was kept since the sweep began stays.
            if self.shared.queue.pending(space, key).is_none()
                && !keep(space, key, kept)
                && engine.version(space, key) == Some(kept.version)
            {
                self.forget(space, key);
            }
        });
    }

    /// Waits until everything kept so far is on the disk, to be there after a graceful close.
    pub fn flush(&self) {
        self.shared.queue.wait_until_written();
        self.shared.sync();
    }

    pub fn counts(&self) -> Counts {
        let (entries, bytes) = self.shared.engine.get().map_or((0, 0), Engine::held);
        Counts {
            entries,
            bytes,
            dropped: self.shared.dropped.load(Ordering::Relaxed),
            damaged: self.shared.damaged.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the disk cache panicked");
        }
        self.shared.sync();
    }
}

impl Shared {
    /// Opens the engine if it is not open yet. Called by one thread at a time: the one that opens
    /// the tier, then the one that writes.
    fn engine(&self) -> fjall::Result<&Engine> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        std::fs::create_dir_all(&self.dir)?;
        let engine = match Engine::open(&self.dir, self.limits, self.boot) {
            Err(error) if !matches!(error, fjall::Error::Locked) => {
                // Half made on a full disk, or damaged: all of it may be thrown away.
                tracing::warn!(%error, dir = %self.dir.display(), "the disk cache begins anew");
                std::fs::remove_dir_all(&self.dir)?;
                std::fs::create_dir_all(&self.dir)?;
                Engine::open(&self.dir, self.limits, self.boot)?
            }
            opened => opened?,
        };
        Ok(self.engine.get_or_init(|| engine))
    }

    fn sync(&self) {
        if let Some(engine) = self.engine.get() {
            engine.sync();
        }
    }
}

/// Nobody may wait for a thread that is gone.
struct Failing<'a>(&'a Queue);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

/// A disk that does not say is tried.
fn has_room(dir: &Path, free_min: u64) -> bool {
    let found = dir.ancestors().find_map(|dir| rustix::fs::statvfs(dir).ok());
    found.is_none_or(|found| found.f_bavail.saturating_mul(found.f_frsize) >= free_min)
}

fn write_behind(shared: &Shared) {
    let _failing = Failing(&shared.queue);
    let Shared { dir, limits, .. } = shared;
    while let Some(work) = shared.queue.take() {
        let full = !has_room(dir, limits.free_bytes_min);
        if shared.full.swap(full, Ordering::Relaxed) != full {
            tracing::warn!(full, dir = %dir.display(), "room for the disk cache");
        }
        if full && shared.engine.get().is_none() {
            // Nothing is there to forget, and nothing can be made.
            shared.queue.written(&work);
            continue;
        }
        let written = shared.engine().and_then(|engine| match &work {
            Work::Changes(changes) => engine.write(changes.iter()),
            Work::Clear => engine.clear(),
        });
        if let Err(error) = written {
            tracing::error!(%error, "the disk cache cannot be written and is not used any more");
            shared.queue.fail();
            return;
        }
        shared.queue.written(&work);
    }
}
