//! The embedded store at its border: what is written, answered, numbered and found after reopening.

use std::fs;
use std::os::unix::fs::FileExt as _;

use littoral_types::{Blob, Body, Tag, Version, Wall};
use tempfile::TempDir;

use super::*;
use crate::encoding::StoredBody;
use crate::{Condition, FILE_BYTES_MIN, Purge, Record, Row, Staging};

const SPACE: SpaceId = SpaceId(7);

fn open(dir: &TempDir) -> Arc<Fjall> {
    let options = Options { sync: Sync::None, ..Options::default() };
    Fjall::open(dir.path(), options, Clock::system()).unwrap()
}

fn at(ms: u64) -> Version {
    Version::new(Wall(ms), 0, 1)
}

fn put(key: &'static str, ms: u64, body: impl Into<Bytes>) -> Write {
    let row = Row { version: at(ms), body: Body::Bytes(body.into()), ..Row::default() };
    Write { space: SPACE, key: key.into(), row, condition: Condition::Newer, now: Wall(0) }
}

fn delete(key: &'static str, ms: u64) -> Write {
    let row = Row { version: at(ms), ..Row::default() };
    Write { row, ..put(key, ms, "") }
}

async fn get(store: &Fjall, key: &'static str) -> Option<Row> {
    store.get(SPACE, key.into()).await.unwrap().row
}

fn bytes(body: &Body) -> Option<Vec<u8>> {
    match body {
        Body::Absent => None,
        Body::Bytes(bytes) => Some(bytes.to_vec()),
        Body::File(blob) => Some(fs::read(blob.path()).unwrap()),
    }
}

fn files(dir: &TempDir) -> usize {
    fs::read_dir(dir.path().join("blobs")).unwrap().count()
}

#[tokio::test]
async fn a_row_comes_back_whole_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut write = put("a", 5, "value");
    write.row.meta = "{\"m\":1}".into();
    write.row.tags = Some([Tag(1), Tag(u64::MAX)].into());
    write.row.expires_at = Some(Wall(99));
    let store = open(&dir);
    let incarnation = store.committed().borrow().incarnation;
    assert_ne!(incarnation, 0);
    let position = Position::new(incarnation, 1);
    assert_eq!(store.apply(write.clone()).await.unwrap(), Applied::Yes { position });
    drop(store);
    let found = open(&dir).get(SPACE, "a".into()).await.unwrap();
    assert_eq!(found.position, position);
    let row = found.row.unwrap();
    assert_eq!(bytes(&row.body), Some(b"value".to_vec()));
    let Row { version, meta, tags, expires_at, .. } = write.row;
    assert_eq!(
        (row.version, row.meta, row.tags, row.expires_at),
        (version, meta, tags, expires_at)
    );
}

#[tokio::test]
async fn concurrent_writes_get_consecutive_numbers_in_the_order_of_the_outbox() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let keys: Vec<_> = (0..200).map(|n| Bytes::from(format!("key{n}"))).collect();
    let writes = keys.iter().map(|key| {
        let mut write = put("", 5, "v");
        write.key = key.clone();
        store.apply(write)
    });
    let applied = futures_util::future::join_all(writes).await;
    let page = store.outbox(0, 1000).await.unwrap();
    assert_eq!(page.records.len(), keys.len());
    assert_eq!(page.through, *store.committed().borrow());
    for (key, applied) in keys.iter().zip(applied) {
        let Applied::Yes { position } = applied.unwrap() else { panic!("{key:?}") };
        let record = &page.records[position.number as usize - 1];
        let purge = Purge::Write { key: key.clone(), version: at(5), live: true };
        assert_eq!(*record, Record { number: position.number, space: SPACE, purge });
    }
}

#[tokio::test]
async fn writes_of_one_key_in_one_commit_are_decided_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let create = |ms| Write { condition: Condition::Absent, ..put("a", ms, "v") };
    let (first, second, old, again, delete, third) = tokio::join!(
        store.apply(create(5)),
        store.apply(create(6)),
        store.apply(put("a", 4, "old")),
        store.apply(create(5)),
        store.apply(delete("a", 7)),
        store.apply(create(8)),
    );
    let incarnation = store.committed().borrow().incarnation;
    let position = |number| Position::new(incarnation, number);
    let yes = |number| Applied::Yes { position: position(number) };
    assert_eq!(first.unwrap(), yes(1));
    assert_eq!(second.unwrap(), Applied::Mismatch { current: Some(at(5)), position: position(1) });
    assert_eq!(old.unwrap(), Applied::Newer { current: at(5), position: position(1) });
    assert_eq!(again.unwrap(), yes(1));
    assert_eq!(delete.unwrap(), yes(2));
    assert_eq!(third.unwrap(), yes(3));
    assert_eq!(get(&store, "a").await.unwrap().version, at(8));
    assert_eq!(store.outbox(0, 9).await.unwrap().records.len(), 3);
}

