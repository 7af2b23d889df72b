//! Opens what every node keeps on disk, all nodes at once: a new folder waits for the disk a
//! hundred times, and waits together cost no more than one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use littoral_disk::Disk;
use littoral_store::{Owed, OwedOptions, Staging};

use super::Error;
use crate::config::Limits;

/// What one node keeps on disk.
pub struct Disks {
    pub dir: PathBuf,
    /// Whether the node has lived before.
    pub restarted: bool,
    pub staging: Staging,
    pub owed: Arc<Owed>,
    pub cache: Disk,
}

/// A node's folder, and the name of this run in its cache.
pub struct Folder {
    pub dir: PathBuf,
    pub boot: u64,
}

/// Folders that are opened at once.
const AT_ONCE_MAX: usize = 16;

/// # Errors
/// When a folder cannot be used.
pub(super) fn open(folders: &[Folder], limits: &Limits) -> Result<Vec<Disks>, Error> {
    let mut opened = Vec::with_capacity(folders.len());
    for some in folders.chunks(AT_ONCE_MAX) {
        opened.extend(at_once(some, |folder| one(folder, limits))?);
    }
    Ok(opened)
}

/// Does the same with each, on a thread for each; the results in their order.
pub(super) fn at_once<'a, A: Sync, T: Send>(
    all: &'a [A],
    open: impl Fn(&'a A) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    thread::scope(|scope| {
        let open = &open;
        let threads: Vec<_> = all.iter().map(|one| scope.spawn(move || open(one))).collect();
        let joined = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(Error::Other("opening a folder failed".into())))
        });
        joined.collect()
    })
}

fn one(Folder { dir, boot }: &Folder, limits: &Limits) -> Result<Disks, Error> {
    let restarted = dir.exists();
    std::fs::create_dir_all(dir).map_err(|error| refused(dir, error))?;
    let staging = Staging::open(&dir.join("staging")).map_err(|error| refused(dir, error))?;
    let cache_limits =
        littoral_disk::Limits { bytes_max: limits.disk.0, ..littoral_disk::Limits::default() };
    thread::scope(|scope| {
        let cache = scope.spawn(|| Disk::open(&dir.join("cache"), cache_limits, *boot));
        let owed = Owed::open(&dir.join("owed"), OwedOptions::default());
        let owed = owed.map_err(|error| refused(dir, error))?;
        let cache = cache.join().map_err(|_| Error::Other("opening a cache failed".into()))?;
        let cache = cache.map_err(|error| refused(dir, error))?;
        Ok(Disks { dir: dir.clone(), restarted, staging, owed, cache })
    })
}

fn refused(dir: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::DataDir { path: dir.to_owned(), source: source.into() }
}
