//! The disk tier at its border: what is kept comes back, never older than it was last kept.

use littoral_types::{Position, StoreId};
use tempfile::TempDir;

use super::*;

const SPACE: SpaceId = SpaceId(7);
const BOOT: u64 = 1;

fn open(dir: &TempDir, boot: u64) -> Disk {
    Disk::open(dir.path(), Limits::default(), boot).unwrap()
}

fn kept(ms: u64, body: impl Into<Bytes>) -> Kept {
    Kept {
        version: Version::new(Wall(ms), 0, 1),
        body: Some(body.into()),
        meta: "meta".into(),
        tags: Some([Tag(4)].into()),
        expires_at: Some(Wall(99)),
        vouched_at: Mono(5),
        positions: Positions::NONE.with(StoreId(1), Position::new(3, 4)),
        confirmed: true,
    }
}

fn version(disk: &Disk, key: &str) -> Option<u64> {
    disk.get(SPACE, key.as_bytes()).map(|kept| kept.version.wall().0)
}

fn body(disk: &Disk, key: &str) -> Option<usize> {
    Some(disk.get(SPACE, key.as_bytes())?.body?.len())
}

#[test]
fn an_entry_is_the_same_while_it_waits_once_it_is_written_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let entries = [kept(5, "small"), kept(6, vec![1; 300]), kept(7, vec![2; 100_000])];
    let absent = Kept { body: None, tags: None, expires_at: None, ..kept(8, "") };
    let all = || entries.iter().chain([&absent]).enumerate();
    let check = |disk: &Disk| {
        for (n, entry) in all() {
            let found = disk.get(SPACE, n.to_string().as_bytes()).unwrap();
            assert_eq!(format!("{found:?}"), format!("{entry:?}"));
        }
        assert!(disk.get(SpaceId(8), b"0").is_none());
    };
    let disk = open(&dir, BOOT);
    for (n, entry) in all() {
        disk.keep(SPACE, n.to_string().into(), entry.clone());
    }
    check(&disk);
    disk.flush();
    check(&disk);
    drop(disk);
    check(&open(&dir, BOOT));
}

#[test]
fn a_tier_that_does_not_open_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    disk.keep(SPACE, "a".into(), kept(5, "old"));
    drop(disk);
    std::fs::write(dir.path().join("version"), "").unwrap();
    let disk = open(&dir, BOOT);
    disk.keep(SPACE, "b".into(), kept(6, "new"));
    disk.flush();
    assert_eq!((version(&disk, "a"), version(&disk, "b")), (None, Some(6)));
}

#[test]
fn a_full_disk_keeps_nothing_new_and_nothing_older_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    disk.keep(SPACE, "a".into(), kept(5, "old"));
    disk.keep(SPACE, "b".into(), kept(5, "old"));
    drop(disk);
    let full = Limits { free_bytes_min: u64::MAX, ..Limits::default() };
    let disk = Disk::open(dir.path(), full, BOOT).unwrap();
    disk.keep(SPACE, "a".into(), kept(6, "new"));
    disk.flush();
    assert_eq!((version(&disk, "a"), version(&disk, "b")), (None, Some(5)));
    assert_eq!(disk.counts().dropped, 1);
}

#[test]
fn nobody_vouches_for_what_an_earlier_run_kept() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    disk.keep(SPACE, "a".into(), kept(5, vec![1; 300]));
    drop(disk);
    let disk = open(&dir, BOOT + 1);
    let found = disk.get(SPACE, b"a").unwrap();
    assert_eq!((found.vouched_at, found.confirmed), (Mono::LONG_AGO, false));
    assert_eq!(found.positions, Positions::NONE);
    let Kept { version, body, meta, tags, expires_at, .. } = kept(5, vec![1; 300]);
    assert_eq!((found.version, found.body, found.meta), (version, body, meta));
    assert_eq!((found.tags, found.expires_at), (tags, expires_at));
    disk.each(|_, _, kept| {
        assert_eq!((kept.vouched_at, kept.confirmed), (Mono::LONG_AGO, false));
        true
    });
}

#[test]
fn the_last_of_keep_and_forget_counts_whether_written_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    for flushed in [false, true] {
        let step = |disk: &Disk| {
            if flushed {
                disk.flush()
            }
        };
        disk.keep(SPACE, "a".into(), kept(5, vec![1; 300]));
        step(&disk);
        disk.keep(SPACE, "a".into(), kept(6, vec![1; 400]));
        step(&disk);
        assert_eq!((version(&disk, "a"), body(&disk, "a")), (Some(6), Some(400)));
        disk.forget(SPACE, b"a");
        step(&disk);
        assert_eq!(version(&disk, "a"), None);
        disk.keep(SPACE, "a".into(), kept(4, "v"));
        step(&disk);
        assert_eq!((version(&disk, "a"), body(&disk, "a")), (Some(4), Some(1)));
    }
    disk.forget(SPACE, b"a");
    disk.flush();
    assert_eq!(disk.counts(), Counts::default());
}