#[tokio::test]
async fn a_purge_by_hand_is_numbered_among_the_writes_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.apply(put("a", 5, "v")).await.unwrap();
    let scopes =
        [Scope::Key("a".into()), Scope::Prefix("b".into()), Scope::Tag(Tag(9)), Scope::Everything];
    for (number, scope) in (2..).zip(&scopes) {
        let position = store.purge(SPACE, scope.clone()).await.unwrap();
        assert_eq!(position.number, number);
    }
    drop(store);
    let records = open(&dir).outbox(1, 9).await.unwrap().records;
    let found: Vec<_> = records.into_iter().map(|record| record.purge).collect();
    assert_eq!(found, scopes.map(Purge::Hand));
}

#[tokio::test]
async fn the_outbox_is_the_same_from_memory_and_from_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { sync: Sync::None, outbox_recent_max: 4, ..Options::default() };
    let store = Fjall::open(dir.path(), options, Clock::system()).unwrap();
    for ms in 1..=10 {
        store.apply(put("a", ms, "v")).await.unwrap();
    }
    for (after, limit, numbers, through) in [
        (0, 99, 1..=10, 10),
        (0, 3, 1..=3, 3),
        (5, 2, 6..=7, 7),
        (7, 2, 8..=9, 9),
        (8, 2, 9..=10, 10),
        (8, 9, 9..=10, 10),
    ] {
        let page = store.outbox(after, limit).await.unwrap();
        let found: Vec<_> = page.records.iter().map(|record| record.number).collect();
        assert_eq!(found, numbers.collect::<Vec<_>>(), "after {after}, at most {limit}");
        assert_eq!((page.through.number, page.forgotten), (through, 0));
    }
    for (after, limit, through) in [(10, 9, 10), (11, 9, 10), (3, 0, 3), (10, 0, 10)] {
        let page = store.outbox(after, limit).await.unwrap();
        assert_eq!((page.records.len(), page.through.number), (0, through), "after {after}");
    }
}

#[tokio::test]
async fn what_was_trimmed_stays_forgotten_and_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let options = Options { sync: Sync::None, ..Options::default() };
    let store = Fjall::open(dir.path(), options, clock.clone()).unwrap();
    let hour = Duration::from_secs(3600);
    for ms in 1..=3 {
        store.apply(put("a", ms, "v")).await.unwrap();
    }
    assert_eq!(store.trim_outbox(hour).await.unwrap(), 0);
    clock.advance(2 * 3600 * 1000);
    store.apply(put("a", 4, "v")).await.unwrap();
    assert_eq!(store.trim_outbox(hour).await.unwrap(), 3);
    let page = store.outbox(0, 9).await.unwrap();
    assert_eq!((page.records.len(), page.records[0].number, page.forgotten), (1, 4, 3));
    clock.advance(1000);
    assert_eq!(store.trim_outbox(Duration::ZERO).await.unwrap(), 4);
    drop(store);
    let store = open(&dir);
    let page = store.outbox(0, 9).await.unwrap();
    assert_eq!((page.records.len(), page.through.number, page.forgotten), (0, 4, 4));
    store.apply(put("a", 5, "v")).await.unwrap();
    assert_eq!(store.outbox(4, 9).await.unwrap().records[0].number, 5);
}

#[tokio::test]
async fn the_outbox_keeps_no_more_records_than_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { sync: Sync::None, outbox_records_max: 5, ..Options::default() };
    let store = Fjall::open(dir.path(), options, Clock::system()).unwrap();
    for ms in 1..=12 {
        store.apply(put("a", ms, "v")).await.unwrap();
    }
    assert_eq!(store.trim_outbox(Duration::from_secs(3600)).await.unwrap(), 7);
    let page = store.outbox(7, 9).await.unwrap();
    assert_eq!((page.records.len(), page.records[0].number, page.forgotten), (5, 8, 7));
}

