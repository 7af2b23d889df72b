//! Large bodies as plain files: copied and synced before a row refers to them, removed when no row
//! does and the last reader has let go.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use littoral_clock::Chance;
use littoral_types::{Blob, Body};
use xxhash_rust::xxh3::Xxh3Default;

use crate::staging::FILE_BYTES_MIN;
use crate::{Error, room};

/// A file as a row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) id: u64,
    pub(crate) len: u64,
    /// xxh3-64 of the content.
    pub(crate) checksum: u64,
}

/// A folder of bodies.
#[derive(Debug)]
pub(crate) struct Blobs {
    dir: PathBuf,
    synced: bool,
    chance: Mutex<Chance>,
    /// Files that are being read, so that all readers of one share it and a doomed one stays.
    live: Mutex<HashMap<u64, Weak<Blob>>>,
    /// Files that rows name and that are not what they should be; at most [`DAMAGED_MAX`].
    damaged: Mutex<HashSet<u64>>,
}

/// Whether a file nobody holds is read and compared with its checksum before it is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Reads it: blocks.
    Whole,
    /// [`Looked::Unread`] instead.
    Held,
    /// Its length only.
    Length,
}

/// A file as it was found.
#[derive(Debug)]
pub(crate) enum Looked {
    Sound(Arc<Blob>),
    /// Gone, or not what was written.
    Damaged,
    /// Has to be read first.
    Unread,
}

/// A finished file that no row names yet. Dropping it removes it, unless it was kept.
#[derive(Debug)]
pub(crate) struct Copied {
    path: PathBuf,
    reference: Reference,
    kept: bool,
}

const CHUNK: usize = 256 * 1024;

/// Damaged files remembered: past this, one is healed only by the next write of its key.
const DAMAGED_MAX: usize = 4096;

impl Blobs {
    pub(crate) fn open(dir: PathBuf, synced: bool) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let chance = Mutex::new(Chance::from_machine());
        Ok(Self { dir, synced, chance, live: Mutex::default(), damaged: Mutex::default() })
    }

    /// Copies a body that belongs in a file into a new one, durable when this returns.
    /// Refused when that would leave less than `free_min` bytes of the disk.
    pub(crate) async fn copy_large(
        self: &Arc<Self>,
        body: &Body,
        free_min: u64,
    ) -> Result<Option<Copied>, Error> {
        match body {
            Body::Absent => return Ok(None),
            Body::Bytes(bytes) if bytes.len() < FILE_BYTES_MIN => return Ok(None),
            _ => {}
        }
        room::check(&self.dir, free_min.saturating_add(body.len()))?;
        let (body, blobs) = (body.clone(), self.clone());
        let copy = move || match body {
            Body::File(blob) => blobs.copy(blob.open()?, blob.len()),
            Body::Bytes(bytes) => blobs.copy(bytes.as_ref(), bytes.len() as u64),
            Body::Absent => Err(io::ErrorKind::InvalidInput.into()),
        };
        let copied = tokio::task::spawn_blocking(copy).await.map_err(|_| Error::Closed)?;
        copied.map(Some).map_err(|error| Error::Write(format!("a large body: {error}")))
    }

    /// Blocks.
    pub(crate) fn copy(&self, mut source: impl Read, len: u64) -> io::Result<Copied> {
        // Ids are never used again: a row that was read before its file went must not find another.
        let id = self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64();
        let part = self.dir.join(format!("{id:016x}.part"));
        let mut file = fs::File::create_new(&part)?;
        let mut copied = Copied {
            path: part.clone(),
            reference: Reference { id, len, checksum: 0 },
            kept: false,
        };
        let (written, checksum) = pour(&mut source, &mut file)?;
        if written != len {
            let what = format!("a body of {len} bytes turned out to have {written}");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        copied.reference.checksum = checksum;
        if self.synced {
            file.sync_data()?;
        }
        let path = self.path(id);
        fs::rename(&part, &path)?;
        copied.path = path;
        if self.synced {
            fs::File::open(&self.dir)?.sync_all()?;
        }
        Ok(copied)
    }

    /// The file of a row.
    ///
    /// Whoever read the row must read it again afterwards: while it still names the file, no later
    /// write can take the file away from the holder of this handle.
    pub(crate) fn get(&self, reference: Reference, check: Check) -> io::Result<Looked> {
        if let Some(blob) = self.held(reference.id) {
            return Ok(Looked::Sound(blob));
        }
        let sound = match check {
            Check::Held => return Ok(Looked::Unread),
            Check::Whole => self.is_whole(reference, true),
            Check::Length => self.is_whole(reference, false),
        };
        if !sound? {
            let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
            if damaged.len() < DAMAGED_MAX {
                damaged.insert(reference.id);
            }
            return Ok(Looked::Damaged);
        }
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blob) = live.get(&reference.id).and_then(Weak::upgrade) {
            return Ok(Looked::Sound(blob));
        }
        if live.len() == live.capacity() {
            live.retain(|_, blob| blob.strong_count() > 0);
        }
        let blob = Blob::new(self.path(reference.id), reference.len);
        live.insert(reference.id, Arc::downgrade(&blob));
        Ok(Looked::Sound(blob))
    }

    fn held(&self, id: u64) -> Option<Arc<Blob>> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(&id).and_then(Weak::upgrade)
    }

    fn is_whole(&self, reference: Reference, read: bool) -> io::Result<bool> {
        let mut file = match fs::File::open(self.path(reference.id)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() != reference.len {
            return Ok(false);
        }
        Ok(!read || pour(&mut file, &mut io::sink())?.1 == reference.checksum)
    }

    /// Whether this file was found damaged.
    pub(crate) fn is_damaged(&self, id: u64) -> bool {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// No row names this file any more: it goes now, or with its last reader.
    pub(crate) fn doom(&self, id: u64) {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        match live.remove(&id).and_then(|blob| blob.upgrade()) {
            Some(blob) => blob.doom(),
            // A leftover is swept at the next start.
            None => drop(fs::remove_file(self.path(id))),
        }
    }

    /// Removes every file that `named` does not know. For the start, before anybody reads.
    pub(crate) fn sweep(&self, named: impl Fn(u64) -> Result<bool, Error>) -> Result<(), Error> {
        let io = |error: io::Error| Error::Write(format!("{}: {error}", self.dir.display()));
        for file in fs::read_dir(&self.dir).map_err(io)? {
            let path = file.map_err(io)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let id = u64::from_str_radix(name, 16).ok().filter(|id| self.path(*id) == path);
            let stays = match id {
                Some(id) => named(id)?,
                None => false,
            };
            if !stays {
                fs::remove_file(&path).map_err(io)?;
            }
        }
        Ok(())
    }

    fn path(&self, id: u64) -> PathBuf {
        self.dir.join(format!("{id:016x}"))
    }
}

impl Copied {
    pub(crate) fn reference(&self) -> Reference {
        self.reference
    }

    /// A row names it now, or may after a failed commit.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        if !self.kept {
            // A leftover is swept at the next start.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Copies everything; its length and checksum.
fn pour(source: &mut impl Read, file: &mut impl io::Write) -> io::Result<(u64, u64)> {
    let mut hasher = Xxh3Default::new();
    let mut chunk = vec![0; CHUNK];
    let mut len = 0;
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => return Ok((len, hasher.digest())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&chunk[..read]);
        file.write_all(&chunk[..read])?;
        len += read as u64;
    }
}
