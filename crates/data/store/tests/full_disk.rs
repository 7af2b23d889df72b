//! A disk that is full: nothing is acknowledged that is not durable, and reads go on.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_store::{
    Applied, Condition, EngineLimits, Error, Fjall, Options, Owed, OwedOptions, Row, Store, Sync,
    Write,
};
use littoral_types::{Blob, Body, SpaceId, StoreId, Version, Wall};

const SPACE: SpaceId = SpaceId(7);
const STORE: StoreId = StoreId(1);
const DIR: &str = "LITTORAL_FULL_DISK_TEST_DIR";
/// In blocks of 512 bytes: just above what the engine takes for an empty journal, 64 MiB.
const FILE_BLOCKS_MAX: u64 = 140_000;
const LARGE: u64 = 200 << 20;

fn open(dir: &Path) -> Arc<Fjall> {
    // No table is ever written: the journal grows until the disk is full.
    let engine = EngineLimits { memtable_bytes_max: 1 << 30, ..EngineLimits::default() };
    let options = Options { sync: Sync::None, engine, ..Options::default() };
    Fjall::open(dir, options, Clock::system()).unwrap()
}

fn open_owed(dir: &Path) -> Arc<Owed> {
    let engine = EngineLimits { memtable_bytes_max: 1 << 30, ..EngineLimits::default() };
    let next_bytes_max = u64::MAX;
    let options =
        OwedOptions { sync: Sync::None, engine, next_bytes_max, ..OwedOptions::default() };
    Owed::open(dir, options).unwrap()
}

fn version(n: u64) -> Version {
    Version::new(Wall(n), 0, 1)
}

fn put(n: u64, body: Body) -> Write {
    let row = Row { version: version(n), body, ..Row::default() };
    let key = n.to_string().into();
    Write { space: SPACE, key, row, condition: Condition::Newer, now: Wall(0) }
}

async fn get(store: &Fjall, n: u64) -> Option<Row> {
    store.get(SPACE, Bytes::from(n.to_string())).await.unwrap().row
}

/// How many of the writes are there, from 1 on, and none after them.
async fn there(store: &Fjall) -> u64 {
    let mut n = 0;
    while get(store, n + 1).await.is_some() {
        n += 1;
    }
    assert_eq!(store.committed().borrow().number, n);
    n
}

/// Files of this process may grow again.
fn give_room() {
    let id = std::process::id().to_string();
    let given =
        Command::new("prlimit").args(["--fsize=unlimited:unlimited", "--pid", &id]).status();
    assert!(given.unwrap().success());
}

async fn a_little() {
    Clock::system().sleep(Duration::from_millis(20)).await;
}

#[test]
#[ignore = "a child of the test below"]
fn child_with_a_small_disk() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let store = open(&dir.join("store"));
        let large = Body::File(Blob::new(dir.join("large"), LARGE));
        let error = store.apply(put(1, large)).await.unwrap_err();
        assert!(matches!(&error, Error::Write(_)), "{error}");
        assert!(get(&store, 1).await.is_none());

        let body = Body::Bytes(vec![7; 200_000].into());
        let mut n = 1;
        let error = loop {
            match store.apply(put(n, body.clone())).await {
                Ok(applied) => assert!(matches!(applied, Applied::Yes { .. })),
                Err(error) => break error,
            }
            n += 1;
            assert!(n < 10_000, "the disk is never full");
        };
        assert!(matches!(&error, Error::Write(why) if why.contains("opened again")), "{error}");
        assert!(n > 100, "a large body that does not fit stops nobody");
        assert_eq!(there(&store).await, n - 1);
        let error = store.apply(put(n, Body::Absent)).await.unwrap_err();
        assert!(matches!(&error, Error::Write(why) if why.contains("opened again")), "{error}");
        assert_eq!(there(&store).await, n - 1);
        give_room();
        // The store opens itself again beside this: whether it still refuses one is its matter.
        while let Err(error) = store.apply(put(n, body.clone())).await {
            assert!(matches!(&error, Error::Write(_)), "{error}");
            assert_eq!(get(&store, 1).await.unwrap().version, version(1), "reads go on meanwhile");
            a_little().await;
        }
        assert_eq!(there(&store).await, n);
        std::fs::write(dir.join("acknowledged"), n.to_string()).unwrap();
    });
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_owes_with_a_small_disk() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let owed = open_owed(&dir.join("owed"));
        let body = Body::Bytes(vec![7; 200_000].into());
        let mut n = 1;
        let error = loop {
            match owed.add(STORE, put(n, body.clone())).await {
                Ok(()) => n += 1,
                Err(error) => break error,
            }
            assert!(n < 10_000, "the disk is never full");
        };
        assert!(matches!(&error, Error::Write(why) if why.contains("opened again")), "{error}");
        assert_eq!(owed.len(STORE), n - 1);
        let refused = owed.add(STORE, put(n, Body::Absent)).await;
        assert!(matches!(refused, Err(Error::Write(_))), "{refused:?}");
        assert_eq!(owed.next(STORE, usize::MAX).unwrap().len() as u64, n - 1);
        give_room();
        while let Err(error) = owed.add(STORE, put(n, body.clone())).await {
            assert!(matches!(&error, Error::Write(_)), "{error}");
            a_little().await;
        }
        assert_eq!(owed.len(STORE), n);
        assert_eq!(owed.next(STORE, usize::MAX).unwrap().len() as u64, n);
        std::fs::write(dir.join("acknowledged"), n.to_string()).unwrap();
    });
}

/// Runs a child whose files cannot grow much; how many writes it had acknowledged.
fn run_with_a_small_disk(child: &str, dir: &Path) -> u64 {
    let script = format!("trap '' XFSZ; ulimit -S -f {FILE_BLOCKS_MAX}; exec \"$0\" \"$@\"");
    let status = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args([child, "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    std::fs::read_to_string(dir.join("acknowledged")).unwrap().parse().unwrap()
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_and_loses_none_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::File::create(dir.path().join("large")).unwrap().set_len(LARGE).unwrap();
    let acknowledged = run_with_a_small_disk("child_with_a_small_disk", dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let store = open(&dir.path().join("store"));
        // The write that failed may have happened.
        let there = there(&store).await;
        assert!((acknowledged..=acknowledged + 1).contains(&there), "{there} of {acknowledged}");
        store.apply(put(there + 1, Body::Absent)).await.unwrap();
    });
}

#[test]
fn a_full_disk_refuses_debts_until_there_is_room_and_loses_none_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let acknowledged = run_with_a_small_disk("child_that_owes_with_a_small_disk", dir.path());
    let owed = open_owed(&dir.path().join("owed"));
    let there = owed.len(STORE);
    assert!((acknowledged..=acknowledged + 1).contains(&there), "{there} of {acknowledged}");
    assert_eq!(owed.next(STORE, usize::MAX).unwrap().len() as u64, there);
}
