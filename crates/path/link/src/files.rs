//! Files of keys and certificates: whole or not there, and keys for their owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;
/// Bytes of a key's file.
const SECRET_BYTES_MAX: u64 = 64 << 10;

pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, SECRET)
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, PUBLIC)
}

pub(crate) fn read_secret(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > SECRET_BYTES_MAX {
        return Err(io::Error::other("it is too long for a key"));
    }
    fs::read_to_string(path)
}

/// A reader sees the old file or the new one, after a crash as well.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new: PathBuf = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
