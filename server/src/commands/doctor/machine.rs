//! The machine: data directory and disk, addresses, file descriptors, memory.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::HumanBytes;
use littoral_clock::Clock;
use littoral_link::Identity;
use rustix::process::{Resource, getrlimit};

use super::certificate::Own;
use super::report::Report;
use crate::client::is_alive;
use crate::config::Config;

/// What a store keeps free for its own work: below it, writes are refused.
const DISK_FREE_MIN: u64 = 128 << 20;
/// Below this it is time to make room.
const DISK_FREE_LOW: u64 = 1 << 30;
const INODES_FREE_MIN: u64 = 1_000;
const INODES_FREE_LOW: u64 = 50_000;
/// Files that stores and caches keep open, beside connections.
const FILES_BESIDE: u64 = 1_024;
/// What a node needs of memory beside its cache.
const MEMORY_BESIDE: u64 = 256 << 20;
const ALIVE_TIME_MAX: Duration = Duration::from_secs(2);

pub(super) async fn look(config: &Config, own: Option<&Own>, clock: &Clock, report: &mut Report) {
    data_dir(&config.data_dir, config.limits.disk.0, report);
    let runs = is_alive(config.listen, clock, ALIVE_TIME_MAX).await;
    let mut addresses = vec![config.listen];
    let located = config.locations.iter().filter_map(|location| location.listen);
    addresses.extend(located.filter(|_| config.node.is_none()));
    addresses.extend(own.and_then(|own| peers_address(config, &own.identity)));
    for address in addresses {
        bind(address, runs, report);
    }
    descriptors(config.limits.connections as u64, report);
    memory(config.limits.memory.0, report);
}

fn data_dir(dir: &Path, wanted: u64, report: &mut Report) {
    let there = nearest(dir);
    let tried = tempfile::Builder::new().prefix(".littoral-doctor-").tempfile_in(&there);
    let shown = dir.display();
    if let Err(error) = tried {
        report.error(
            "data-dir",
            format!("nothing can be written in {}: {error}", there.display()),
            "the node does not start, or refuses every write",
            format!("is the disk full or read-only, or is {shown} another user's?"),
        );
        return;
    }
    report.well(format!("{shown} can be written"));
    let Ok(disk) = rustix::fs::statvfs(&there) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    room(&format!("the disk of {shown}"), free, wanted, report);
    // Some file systems count none.
    if disk.f_files > 0 {
        inodes(&format!("the disk of {shown}"), disk.f_favail, report);
    }
}