#[tokio::test]
async fn a_large_body_lives_in_a_file_until_its_last_reader_lets_go() {
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::open(&dir.path().join("staging")).unwrap();
    let store = open(&dir);
    let mut staged = staging.create().unwrap();
    staged.write(&[1; FILE_BYTES_MIN]).unwrap();
    staged.write(&[2; 10]).unwrap();
    let mut write = put("a", 5, "");
    write.row.body = Body::File(staged.finish());
    store.apply(write).await.unwrap();

    let reader = get(&store, "a").await.unwrap().body;
    let Body::File(first) = &reader else { panic!("{reader:?}") };
    assert_eq!(first.len(), FILE_BYTES_MIN as u64 + 10);
    store.apply(put("a", 6, vec![3; FILE_BYTES_MIN])).await.unwrap();
    let second = get(&store, "a").await.unwrap().body;
    assert_eq!(bytes(&second), Some(vec![3; FILE_BYTES_MIN]));
    assert_eq!(files(&dir), 2, "the overwritten file is still being read");
    assert_eq!(bytes(&reader).unwrap()[FILE_BYTES_MIN..], [2; 10]);
    drop(reader);
    assert_eq!(files(&dir), 1);

    drop(store);
    let store = open(&dir);
    assert_eq!(bytes(&get(&store, "a").await.unwrap().body), Some(vec![3; FILE_BYTES_MIN]));
    store.apply(delete("a", 7)).await.unwrap();
    drop(store);
    assert_eq!(files(&dir), 0);
}

fn last_byte(body: &Body) -> u8 {
    let Body::File(blob) = body else { return *bytes(body).unwrap().last().unwrap() };
    let mut last = [0];
    blob.open().unwrap().read_exact_at(&mut last, blob.len() - 1).unwrap();
    last[0]
}

/// Writes one key again and again while others read it: what a reader was handed must stay
/// readable, and its row must not be older than its position says.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_is_never_cut_off_nor_told_a_position_ahead_of_its_row() {
    const WRITES: u64 = 250;
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.apply(put("a", 1, vec![1; FILE_BYTES_MIN])).await.unwrap();
    let read = |store: Arc<Fjall>| async move {
        let mut last = at(0);
        while last < at(WRITES) {
            let Found { row, position, .. } = store.get(SPACE, "a".into()).await.unwrap();
            let Row { version, body, .. } = row.unwrap();
            let ms = version.wall().0;
            assert_eq!(last_byte(&body), ms as u8);
            assert!(last <= version && position.number <= ms, "{ms} at {position:?}");
            last = version;
        }
    };
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        readers.spawn(read(store.clone()));
    }
    for ms in 2..=WRITES {
        let len = if ms % 2 == 0 { FILE_BYTES_MIN } else { 10 };
        store.apply(put("a", ms, vec![ms as u8; len])).await.unwrap();
    }
    while let Some(read) = readers.join_next().await {
        read.unwrap();
    }
}

#[tokio::test]
async fn a_large_body_that_is_not_applied_or_not_named_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.apply(put("a", 5, vec![1; FILE_BYTES_MIN])).await.unwrap();
    store.apply(put("a", 4, vec![2; FILE_BYTES_MIN])).await.unwrap();
    store.apply(put("a", 5, vec![2; FILE_BYTES_MIN])).await.unwrap();
    drop(store);
    assert_eq!(files(&dir), 1);
    fs::write(dir.path().join("blobs/0123456789abcdef"), "torn").unwrap();
    fs::write(dir.path().join("blobs/0123456789abcdef.part"), "torn").unwrap();
    let store = open(&dir);
    assert_eq!(files(&dir), 1);
    assert_eq!(bytes(&get(&store, "a").await.unwrap().body), Some(vec![1; FILE_BYTES_MIN]));
}

#[tokio::test]
async fn a_large_body_shorter_than_it_says_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let path = dir.path().join("short");
    fs::write(&path, [1; 100]).unwrap();
    let mut write = put("a", 5, "");
    write.row.body = Body::File(Blob::new(path, 101));
    let error = store.apply(write).await.unwrap_err();
    assert!(matches!(error, Error::Write(_)), "{error}");
    assert!(get(&store, "a").await.is_none());
    assert_eq!(files(&dir), 0);
}

#[tokio::test]
async fn a_damaged_row_is_an_error_until_a_plain_write_heals_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.apply(put("a", 5, "v")).await.unwrap();
    store.core.engine.get().unwrap().rows.insert(read::row_key(SPACE, b"a"), "nonsense").unwrap();
    let error = store.get(SPACE, "a".into()).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged(what) if what.contains("\"a\"")), "{error}");
    let conditional = Write { condition: Condition::Present, ..put("a", 6, "w") };
    assert!(matches!(store.apply(conditional).await, Err(Error::Damaged(_))));
    store.apply(put("a", 7, "w")).await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap().version, at(7));
}

