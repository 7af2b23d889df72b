//! The queue at its border: order, newest version only, limits, and what a restart finds.

use std::fs;

use littoral_types::{Body, Tag, Wall};
use tempfile::TempDir;

use super::*;
use crate::{Condition, FILE_BYTES_MIN, Row, Staging};

const SPACE: SpaceId = SpaceId(7);
const STORE: StoreId = StoreId(1);

fn open(dir: &TempDir) -> Arc<Owed> {
    open_with(dir, OwedOptions::default())
}

fn open_with(dir: &TempDir, options: OwedOptions) -> Arc<Owed> {
    Owed::open(dir.path(), OwedOptions { sync: Sync::None, ..options }).unwrap()
}

fn at(ms: u64) -> Version {
    Version::new(Wall(ms), 0, 1)
}

fn put(key: &str, ms: u64, body: impl Into<Bytes>) -> Write {
    let row = Row { version: at(ms), body: Body::Bytes(body.into()), ..Row::default() };
    let key = Bytes::copy_from_slice(key.as_bytes());
    Write { space: SPACE, key, row, condition: Condition::Newer, now: Wall(3) }
}

/// What is owed, in order: `key@milliseconds` for writes, `#id` for purges.
fn next(owed: &Owed, limit: usize) -> String {
    let debts = owed.next(STORE, limit).unwrap();
    let show = |debt: &Debt| match debt {
        Debt::Write(write) => {
            format!("{}@{}", write.key.escape_ascii(), write.row.version.wall().0)
        }
        Debt::Purge { id, .. } => format!("#{id}"),
    };
    debts.iter().map(show).collect::<Vec<_>>().join(" ")
}

fn files(dir: &TempDir) -> usize {
    fs::read_dir(dir.path().join("blobs")).unwrap().count()
}

#[tokio::test]
async fn a_debt_comes_back_whole_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut write = put("a", 5, "value");
    write.row.meta = "meta".into();
    write.row.tags = Some([Tag(4)].into());
    write.row.expires_at = Some(Wall(99));
    write.condition = Condition::Version(at(3));
    let owed = open(&dir);
    owed.add(STORE, write.clone()).await.unwrap();
    let id = owed.add_purge(STORE, SPACE, Scope::Prefix("p".into())).await.unwrap();
    drop(owed);
    let owed = open(&dir);
    assert_eq!((owed.len(STORE), owed.len(STORE.other())), (2, 0));
    let debts = owed.next(STORE, 9).unwrap();
    let [Debt::Write(found), Debt::Purge { space, scope, id: found_id }] = &debts[..] else {
        panic!("{debts:?}")
    };
    assert_eq!(format!("{found:?}"), format!("{write:?}"));
    assert_eq!((*space, scope, *found_id), (SPACE, &Scope::Prefix("p".into()), id));
}

#[tokio::test]
async fn a_newer_write_of_a_key_takes_the_place_of_the_older() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open(&dir);
    for (key, ms) in [("a", 5), ("b", 6), ("a", 9), ("c", 7), ("b", 4)] {
        owed.add(STORE, put(key, ms, "v")).await.unwrap();
    }
    assert_eq!(next(&owed, 9), "a@9 b@6 c@7");
    assert_eq!(next(&owed, 2), "a@9 b@6");
    assert_eq!(owed.len(STORE), 3);
    let (first, second) =
        tokio::join!(owed.add(STORE, put("d", 1, "v")), owed.add(STORE, put("d", 2, "v")));
    first.and(second).unwrap();
    assert_eq!(next(&owed, 9), "a@9 b@6 c@7 d@2");
}

#[tokio::test]
async fn only_what_the_store_has_by_then_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open(&dir);
    for (key, ms) in [("a", 5), ("b", 6), ("c", 7)] {
        owed.add(STORE, put(key, ms, "v")).await.unwrap();
    }
    let settle = |key: &'static str, ms| owed.settle(STORE, SPACE, key.as_bytes(), at(ms));
    settle("a", 4).await.unwrap();
    settle("b", 6).await.unwrap();
    settle("unknown", 6).await.unwrap();
    assert_eq!(next(&owed, 9), "a@5 c@7");
    settle("c", 8).await.unwrap();
    owed.add(STORE, put("b", 6, "v")).await.unwrap();
    assert_eq!(next(&owed, 9), "a@5 b@6");
    drop(owed);
    let owed = open(&dir);
    assert_eq!((next(&owed, 9), owed.len(STORE)), ("a@5 b@6".into(), 2));
    owed.add(STORE, put("d", 1, "v")).await.unwrap();
    owed.settle(STORE, SPACE, b"a", at(5)).await.unwrap();
    assert_eq!(next(&owed, 9), "b@6 d@1");
}