/// The folder, or the one above it in which it would be made.
fn nearest(dir: &Path) -> PathBuf {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    dir.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

fn room(disk: &str, free: u64, wanted: u64, report: &mut Report) {
    let next = "make room, or move data-dir to a larger disk";
    if free < DISK_FREE_MIN {
        let what = format!("{disk} has {} free", HumanBytes(free));
        report.error("disk-full", what, "a store that stands here refuses new values", next);
    } else if free < DISK_FREE_LOW {
        let what = format!("{disk} has {} free", HumanBytes(free));
        report.warning("disk-low", what, "below 128 MiB a store refuses new values", next);
    } else {
        let note = if free < wanted { ", less than the cache may take (limits.disk)" } else { "" };
        report.well(format!("{disk} has {} free{note}", HumanBytes(free)));
    }
}

fn inodes(disk: &str, free: u64, report: &mut Report) {
    let what = format!("{disk} has {free} inodes left");
    let next = "remove small files, or make the file system anew with more inodes";
    if free < INODES_FREE_MIN {
        report.error("inodes", what, "no file can be made though there is room", next);
    } else if free < INODES_FREE_LOW {
        report.warning("inodes", what, "each value of 256 KiB or more is a file", next);
    }
}

fn peers_address(config: &Config, identity: &Identity) -> Option<SocketAddr> {
    let listen = config.node.as_ref()?.listen;
    let place = config.locations.iter().find(|place| place.name == identity.location)?;
    let listed = place.nodes.iter().find(|node| node.name == identity.node)?.address;
    Some(listen.unwrap_or(listed))
}

fn bind(address: SocketAddr, runs: bool, report: &mut Report) {
    match TcpListener::bind(address) {
        Ok(_) => report
            .well(format!("{address} is free{}", if runs { ", though a node runs" } else { "" })),
        Err(error) if error.kind() == ErrorKind::AddrInUse && runs => {
            report.well(format!("{address} is in use, and a node answers here"));
        }
        Err(error) => {
            let next = match error.kind() {
                ErrorKind::AddrInUse => {
                    "`ss -ltnp` says what listens there: stop it, or choose another address"
                }
                ErrorKind::AddrNotAvailable => "name an address of this machine (`ip addr`)",
                ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE",
                _ => "choose another address",
            };
            let what = format!("{address} cannot be listened on: {error}");
            report.error("address", what, "the node does not start", next);
        }
    }
}

fn descriptors(connections: u64, report: &mut Report) {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    few(most, connections, report);
}

fn few(most: u64, connections: u64, report: &mut Report) {
    let needed = connections + FILES_BESIDE;
    if most >= needed {
        report.well(format!("{most} file descriptors"));
        return;
    }
    let what = format!("a process may open {most} files here; limits.connections is {connections}");
    let why = format!(
        "it wants up to {needed}; past the limit connections are refused and files do not open"
    );
    let next =
        format!("LimitNOFILE={needed} in the unit, or `ulimit -n {needed}` before the start");
    if most < FILES_BESIDE {
        report.error("descriptors", what, why, next);
    } else {
        report.warning("descriptors", what, why, next);
    }
}

fn memory(cache: u64, report: &mut Report) {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    let Some(total) = total(&text, &group) else { return };
    fits(cache, total, report);
}

/// Of the machine, or of the group that this process is in if that is less.
fn total(meminfo: &str, group: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    let machine = kib << 10;
    Some(group.trim().parse().map_or(machine, |most: u64| most.min(machine)))
}

fn fits(cache: u64, total: u64, report: &mut Report) {
    let (needed, shown) = (cache.saturating_add(MEMORY_BESIDE), HumanBytes(total));
    let what = format!("limits.memory is {}, and this machine has {shown}", HumanBytes(cache));
    let why = "the kernel ends a process that takes more than there is";
    let next = "lower limits.memory; a quarter is left to the node itself and to the system";
    if needed > total {
        report.error("memory", what, why, next);
    } else if needed > total - total / 4 {
        report.warning("memory", what, why, next);
    } else {
        report.well(format!("{shown} of memory, {} for the cache", HumanBytes(cache)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(look: impl Fn(&mut Report)) -> Vec<&'static str> {
        let mut report = Report::default();
        look(&mut report);
        report.checks()
    }

    #[test]
    fn a_full_disk_is_told_in_bytes_and_in_inodes() {
        assert_eq!(found(|report| room("it", 100 << 20, 0, report)), ["disk-full"]);
        assert_eq!(found(|report| room("it", 500 << 20, 0, report)), ["disk-low"]);
        assert_eq!(found(|report| room("it", 2 << 30, 4 << 30, report)), Vec::<&str>::new());
        assert_eq!(found(|report| inodes("it", 10, report)), ["inodes"]);
        assert_eq!(found(|report| inodes("it", 1_000_000, report)), Vec::<&str>::new());
    }

    #[test]
    fn too_few_descriptors_are_told() {
        assert_eq!(found(|report| few(1_024, 16_384, report)), ["descriptors"]);
        assert_eq!(found(|report| few(65_536, 16_384, report)), Vec::<&str>::new());
    }

    #[test]
    fn a_cache_larger_than_the_machine_is_told_and_a_group_counts() {
        let meminfo = "MemFree: 1 kB\nMemTotal:       4194304 kB\n";
        assert_eq!(total(meminfo, "max\n"), Some(4 << 30));
        assert_eq!(total(meminfo, "1073741824\n"), Some(1 << 30));
        assert_eq!(found(|report| fits(8 << 30, 4 << 30, report)), ["memory"]);
        assert_eq!(found(|report| fits(3 << 30, 4 << 30, report)), ["memory"]);
        assert_eq!(found(|report| fits(512 << 20, 4 << 30, report)), Vec::<&str>::new());
    }

    #[test]
    fn a_folder_that_is_a_file_and_an_address_of_another_machine_are_told() {
        let home = tempfile::tempdir().expect("a folder");
        assert_eq!(
            found(|report| data_dir(&home.path().join("new/data"), 0, report)),
            Vec::<&str>::new()
        );
        let taken = TcpListener::bind("127.0.0.1:0").expect("free");
        let address = taken.local_addr().expect("bound");
        assert_eq!(found(|report| bind(address, false, report)), ["address"]);
        assert_eq!(found(|report| bind(address, true, report)), Vec::<&str>::new());
        let elsewhere = "192.0.2.1:8787".parse().expect("sound");
        assert_eq!(found(|report| bind(elsewhere, true, report)), ["address"]);
    }
}
