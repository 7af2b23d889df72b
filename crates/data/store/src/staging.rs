//! Where bodies too large for memory are collected, before they are anybody's truth.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use littoral_types::Blob;

/// Bodies of at least this many bytes live in files of their own.
pub const FILE_BYTES_MIN: usize = 256 * 1024;

/// A folder of temporary files, emptied at each start.
#[derive(Debug)]
pub struct Staging {
    dir: PathBuf,
    next: AtomicU64,
}

/// A file being written. Dropping it unfinished removes it.
#[derive(Debug)]
pub struct Staged {
    file: fs::File,
    path: PathBuf,
    len: u64,
    finished: bool,
}

impl Staging {
    /// # Errors
    /// When the folder cannot be made or emptied.
    pub fn open(dir: &Path) -> io::Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir)?;
        }
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), next: AtomicU64::new(0) })
    }

    /// # Errors
    /// When the file cannot be made.
    pub fn create(&self) -> io::Result<Staged> {
        let path = self.dir.join(format!("{}", self.next.fetch_add(1, Ordering::Relaxed)));
        Ok(Staged { file: fs::File::create(&path)?, path, len: 0, finished: false })
    }
}

impl Staged {
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The finished file, which goes with its last holder. Not synced: a store copies it.
    pub fn finish(mut self) -> Arc<Blob> {
        self.finished = true;
        let blob = Blob::new(self.path.clone(), self.len);
        blob.doom();
        blob
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.finished {
            // A leftover is swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
