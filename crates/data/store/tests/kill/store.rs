//! The embedded store under load, killed: acknowledged writes, the outbox and the files of large
//! bodies are checked after each kill.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_store::{
    Applied, Condition, FILE_BYTES_MIN, Fjall, List, Options, Purge, Row, Store, Write,
};
use littoral_types::{Body, SpaceId, Version};

use crate::process::{Death, dir, run_until_dead, say};

const SPACE: SpaceId = SpaceId(7);
const KEYS: u64 = 40;
const WRITERS: usize = 12;
const ROUNDS: usize = 24;

fn open(dir: &Path) -> Arc<Fjall> {
    Fjall::open(dir, Options::default(), Clock::system()).unwrap()
}

/// What a write's body must be, for a torn one to be noticed.
fn body(version: Version) -> Option<Vec<u8>> {
    let (time, writer) = version.parts();
    let len = match (time ^ (time >> 16)) % 100 {
        0..10 => return None,
        10..13 => FILE_BYTES_MIN + time as usize % 1000,
        13..40 => 1500,
        _ => 30,
    };
    let pattern = [time.to_be_bytes(), writer.to_be_bytes()].concat();
    Some(pattern.into_iter().cycle().take(len).collect())
}

async fn write_forever(store: &Fjall, hlc: &Hlc, mut chance: Chance) {
    loop {
        let (key, version) = (format!("key{}", chance.below(KEYS)), hlc.now());
        let body = body(version).map_or(Body::Absent, |body| Body::Bytes(body.into()));
        let row = Row { version, body, ..Row::default() };
        let condition = Condition::Newer;
        let key = Bytes::from(key);
        let now = version.wall();
        let write = Write { space: SPACE, key: key.clone(), row, condition, now };
        if let Applied::Yes { position } = store.apply(write).await.unwrap() {
            let (time, writer) = version.parts();
            say(&format!("{} {} {time} {writer}", position.number, key.escape_ascii()));
        }
    }
}

#[test]
#[ignore = "a child of the test below"]
fn child_writes_until_it_is_killed() {
    let Some(dir) = dir() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&dir));
        let mut chance = Chance::from_machine();
        let hlc = Hlc::new(Clock::system(), &mut chance, Duration::from_secs(1));
        join_all((0..WRITERS).map(|_| write_forever(&store, &hlc, chance.fork()))).await;
    });
}

#[derive(Clone, Debug)]
struct Ack {
    number: u64,
    key: Bytes,
    version: Version,
}

fn parse(line: &str) -> Ack {
    let words: Vec<_> = line.split(' ').collect();
    let [number, key, time, writer] = words[..] else { panic!("{line}") };
    let version = Version::from_parts(time.parse().unwrap(), writer.parse().unwrap());
    Ack { number: number.parse().unwrap(), key: Bytes::copy_from_slice(key.as_bytes()), version }
}

async fn check(dir: &Path, acks: &[Ack]) {
    let store = open(dir);
    let last = store.committed().borrow().number;
    let records = store.outbox(0, usize::MAX).await.unwrap().records;
    assert_eq!(records.len() as u64, last);
    let mut replayed = BTreeMap::new();
    for (number, record) in (1..).zip(&records) {
        let Purge::Write { key, version, live } = &record.purge else { panic!("{record:?}") };
        assert_eq!((record.number, record.space), (number, SPACE));
        assert_eq!(*live, body(*version).is_some());
        let before = replayed.insert(key.clone(), *version);
        assert!(before < Some(*version), "{key:?} went back");
    }
    for Ack { number, key, version } in acks {
        let record = &records[*number as usize - 1];
        let live = body(*version).is_some();
        let expected = Purge::Write { key: key.clone(), version: *version, live };
        assert_eq!(record.purge, expected, "acknowledged as {number}");
    }
    let list = List {
        space: SPACE,
        prefix: Bytes::new(),
        after: None,
        reverse: false,
        limit: usize::MAX,
        values: true,
    };
    let items = store.list(list).await.unwrap().items;
    let rows: BTreeMap<_, _> =
        items.iter().map(|item| (item.key.clone(), item.row.version)).collect();
    assert_eq!(rows, replayed, "rows and outbox say the same");
    let mut files = 0;
    for item in &items {
        let found = match &item.row.body {
            Body::Absent => None,
            Body::Bytes(bytes) => Some(bytes.to_vec()),
            Body::File(blob) => {
                files += 1;
                Some(std::fs::read(blob.path()).unwrap())
            }
        };
        assert!(found == body(item.row.version), "the body of {:?} is torn", item.key);
    }
    assert_eq!(std::fs::read_dir(dir.join("blobs")).unwrap().count(), files);
}

#[test]
fn a_killed_store_has_every_acknowledged_write_and_nothing_torn() {
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance::from_machine();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut acks = Vec::new();
    for round in 0..ROUNDS {
        let death = if round % 2 == 0 { Death::Killed } else { Death::Aborts };
        let test = "store::child_writes_until_it_is_killed";
        let said = run_until_dead(test, dir.path(), death, 300, &mut chance);
        acks.extend(said.iter().map(|line| parse(line)));
        println!("round {round}, {death:?}: {} acknowledged, {} in all", said.len(), acks.len());
        runtime.block_on(check(dir.path(), &acks));
    }
}
