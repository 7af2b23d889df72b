//! The folder of an embedded store, and what is read of it at the start.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::Keyspace;
use littoral_clock::{Chance, Clock};
use littoral_types::Position;
use tokio::sync::watch;

use super::Options;
use crate::Error;
use crate::blobs::Blobs;
use crate::engine::{Engine, Sync, read_error, write_error};
use crate::envelope;
use crate::recent::Recent;

/// What readers and the writer share.
pub(super) struct Core {
    pub(super) engine: Engine,
    /// [Row key](super::read::row_key) → row.
    pub(super) rows: Keyspace,
    /// Number → record, with the highest number last.
    pub(super) outbox: Keyspace,
    /// Id of a file → nothing: the files that rows name.
    pub(super) files: Keyspace,
    pub(super) meta: Keyspace,
    pub(super) blobs: Arc<Blobs>,
    pub(super) recent: Recent,
    /// Sent only by the writer, after a commit.
    pub(super) committed: watch::Sender<Position>,
    forgotten: AtomicU64,
    pub(super) clock: Clock,
    pub(super) options: Options,
}

const META: u8 = 1;
const INCARNATION: &str = "incarnation";
pub(super) const FORGOTTEN: &str = "forgotten";

impl Core {
    pub(super) fn open(dir: &Path, options: Options, clock: Clock) -> Result<Self, Error> {
        let io = |error: std::io::Error| Error::Write(format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(io)?;
        let engine = Engine::open(&dir.join("engine"), options.engine, options.sync)?;
        let synced = options.sync == Sync::Data;
        let meta = engine.plain("meta")?;
        let outbox = engine.plain("outbox")?;
        let incarnation = incarnation(&engine, &meta)?;
        let forgotten = read_meta(&meta, FORGOTTEN)?.unwrap_or(0);
        let position = Position::new(incarnation, last_number(&outbox)?.max(forgotten));
        let core = Self {
            rows: engine.separated("rows")?,
            outbox,
            files: engine.plain("files")?,
            meta,
            blobs: Arc::new(Blobs::open(dir.join("blobs"), synced).map_err(io)?),
            recent: Recent::new(options.outbox_recent_max),
            committed: watch::Sender::new(position),
            forgotten: AtomicU64::new(forgotten),
            clock,
            options,
            engine,
        };
        core.blobs.sweep(|id| core.files.contains_key(id.to_be_bytes())).map_err(read_error)?;
        Ok(core)
    }

    pub(super) fn position(&self) -> Position {
        *self.committed.borrow()
    }

    /// The number up to which outbox records are no longer kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    pub(super) fn forget(&self, through: u64) {
        self.forgotten.fetch_max(through, Ordering::AcqRel);
    }
}

/// A number under a name.
pub(super) fn encode_meta(number: u64) -> Vec<u8> {
    envelope::seal(META, &number)
}

fn read_meta(meta: &Keyspace, name: &str) -> Result<Option<u64>, Error> {
    let Some(bytes) = meta.get(name).map_err(read_error)? else {
        return Ok(None);
    };
    let damaged = |damage| Error::Damaged(format!("{name} of the store: {damage}"));
    envelope::open(META, &bytes).map(Some).map_err(damaged)
}

/// The stream's incarnation, chosen when the store is made.
fn incarnation(engine: &Engine, meta: &Keyspace) -> Result<u32, Error> {
    if let Some(found) = read_meta(meta, INCARNATION)? {
        return u32::try_from(found).map_err(|_| Error::Damaged("incarnation of the store".into()));
    }
    let new = Chance::from_machine().below(u64::from(u32::MAX)) as u32 + 1;
    let mut batch = engine.batch();
    batch.insert(meta, INCARNATION, encode_meta(new.into()));
    batch.commit().map_err(write_error)?;
    Ok(new)
}

fn last_number(outbox: &Keyspace) -> Result<u64, Error> {
    let Some(last) = outbox.last_key_value() else {
        return Ok(0);
    };
    let key = last.key().map_err(read_error)?;
    let number = key.as_ref().try_into().map(u64::from_be_bytes);
    number.map_err(|_| Error::Damaged("number in the outbox".into()))
}