#[tokio::test]
async fn a_damaged_file_is_an_error_until_the_same_write_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let large = vec![7; FILE_BYTES_MIN];
    store.apply(put("a", 5, large.clone())).await.unwrap();
    store.apply(put("b", 6, large.clone())).await.unwrap();
    let StoredBody::File(file) =
        store.core.engine.get().unwrap().stored(&read::row_key(SPACE, b"a")).unwrap().unwrap().body
    else {
        panic!("a large body is a file")
    };
    let path = dir.path().join(format!("blobs/{:016x}", file.id));
    let mut damaged = large.clone();
    damaged[1000] ^= 1;
    fs::write(&path, damaged).unwrap();
    let error = store.get(SPACE, "a".into()).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged(what) if what.contains("\"a\"")), "{error}");
    assert_eq!(bytes(&get(&store, "b").await.unwrap().body), Some(large.clone()));
    store.apply(put("a", 5, large.clone())).await.unwrap();
    let healed = get(&store, "a").await.unwrap();
    assert_eq!((healed.version, bytes(&healed.body)), (at(5), Some(large)));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_page_of_a_list_ends_early_when_it_is_heavy() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { sync: Sync::None, list_bytes_max: 1000, ..Options::default() };
    let store = Fjall::open(dir.path(), options, Clock::system()).unwrap();
    for (ms, key) in (1..).zip(["a", "b", "c"]) {
        store.apply(put(key, ms, vec![0; 600])).await.unwrap();
    }
    let mut list = List {
        space: SPACE,
        prefix: Bytes::new(),
        after: None,
        reverse: false,
        limit: 100,
        values: true,
    };
    let page = store.list(list.clone()).await.unwrap();
    assert_eq!((page.items.len(), page.more), (2, true));
    list.values = false;
    let page = store.list(list).await.unwrap();
    assert_eq!((page.items.len(), page.more), (3, false));
    assert!(page.items.iter().all(|item| item.live && item.row.body.is_absent()));
}

#[tokio::test]
async fn a_folder_in_use_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(&dir);
    let error = Fjall::open(dir.path(), Options::default(), Clock::system()).err().unwrap();
    assert!(error.to_string().contains("in use"), "{error}");
}

fn doomed(key: &'static str, ms: u64) -> crate::Doomed {
    crate::Doomed { space: SPACE, key: key.into(), version: at(ms) }
}

#[tokio::test]
async fn what_is_collected_leaves_a_mark_that_refuses_older_writes_also_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut large = put("large", 6, vec![1; FILE_BYTES_MIN + 1]);
    large.row.expires_at = Some(Wall(50));
    for write in [put("live", 5, "v"), delete("gone", 7), delete("newer", 9), large] {
        store.apply(write).await.unwrap();
    }
    let before = *store.committed().borrow();
    let all = vec![doomed("live", 5), doomed("gone", 7), doomed("newer", 8), doomed("large", 6)];
    let early = Collect { doomed: all.clone(), now: Wall(49) };
    assert_eq!(store.collect(early).await.unwrap(), 1, "only the tombstone of that version");
    assert_eq!(files(&dir), 1);
    let late = Collect { doomed: all, now: Wall(50) };
    assert_eq!(store.collect(late).await.unwrap(), 1, "and then what has expired");
    assert_eq!(files(&dir), 0);
    assert_eq!(*store.committed().borrow(), before, "nothing to purge");
    drop(store);

    let store = open(&dir);
    assert_eq!(store.get(SPACE, "gone".into()).await.unwrap().mark, at(7));
    let refused = store.apply(put("gone", 7, "old")).await.unwrap();
    assert!(matches!(refused, Applied::Collected { mark, .. } if mark == at(7)), "{refused:?}");
    let revived = Write { condition: Condition::Revive, ..put("gone", 6, "owed") };
    assert!(matches!(store.apply(revived).await.unwrap(), Applied::Yes { .. }));
    assert!(matches!(store.apply(put("large", 8, "new")).await.unwrap(), Applied::Yes { .. }));
    let scanned = store.scan(Scan { after: None, limit: 3 }).await.unwrap();
    let digests = scanned.digests.iter().map(|digest| (&digest.key[..], digest.version));
    let expected = [(&b"gone"[..], at(6)), (b"large", at(8)), (b"live", at(5))];
    assert_eq!(digests.collect::<Vec<_>>(), expected);
    assert!(scanned.more && scanned.mark == at(7));
}

#[tokio::test]
async fn a_damaged_row_is_scanned_as_the_oldest_and_healed_whatever_the_mark() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for write in [put("a", 5, "v"), delete("b", 9)] {
        store.apply(write).await.unwrap();
    }
    let opened = store.core.engine.get().unwrap();
    opened.rows.insert(read::row_key(SPACE, b"a"), b"no row").unwrap();
    drop(opened);
    let collect = Collect { doomed: vec![doomed("a", 5), doomed("b", 9)], now: Wall(99) };
    assert_eq!(store.collect(collect).await.unwrap(), 1);
    let scanned = store.scan(Scan { after: None, limit: 9 }).await.unwrap();
    assert_eq!(scanned.digests[0].version, Version::ZERO);
    assert!(matches!(store.apply(put("a", 5, "v")).await.unwrap(), Applied::Yes { .. }));
    assert_eq!(get(&store, "a").await.map(|row| row.version), Some(at(5)));
}
