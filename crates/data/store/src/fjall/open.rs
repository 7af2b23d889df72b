//! The folder of an embedded store, and what is read of it at the start.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use fjall::Keyspace;
use littoral_clock::{Chance, Clock};
use littoral_types::{Position, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::Options;
use crate::Error;
use crate::blobs::Blobs;
use crate::engine::{Engine, Sync, read_error, write_error};
use crate::envelope;
use crate::handle::Handle;
use crate::recent::Recent;

/// What readers and the writer share.
pub(super) struct Core {
    dir: PathBuf,
    pub(super) engine: Handle<Opened>,
    pub(super) blobs: Arc<Blobs>,
    pub(super) recent: Recent,
    /// Sent only by the writer, after a commit.
    pub(super) committed: watch::Sender<Position>,
    forgotten: AtomicU64,
    /// The highest version collected; raised only by the writer, after a commit.
    mark: RwLock<Version>,
    pub(super) clock: Clock,
    pub(super) options: Options,
}

/// The engine and what stands in it; replaced as a whole when it is opened again.
pub(super) struct Opened {
    pub(super) engine: Engine,
    /// [Row key](super::read::row_key) → row.
    pub(super) rows: Keyspace,
    /// Number → record, with the highest number last.
    pub(super) outbox: Keyspace,
    /// Id of a file → nothing: the files that rows name.
    pub(super) files: Keyspace,
    pub(super) meta: Keyspace,
}

const META: u8 = 1;
const INCARNATION: &str = "incarnation";
pub(super) const FORGOTTEN: &str = "forgotten";
pub(super) const COLLECTED: &str = "collected";

impl Core {
    pub(super) fn open(dir: &Path, options: Options, clock: Clock) -> Result<Self, Error> {
        let io = |error: std::io::Error| Error::Write(format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(io)?;
        let opened = Opened::open(dir, options)?;
        let incarnation = opened.incarnation()?;
        let (forgotten, mark) = (opened.forgotten()?, opened.mark()?);
        let position = Position::new(incarnation, opened.last_number()?);
        let blobs = Blobs::open(dir.join("blobs"), options.sync == Sync::Data).map_err(io)?;
        blobs.sweep(|id| opened.names(id))?;
        Ok(Self {
            dir: dir.to_owned(),
            engine: Handle::new(opened),
            blobs: Arc::new(blobs),
            recent: Recent::new(options.outbox_recent_max),
            committed: watch::Sender::new(position),
            forgotten: AtomicU64::new(forgotten),
            mark: RwLock::new(mark),
            clock,
            options,
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn position(&self) -> Position {
        *self.committed.borrow()
    }

    /// The number up to which outbox records are no longer kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// The collection mark.
    pub(super) fn mark(&self) -> Version {
        *self.mark.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn raise_mark(&self, to: Version) {
        let mut mark = self.mark.write().unwrap_or_else(PoisonError::into_inner);
        *mark = to.max(*mark);
    }

    pub(super) fn forget(&self, through: u64) {
        self.forgotten.fetch_max(through, Ordering::AcqRel);
    }
}

impl Opened {
    pub(super) fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        let engine = Engine::open(&dir.join("engine"), options.engine, options.sync)?;
        Ok(Self {
            rows: engine.separated("rows")?,
            outbox: engine.plain("outbox")?,
            files: engine.plain("files")?,
            meta: engine.plain("meta")?,
            engine,
        })
    }

    /// The number of the last record, kept or not.
    pub(super) fn last_number(&self) -> Result<u64, Error> {
        Ok(last_number(&self.outbox)?.max(self.forgotten()?))
    }

    pub(super) fn forgotten(&self) -> Result<u64, Error> {
        Ok(read_meta(&self.meta, FORGOTTEN)?.unwrap_or(0))
    }

    pub(super) fn mark(&self) -> Result<Version, Error> {
        let parts = read_meta(&self.meta, COLLECTED)?.unwrap_or_default();
        let (time, writer) = parts;
        Ok(Version::from_parts(time, writer))
    }

    /// Whether a row names this file.
    pub(super) fn names(&self, id: u64) -> Result<bool, Error> {
        self.files.contains_key(id.to_be_bytes()).map_err(read_error)
    }

    /// The stream's incarnation, chosen when the store is made.
    fn incarnation(&self) -> Result<u32, Error> {
        match read_meta::<u64>(&self.meta, INCARNATION)? {
            Some(found) => {
                u32::try_from(found).map_err(|_| Error::Damaged("incarnation of the store".into()))
            }
            None => self.renew(),
        }
    }

    /// Begins the stream anew: whoever followed the old one trusts nothing it said.
    pub(super) fn renew(&self) -> Result<u32, Error> {
        let new = Chance::from_machine().below(u64::from(u32::MAX)) as u32 + 1;
        let mut batch = self.engine.batch();
        batch.insert(&self.meta, INCARNATION, encode_meta(&u64::from(new)));
        batch.commit().map_err(write_error)?;
        Ok(new)
    }
}

/// A number, or the two of a version, under a name.
pub(super) fn encode_meta<T: Serialize>(what: &T) -> Vec<u8> {
    envelope::seal(META, what)
}

fn read_meta<T: DeserializeOwned>(meta: &Keyspace, name: &str) -> Result<Option<T>, Error> {
    let Some(bytes) = meta.get(name).map_err(read_error)? else {
        return Ok(None);
    };
    let damaged = |damage| Error::Damaged(format!("{name} of the store: {damage}"));
    envelope::open(META, &bytes).map(Some).map_err(damaged)
}

fn last_number(outbox: &Keyspace) -> Result<u64, Error> {
    let Some(last) = outbox.last_key_value() else {
        return Ok(0);
    };
    let key = last.key().map_err(read_error)?;
    let number = key.as_ref().try_into().map(u64::from_be_bytes);
    number.map_err(|_| Error::Damaged("number in the outbox".into()))
}
