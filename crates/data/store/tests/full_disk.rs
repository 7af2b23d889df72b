//! A disk that is full: nothing is acknowledged that is not durable, and reads go on.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_store::{
    Applied, Condition, EngineLimits, Error, Fjall, Options, Row, Store, Sync, Write,
};
use littoral_types::{Blob, Body, SpaceId, Version, Wall};

const SPACE: SpaceId = SpaceId(7);
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

fn put(n: u64, body: Body) -> Write {
    let row = Row { version: Version::new(Wall(n), 0, 1), body, ..Row::default() };
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

#[test]
#[ignore = "a child of the test below"]
fn child_with_a_small_disk() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
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
        std::fs::write(dir.join("acknowledged"), (n - 1).to_string()).unwrap();
    });
}

#[test]
fn a_full_disk_refuses_writes_and_loses_none_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::File::create(dir.path().join("large")).unwrap().set_len(LARGE).unwrap();
    let script = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS_MAX}; exec \"$0\" \"$@\"");
    let status = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["child_with_a_small_disk", "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir.path())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let acknowledged = std::fs::read_to_string(dir.path().join("acknowledged")).unwrap();
    let acknowledged: u64 = acknowledged.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = open(&dir.path().join("store"));
        // The write that failed may have happened.
        let there = there(&store).await;
        assert!((acknowledged..=acknowledged + 1).contains(&there), "{there} of {acknowledged}");
        store.apply(put(there + 1, Body::Absent)).await.unwrap();
    });
}
