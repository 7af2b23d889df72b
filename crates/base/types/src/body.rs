//! The bytes of an answer: absent, in memory, or in a file that is passed on uncopied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

/// What a key holds. Cloning never copies bytes.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// There is no such key, and somebody vouched for that.
    #[default]
    Absent,
    Bytes(Bytes),
    File(Arc<Blob>),
}

/// A finished, immutable file. It is removed when it was [doomed] and the last holder lets go, so
/// that a reader is never cut off by a later write.
///
/// [doomed]: Blob::doom
#[derive(Debug)]
pub struct Blob {
    path: PathBuf,
    len: u64,
    doomed: AtomicBool,
}

impl Body {
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Bytes of content; 0 when absent.
    pub fn len(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(blob) => blob.len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes this holds in memory.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(blob) => blob.path.as_os_str().len() as u64,
        }
    }
}

impl Blob {
    /// Takes charge of a finished file of `len` bytes.
    pub fn new(path: PathBuf, len: u64) -> Arc<Self> {
        Arc::new(Self { path, len, doomed: AtomicBool::new(false) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn open(&self) -> io::Result<fs::File> {
        fs::File::open(&self.path)
    }

    /// The file goes when the last holder does.
    pub fn doom(&self) {
        self.doomed.store(true, Ordering::Release);
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if *self.doomed.get_mut() {
            // Already gone is as good; a leftover is swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
