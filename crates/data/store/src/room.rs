//! Whether the disk takes more, asked before anything is written to it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::Error;

/// Bytes written to see whether a disk that refused takes writes again.
const PROBE: [u8; 4096] = [0; 4096];

/// Refuses when less than `free_min` bytes would be left of the disk that `dir` is on.
pub(crate) fn check(dir: &Path, free_min: u64) -> Result<(), Error> {
    enough(free(dir)?, free_min)
}

/// Bytes that are free on the disk that `dir` is on.
pub(crate) fn free(dir: &Path) -> Result<u64, Error> {
    let found = rustix::fs::statvfs(dir)
        .map_err(|error| Error::Write(format!("{}: {error}", dir.display())))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Refuses when fewer than `free_min` bytes are `free`.
pub(crate) fn enough(free: u64, free_min: u64) -> Result<(), Error> {
    if free < free_min {
        let why = format!(
            "the disk is full: {} MiB are free, {} MiB are kept back; free some, writes then go on",
            free >> 20,
            free_min >> 20
        );
        return Err(Error::Write(why));
    }
    Ok(())
}

/// Writes a file, syncs and removes it.
pub(crate) fn probe(dir: &Path) -> Result<(), Error> {
    let path = dir.join("probe");
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&path)?;
        file.write_all(&PROBE)?;
        file.sync_all()
    };
    let written = write();
    // What is left of it is written over by the next one.
    drop(fs::remove_file(&path));
    written.map_err(|error| Error::Write(format!("the disk does not take writes: {error}")))
}
