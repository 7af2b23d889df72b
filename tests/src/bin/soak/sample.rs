//! What the process holds at one moment, as the kernel tells.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    pub(crate) resident_bytes: u64,
    pub(crate) descriptors: u64,
    /// Blocks in use: files with holes take less than they are long.
    pub(crate) disk_bytes: u64,
}

impl Sample {
    pub(crate) fn take(process: u32, data_dir: &Path, at: Duration) -> Self {
        Self {
            at,
            resident_bytes: resident(process),
            descriptors: entries(&format!("/proc/{process}/fd")),
            disk_bytes: disk(data_dir),
        }
    }

    pub(crate) fn heading() -> String {
        format!("{:>7}  {:>10}  {:>5}  {:>9}  per second", "time", "resident", "files", "disk")
    }

    pub(crate) fn line(&self, rates: &str) -> String {
        let Self { at, resident_bytes, descriptors, disk_bytes } = self;
        let (resident, disk) = (mib(*resident_bytes), mib(*disk_bytes));
        format!(
            "{:>5} s  {resident:>6} MiB  {descriptors:>5}  {disk:>5} MiB  {rates}",
            at.as_secs()
        )
    }
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it is running");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.expect("the kernel says what is resident") << 10
}

fn entries(dir: &str) -> u64 {
    fs::read_dir(dir).expect("it is running").count() as u64
}

/// Files come and go while we look.
fn disk(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let below = if found.is_dir() { fs::read_dir(path).ok() } else { None };
    let below = below.into_iter().flatten().flatten().map(|entry| disk(&entry.path()));
    found.blocks() * 512 + below.sum::<u64>()
}