#[tokio::test]
async fn every_purge_is_owed_by_itself_among_the_writes() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open(&dir);
    let first = owed.add_purge(STORE, SPACE, Scope::Everything).await.unwrap();
    owed.add(STORE, put("a", 5, "v")).await.unwrap();
    let second = owed.add_purge(STORE, SPACE, Scope::Everything).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(next(&owed, 9), format!("#{first} a@5 #{second}"));
    owed.settle_purge(STORE, first).await.unwrap();
    owed.settle_purge(STORE.other(), second).await.unwrap();
    assert_eq!(next(&owed, 9), format!("a@5 #{second}"));
}

#[tokio::test]
async fn past_its_limits_the_queue_takes_no_new_key_but_newer_writes_of_old_ones() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open_with(&dir, OwedOptions { debts_max: 2, ..OwedOptions::default() });
    owed.add(STORE, put("a", 5, "v")).await.unwrap();
    owed.add(STORE, put("b", 5, "v")).await.unwrap();
    let refused = owed.add(STORE, put("c", 5, "v")).await;
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    owed.add(STORE.other(), put("c", 5, "v")).await.unwrap();
    owed.add(STORE, put("a", 6, "v")).await.unwrap();
    owed.settle(STORE, SPACE, b"b", at(5)).await.unwrap();
    owed.add(STORE, put("c", 5, "v")).await.unwrap();
    assert_eq!(next(&owed, 9), "a@6 c@5");

    let dir = tempfile::tempdir().unwrap();
    let owed = open_with(&dir, OwedOptions { bytes_max: 1500, ..OwedOptions::default() });
    owed.add(STORE, put("a", 5, vec![0; 1000])).await.unwrap();
    let refused = owed.add(STORE, put("b", 5, vec![0; 1000])).await;
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    owed.add(STORE, put("a", 6, vec![0; 1200])).await.unwrap();
    owed.add(STORE, put("b", 5, "v")).await.unwrap();
}

#[tokio::test]
async fn one_answer_holds_few_bytes_but_at_least_one_debt() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open_with(&dir, OwedOptions { next_bytes_max: 1000, ..OwedOptions::default() });
    for key in ["a", "b", "c"] {
        owed.add(STORE, put(key, 5, vec![0; 700])).await.unwrap();
    }
    assert_eq!(next(&owed, 9), "a@5 b@5");
    owed.settle(STORE, SPACE, b"a", at(5)).await.unwrap();
    assert_eq!(next(&owed, 9), "b@5 c@5");
}

#[tokio::test]
async fn a_large_body_is_copied_and_goes_when_the_debt_is_paid() {
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::open(&dir.path().join("staging")).unwrap();
    let mut staged = staging.create().unwrap();
    staged.write(&[7; FILE_BYTES_MIN]).unwrap();
    let mut write = put("a", 5, "");
    write.row.body = Body::File(staged.finish());
    let owed = open(&dir);
    owed.add(STORE, write).await.unwrap();
    drop(owed);

    let owed = open(&dir);
    let debts = owed.next(STORE, 1).unwrap();
    let Debt::Write(Write { row: Row { body: Body::File(blob), .. }, .. }) = &debts[0] else {
        panic!("{debts:?}")
    };
    owed.settle(STORE, SPACE, b"a", at(5)).await.unwrap();
    assert_eq!(fs::read(blob.path()).unwrap(), [7; FILE_BYTES_MIN], "still being delivered");
    drop(debts);
    assert_eq!((owed.len(STORE), next(&owed, 9)), (0, String::new()));
    owed.add(STORE, put("a", 6, vec![1; FILE_BYTES_MIN])).await.unwrap();
    owed.add(STORE, put("a", 7, vec![2; FILE_BYTES_MIN])).await.unwrap();
    drop(owed);
    assert_eq!(files(&dir), 1);
}

#[tokio::test]
async fn a_damaged_debt_is_dropped_and_does_not_stop_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open(&dir);
    owed.add(STORE, put("a", 5, "v")).await.unwrap();
    owed.add(STORE, put("b", 5, "v")).await.unwrap();
    owed.folder
        .engine
        .get()
        .unwrap()
        .debts
        .insert(encoding::debt_key(STORE, 1), "nonsense")
        .unwrap();
    assert_eq!(next(&owed, 9), "b@5");
    owed.add(STORE, put("c", 5, "v")).await.unwrap();
    assert_eq!((next(&owed, 9), owed.len(STORE)), ("b@5 c@5".into(), 2));
}

#[tokio::test]
async fn adding_wakes_who_waits_for_debts() {
    let dir = tempfile::tempdir().unwrap();
    let owed = open(&dir);
    let mut added = owed.added();
    owed.add(STORE, put("a", 5, "v")).await.unwrap();
    assert!(added.has_changed().unwrap());
    added.mark_unchanged();
    owed.add(STORE, put("a", 4, "older")).await.unwrap();
    owed.settle(STORE, SPACE, b"a", at(5)).await.unwrap();
    assert!(!added.has_changed().unwrap());
    owed.add_purge(STORE, SPACE, Scope::Everything).await.unwrap();
    assert!(added.has_changed().unwrap());
}
