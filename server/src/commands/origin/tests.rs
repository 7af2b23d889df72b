//! Rows from one engine to another and back.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_postgres::testing::Server;
use littoral_store::{
    Applied, Collect, Condition, Doomed, FILE_BYTES_MIN, Fjall, Model, Options, Row, Store, Write,
};
use littoral_types::{Body, SpaceId, Version, Wall};

use super::copy::{Place, transfer};
use super::transfer::{Tally, Transfer};

const SPACE: SpaceId = SpaceId(7);

fn write(key: &str, time: u64, body: Body) -> Write {
    let row = Row {
        version: Version::new(Wall(time), 0, 1),
        body,
        meta: Bytes::from_static(b"meta"),
        expires_at: key.starts_with("old").then_some(Wall(time + 1)),
        ..Row::default()
    };
    let key = Bytes::copy_from_slice(key.as_bytes());
    Write { space: SPACE, key, row, condition: Condition::Newer, now: Wall(time) }
}

fn text(text: &str) -> Body {
    Body::Bytes(Bytes::copy_from_slice(text.as_bytes()))
}

async fn put(store: &dyn Store, key: &str, time: u64, body: Body) {
    let applied = store.apply(write(key, time, body)).await.expect("applied");
    assert!(matches!(applied, Applied::Yes { .. }), "{applied:?}");
}

async fn version(store: &dyn Store, key: &str) -> Option<u64> {
    let found = store.get(SPACE, Bytes::copy_from_slice(key.as_bytes())).await.expect("read");
    found.row.map(|row| row.version.wall().0)
}

async fn run(source: &dyn Store, target: &dyn Store, prune: bool) -> Tally {
    let clock = Clock::system();
    let work = Transfer { source, target, clock: &clock, prune };
    let tally = work.run().await.expect("copied");
    let compared = work.compare().await.expect("compared");
    assert_eq!(compared.missing, 0);
    assert_eq!(compared.source == compared.target, tally.newer + tally.extra == 0);
    tally
}

/// Many keys, a tombstone, an expired row, a body in a file.
async fn fill(store: &dyn Store, dir: &Path) {
    for n in 0..3_000 {
        put(store, &format!("key-{n:05}"), 1_000 + n, text("value")).await;
    }
    put(store, "deleted", 2_000, Body::Absent).await;
    put(store, "old", 2_000, text("expired")).await;
    let path = dir.join("large");
    let bytes: Vec<u8> = (0..=255).cycle().take(3 * FILE_BYTES_MIN).collect();
    std::fs::write(&path, &bytes).expect("written");
    let blob = littoral_types::Blob::new(path, bytes.len() as u64);
    put(store, "large", 2_000, Body::File(blob)).await;
}

fn fjall(dir: &Path) -> Arc<Fjall> {
    Fjall::open(dir, Options::default(), Clock::system()).expect("opened")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_go_from_the_embedded_engine_to_postgresql_and_back() {
    let home = tempfile::tempdir().expect("a folder");
    let server = Server::start(home.path(), &[]);
    littoral_postgres::migrate(&server.address(), &Clock::system()).await.expect("prepared");
    let (first, second) = (home.path().join("store-0"), home.path().join("again"));
    let store = fjall(&first);
    fill(&*store, home.path()).await;
    let in_use = transfer(
        Place::Embedded(first.clone()),
        Place::Postgres(Box::new(server.address())),
        false,
    );
    let refused = format!("{:?}", in_use.await.expect_err("it is open"));
    assert!(refused.contains("in use") && refused.contains("stop that one"), "{refused}");
    drop(store);
    let there = || {
        transfer(Place::Embedded(first.clone()), Place::Postgres(Box::new(server.address())), false)
    };
    there().await.expect("copied");
    there().await.expect("again, it has nothing to do");
    let back = transfer(
        Place::Postgres(Box::new(server.address())),
        Place::Embedded(second.clone()),
        false,
    );
    back.await.expect("copied back");
    let (first, second) = (fjall(&first), fjall(&second));
    let tally = run(&*first, &*second, false).await;
    assert_eq!(tally, Tally { same: 3_003, ..Tally::default() });
    let large = second.get(SPACE, Bytes::from_static(b"large")).await.expect("read").row;
    let Some(Row { body: Body::File(blob), .. }) = large else { panic!("a file") };
    let bytes = std::fs::read(blob.path()).expect("read");
    assert!(bytes == (0..=255).cycle().take(3 * FILE_BYTES_MIN).collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_copy_that_was_broken_off_goes_on_and_what_is_newer_in_the_target_stays() {
    let (source, target) = (Model::new(1), Model::new(2));
    for (key, time) in [("a", 10), ("b", 20), ("c", 30)] {
        put(&source, key, time, text("source")).await;
    }
    put(&target, "a", 10, text("source")).await;
    put(&target, "b", 25, text("target")).await;
    let tally = run(&source, &target, false).await;
    assert_eq!((tally.same, tally.newer, tally.copied), (1, 1, 1));
    assert_eq!(version(&target, "b").await, Some(25));
    put(&source, "c", 31, text("changed")).await;
    assert_eq!(run(&source, &target, false).await.copied, 1);
    assert_eq!(version(&target, "c").await, Some(31));
}

#[tokio::test]
async fn what_was_deleted_and_forgotten_goes_from_a_backup_and_cannot_come_back() {
    let clock = Clock::system();
    let (source, backup) = (Model::new(1), Model::new(2));
    for key in ["gone", "kept"] {
        put(&source, key, 10, text("first")).await;
    }
    run(&source, &backup, true).await;
    put(&source, "gone", 20, Body::Absent).await;
    let doomed = Doomed {
        space: SPACE,
        key: Bytes::from_static(b"gone"),
        version: Version::new(Wall(20), 0, 1),
    };
    let collect = Collect { doomed: vec![doomed], now: clock.wall() };
    assert_eq!(source.collect(collect).await.expect("collected"), 1);
    let tally = run(&source, &backup, true).await;
    assert_eq!((tally.removed, tally.same), (1, 1));
    assert_eq!(version(&backup, "gone").await, None);
    let late = backup.apply(write("gone", 15, text("late"))).await.expect("answered");
    assert!(matches!(late, Applied::Collected { .. }), "{late:?}");
}
