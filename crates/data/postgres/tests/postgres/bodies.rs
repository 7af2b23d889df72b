//! Large bodies: in and out in chunks, shared while read, removed when no row names them.

use std::time::Duration;

use futures_util::future::try_join_all;
use littoral_postgres::{Options, status};
use littoral_store::{Applied, FILE_BYTES_MIN, Store as _};
use littoral_types::Body;

use crate::world::{SPACE, World, applied, at, write};

/// The largest value of the contract.
const LARGE: usize = 25 << 20;

fn large(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|n| (n as u8).wrapping_mul(31) ^ (n >> 12) as u8 ^ seed).collect()
}

fn content(body: &Body) -> Vec<u8> {
    match body {
        Body::Absent => Vec::new(),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::File(blob) => std::fs::read(blob.path()).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_every_size_come_back_as_they_went() {
    let world = World::start().await;
    let store = world.open(Options::default());
    let chunk = 512 * 1024;
    let sizes =
        [0, 1, FILE_BYTES_MIN - 1, FILE_BYTES_MIN, chunk - 1, chunk, 2 * chunk, LARGE, LARGE];
    let put = sizes.iter().enumerate().map(|(n, size)| {
        let body = large(n as u8, *size);
        store.apply(write(&n.to_string(), at(1), body))
    });
    for put in try_join_all(put).await.unwrap() {
        applied(put);
    }
    let other = world.open(Options::default());
    for (n, size) in sizes.iter().enumerate() {
        let found = other.get(SPACE, n.to_string().into()).await.unwrap().row.unwrap();
        assert_eq!(matches!(found.body, Body::File(_)), *size >= FILE_BYTES_MIN, "{size}");
        assert!(content(&found.body) == large(n as u8, *size), "{size}");
        // From the file it came as.
        applied(
            other
                .apply(littoral_store::Write {
                    row: littoral_store::Row { version: at(2), ..found },
                    ..write(&format!("copy{n}"), at(2), "")
                })
                .await
                .unwrap(),
        );
        let copy = store.get(SPACE, format!("copy{n}").into()).await.unwrap().row.unwrap();
        assert!(content(&copy.body) == large(n as u8, *size), "{size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_one_body_share_its_file_which_outlives_the_row() {
    let world = World::start().await;
    let options = Options { body_grace: Duration::ZERO, ..Options::default() };
    let store = world.open(options);
    let body = large(1, 3 << 20);
    applied(store.apply(write("a", at(1), body.clone())).await.unwrap());
    let one = store.get(SPACE, "a".into()).await.unwrap().row.unwrap();
    let two = store.get(SPACE, "a".into()).await.unwrap().row.unwrap();
    let (Body::File(first), Body::File(second)) = (&one.body, &two.body) else { panic!() };
    assert_eq!(first.path(), second.path());

    applied(store.apply(write("a", at(2), "small")).await.unwrap());
    assert_eq!(store.sweep().await.unwrap(), 1);
    assert_eq!(world.sql("SELECT count(*) FROM littoral_chunks").await, "0");
    assert!(content(&one.body) == body);
    let path = first.path().to_owned();
    drop((one, two));
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_no_row_names_go_after_the_grace_and_no_others_do() {
    let world = World::start().await;
    let keeps = world.open(Options::default());
    let sweeps = world.open(Options { body_grace: Duration::ZERO, ..Options::default() });
    let body = large(2, 1 << 20);
    applied(keeps.apply(write("a", at(5), body.clone())).await.unwrap());
    let refused = keeps.apply(write("a", at(4), body.clone())).await.unwrap();
    assert!(matches!(refused, Applied::Newer { .. }));
    assert_eq!(status(&world.server.address(), &world.clock).await.unwrap().bodies_unnamed, 1);
    assert_eq!(keeps.sweep().await.unwrap(), 0);
    assert_eq!(sweeps.sweep().await.unwrap(), 1);
    assert_eq!(world.sql("SELECT count(*) FROM littoral_bodies").await, "1");
    let found = keeps.get(SPACE, "a".into()).await.unwrap().row.unwrap();
    assert!(content(&found.body) == body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_are_not_what_was_written_are_noticed() {
    let world = World::start().await;
    let store = world.open(Options::default());
    applied(store.apply(write("a", at(1), large(3, 1 << 20))).await.unwrap());
    world
        .sql("UPDATE littoral_chunks SET bytes = overlay(bytes placing 'x' from 7) WHERE part = 1")
        .await;
    let error = store.get(SPACE, "a".into()).await.unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
    world.sql("DELETE FROM littoral_chunks WHERE part = 1").await;
    let error = store.get(SPACE, "a".into()).await.unwrap_err().to_string();
    assert!(error.contains("its chunks are gone"), "{error}");
    applied(store.apply(write("a", at(2), "healed")).await.unwrap());
    assert_eq!(content(&store.get(SPACE, "a".into()).await.unwrap().row.unwrap().body), b"healed");
}
