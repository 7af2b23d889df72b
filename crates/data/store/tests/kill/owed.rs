//! The queue of debts under load, killed: what was added and not yet being paid is still owed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use littoral_clock::{Chance, Clock};
use littoral_store::{Condition, Debt, FILE_BYTES_MIN, Owed, OwedOptions, Row, Write};
use littoral_types::{Body, SpaceId, StoreId, Version};

use crate::process::{Death, dir, run_until_dead, say};

const SPACE: SpaceId = SpaceId(7);
const STORE: StoreId = StoreId(1);
const KEYS: u64 = 12;
const ROUNDS: usize = 20;

fn open(dir: &Path) -> Arc<Owed> {
    Owed::open(dir, OwedOptions::default()).unwrap()
}

fn body(version: Version) -> Vec<u8> {
    let (time, _) = version.parts();
    let len = if time.is_multiple_of(29) { FILE_BYTES_MIN } else { 40 };
    time.to_be_bytes().into_iter().cycle().take(len).collect()
}

/// Each key has one writer, so that what it said last is how things stood.
async fn owe_and_pay_forever(owed: &Owed, clock: &Clock, key: u64, mut chance: Chance) {
    let name = Bytes::from(format!("key{key}"));
    for count in 0.. {
        let version = Version::new(clock.wall(), count as u16, count);
        let (time, writer) = version.parts();
        let row = Row { version, body: Body::Bytes(body(version).into()), ..Row::default() };
        let (key_of_row, condition, now) = (name.clone(), Condition::Newer, version.wall());
        let write = Write { space: SPACE, key: key_of_row, row, condition, now };
        owed.add(STORE, write).await.unwrap();
        say(&format!("owes {key} {time} {writer}"));
        if chance.happens(0.3) {
            say(&format!("pays {key} {time} {writer}"));
            owed.settle(STORE, SPACE, &name, version).await.unwrap();
        }
    }
}

#[test]
#[ignore = "a child of the test below"]
fn child_owes_until_it_is_killed() {
    let Some(dir) = dir() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let owed = open(Path::new(&dir));
        let (clock, mut chance) = (Clock::system(), Chance::from_machine());
        join_all((0..KEYS).map(|key| owe_and_pay_forever(&owed, &clock, key, chance.fork()))).await;
    });
}

fn check(dir: &Path, expected: &BTreeMap<u64, Version>) {
    let owed = open(dir);
    let debts = owed.next(STORE, usize::MAX).unwrap();
    assert_eq!(debts.len() as u64, owed.len(STORE));
    let mut found = BTreeMap::new();
    let mut files = 0;
    for debt in debts {
        let Debt::Write(Write { key, row, .. }) = debt else { panic!("{debt:?}") };
        let bytes = match row.body {
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::File(blob) => {
                files += 1;
                std::fs::read(blob.path()).unwrap()
            }
            Body::Absent => panic!("{key:?}"),
        };
        assert!(bytes == body(row.version), "the body of {key:?} is torn");
        assert_eq!(found.insert(key.clone(), row.version), None, "{key:?} is owed once");
    }
    for (key, version) in expected {
        let key = Bytes::from(format!("key{key}"));
        assert!(found.get(&key) >= Some(version), "{key:?} at {version}: {found:?}");
    }
    assert_eq!(std::fs::read_dir(dir.join("blobs")).unwrap().count(), files);
}

#[test]
fn a_killed_queue_has_every_debt_that_nobody_began_to_pay() {
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance::from_machine();
    let mut expected = BTreeMap::new();
    for round in 0..ROUNDS {
        let death = if round % 2 == 0 { Death::Killed } else { Death::Aborts };
        let test = "owed::child_owes_until_it_is_killed";
        let said = run_until_dead(test, dir.path(), death, 200, &mut chance);
        for line in &said {
            let words: Vec<_> = line.split(' ').collect();
            let number = |word: usize| words[word].parse::<u64>().unwrap();
            let (key, version) = (number(1), Version::from_parts(number(2), number(3)));
            match words[0] {
                "owes" => expected.insert(key, version),
                _ => expected.remove(&key),
            };
        }
        println!("round {round}, {death:?}: {} lines, {} owed", said.len(), expected.len());
        check(dir.path(), &expected);
    }
}