#[test]
fn above_its_limit_the_oldest_kept_go() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_max: 10_000, ..Limits::default() };
    let disk = Disk::open(dir.path(), limits, BOOT).unwrap();
    for n in 0..20_u64 {
        disk.keep(SPACE, n.to_string().into(), kept(n, vec![0; 1000]));
        disk.flush();
        assert!(disk.counts().bytes <= 10_000);
        if n == 5 {
            // Kept again: as young as if new.
            disk.keep(SPACE, "0".into(), kept(100, vec![0; 1000]));
            disk.flush();
        }
    }
    let there = |disk: &Disk| (0..20).filter(|n| version(disk, &n.to_string()).is_some()).collect();
    let young: Vec<_> = (12..20).collect();
    assert_eq!((there(&disk), disk.counts().entries), (young.clone(), 8));
    disk.keep(SPACE, "19".into(), kept(200, vec![0; 20_000]));
    disk.flush();
    assert_eq!(version(&disk, "19"), None, "larger than the disk");
    drop(disk);
    let disk = Disk::open(dir.path(), limits, BOOT).unwrap();
    assert_eq!((there(&disk), disk.counts().entries), (young[..7].to_vec(), 7));
    disk.keep(SPACE, "20".into(), kept(1, vec![0; 1000]));
    disk.keep(SPACE, "21".into(), kept(1, vec![0; 1000]));
    disk.flush();
    assert_eq!((there(&disk), disk.counts().entries), (young[1..7].to_vec(), 8));
}

#[test]
fn a_body_above_the_limit_is_not_kept_and_nor_is_what_it_replaces() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    disk.keep(SPACE, "a".into(), kept(5, "v"));
    disk.keep(SPACE, "a".into(), kept(6, vec![0; 256 * 1024]));
    assert_eq!(version(&disk, "a"), None);
    disk.keep(SPACE, "a".into(), kept(7, vec![0; 256 * 1024 - 1]));
    disk.flush();
    assert_eq!(version(&disk, "a"), Some(7));
}

#[test]
fn a_damaged_entry_is_counted_and_is_as_if_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_max: 3000, ..Limits::default() };
    let disk = Disk::open(dir.path(), limits, BOOT).unwrap();
    for key in ["a", "b"] {
        disk.keep(SPACE, key.into(), kept(5, vec![0; 1000]));
    }
    disk.flush();
    disk.shared.engine().unwrap().damage(SPACE, b"a");
    assert_eq!((version(&disk, "a"), version(&disk, "b")), (None, Some(5)));
    assert_eq!(disk.counts().damaged, 1);
    disk.flush();
    assert_eq!((version(&disk, "a"), disk.counts().damaged), (None, 1), "forgotten by now");
    disk.keep(SPACE, "a".into(), kept(6, vec![0; 1000]));
    disk.flush();
    disk.keep(SPACE, "c".into(), kept(6, vec![0; 500]));
    disk.flush();
    assert_eq!(version(&disk, "a"), Some(6));
    let entries = ["a", "b", "c"].into_iter().filter(|key| version(&disk, key).is_some()).count();
    assert_eq!(disk.counts().entries, entries as u64);
    let cut = disk.shared.engine().unwrap().cut_bodies();
    assert!(cut > 0 && version(&disk, "a").is_none() && disk.counts().damaged == 2);
}

#[test]
fn a_sweep_sees_what_waits_and_what_is_written_and_removes_what_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    for n in 0..10_u64 {
        disk.keep(SPACE, n.to_string().into(), kept(n, vec![0; 300]));
        if n == 5 {
            disk.flush();
        }
    }
    disk.keep(SPACE, "3".into(), kept(30, "v"));
    disk.each(|space, _, kept| {
        assert_eq!(space, SPACE);
        kept.version.wall().0 % 2 == 0
    });
    let there = || (0..10).filter(|n| version(&disk, &n.to_string()).is_some()).collect::<Vec<_>>();
    assert_eq!(there(), [0, 2, 3, 4, 6, 8]);
    disk.flush();
    assert_eq!(there(), [0, 2, 3, 4, 6, 8]);
}

#[test]
fn a_cleared_disk_takes_new_entries_and_counts_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(&dir, BOOT);
    for key in ["a", "b"] {
        disk.keep(SPACE, key.into(), kept(5, vec![0; 300]));
    }
    disk.flush();
    disk.shared.engine().unwrap().clear().unwrap();
    assert_eq!((version(&disk, "a"), disk.counts()), (None, Counts::default()));
    disk.keep(SPACE, "a".into(), kept(6, vec![0; 300]));
    drop(disk);
    let disk = open(&dir, BOOT);
    assert_eq!(
        (version(&disk, "a"), version(&disk, "b"), disk.counts().entries),
        (Some(6), None, 1)
    );
}

#[test]
fn a_new_tier_makes_its_folder_with_its_first_entry() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cache");
    let disk = Disk::open(&folder, Limits::default(), BOOT).unwrap();
    assert!(disk.get(SPACE, b"a").is_none());
    disk.flush();
    assert!(!folder.exists() && disk.counts() == Counts::default());
    disk.keep(SPACE, b"a".as_ref().into(), kept(1, "x"));
    disk.flush();
    assert!(folder.exists());
    drop(disk);
    let again = Disk::open(&folder, Limits::default(), BOOT + 1).unwrap();
    assert_eq!(again.get(SPACE, b"a").unwrap().body.as_deref(), Some(&b"x"[..]));
}
