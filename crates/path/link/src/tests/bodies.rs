//! Large values: from a file into a file, in bounded memory, whole or not at all.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use littoral_peer::{Carrier as _, Error, Reply, Request, StoreCall};
use littoral_store::FILE_BYTES_MIN;
use littoral_types::{Blob, Body};

use crate::server;

use super::world::{AMS, Does, World, ams, answer, ask, body_of, bytes_of, nyc, peer, says, write};

const VALUE_BYTES: u64 = 25 << 20;

/// A file that no compression or chance repeats.
fn file(world: &World, name: &str, len: u64) -> Arc<Blob> {
    let path = world.folder.path().join(name);
    let mut file = fs::File::create(&path).unwrap();
    let mut hash = 1_u64;
    let mut piece = Vec::with_capacity(1 << 16);
    for at in (0..len).step_by(1 << 16) {
        piece.clear();
        let size = (len - at).min(1 << 16) as usize;
        while piece.len() < size {
            hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            piece.extend_from_slice(&(hash >> 32).to_le_bytes());
        }
        file.write_all(&piece[..size]).unwrap();
    }
    Blob::new(path, len)
}

/// Answers with the value that is written; without one, with nothing.
fn echo() -> Arc<dyn littoral_peer::Service> {
    Arc::new(Does(|_, _, request| {
        let Request::Store(_, StoreCall::Apply(write)) = request else { panic!("a write") };
        std::future::ready(Ok(Reply::Answer(answer(write.row.body)))).boxed()
    }))
}

#[tokio::test]
async fn a_value_of_25_mib_goes_from_file_to_file_both_ways() {
    let world = World::new();
    let running = world.serve(&ams("a"), echo()).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let blob = file(&world, "value", VALUE_BYTES);
    let sent = fs::read(blob.path()).unwrap();
    let reply = client.call(AMS, world.ctx(), write(Body::File(blob))).await;
    let Ok(Reply::Answer(answer)) = &reply else { panic!("{reply:?}") };
    let littoral_peer::Truth::Whole { body: Body::File(came), .. } = &answer.truth else {
        panic!("it is in memory");
    };
    let path = came.path().to_owned();
    assert!(path.exists() && body_of(reply) == sent);
    assert!(!path.exists(), "it goes with its last holder");
}

/// The most memory this process ever had, in bytes.
fn memory_peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Values that are moved at once.
const VALUES: usize = 6;
/// What they may take: the window of a connection each way, and what goes beside.
const MEMORY_MAX: u64 = 48 << 20;

#[tokio::test]
#[ignore = "a child of the test below"]
async fn child_that_moves_large_values() {
    let world = World::new();
    let running = world.serve(&ams("a"), echo()).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let blob = file(&world, "value", VALUE_BYTES);
    let before = memory_peak();
    let calls = (0..VALUES).map(|_| async {
        let reply = client.call(AMS, world.ctx(), write(Body::File(Arc::clone(&blob)))).await;
        let Ok(Reply::Answer(answer)) = &reply else { panic!("{reply:?}") };
        assert!(matches!(&answer.truth, littoral_peer::Truth::Whole { body: Body::File(_), .. }));
    });
    futures_util::future::join_all(calls).await;
    let taken = memory_peak() - before;
    assert!(taken < MEMORY_MAX, "{VALUES} values of {VALUE_BYTES} bytes took {taken}");
    println!("took {} KiB", taken >> 10);
}

/// In a process of its own, so that no other test counts.
#[test]
fn large_values_pass_through_in_bounded_memory() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::bodies::child_that_moves_large_values"])
        .args(["--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("took "), "it ran: {said}");
    println!("{said}");
}

#[tokio::test]
async fn a_call_that_finds_no_memory_is_shed() {
    let world = World::new();
    let memory_bytes_max = 128 << 10;
    let options = server::Options { memory_bytes_max, ..server::Options::default() };
    let running = world.serve_with(&ams("a"), echo(), options).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    for (len, shed) in [(200 << 10, true), (100 << 10, false), (100 << 10, false)] {
        let body = Body::Bytes(vec![7; len].into());
        let reply = client.call(AMS, world.ctx(), write(body)).await;
        assert_eq!(matches!(reply, Err(Error::Overloaded)), shed, "{reply:?}");
    }
}

#[tokio::test]
async fn bodies_around_the_size_of_a_file_arrive_whole() {
    let world = World::new();
    let running = world.serve(&ams("a"), echo()).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    for len in [FILE_BYTES_MIN - 1, FILE_BYTES_MIN, FILE_BYTES_MIN + 1, 0, 1] {
        let blob = file(&world, "value", len as u64);
        let bytes = Bytes::from(fs::read(blob.path()).unwrap());
        for body in [Body::File(blob), Body::Bytes(bytes.clone())] {
            let reply = client.call(AMS, world.ctx(), write(body)).await;
            let Ok(Reply::Answer(answer)) = reply else { panic!("{reply:?}") };
            let littoral_peer::Truth::Whole { body, .. } = answer.truth else { panic!("whole") };
            assert_eq!(matches!(body, Body::File(_)), len >= FILE_BYTES_MIN);
            assert!(bytes_of(&body) == bytes);
        }
    }
}

#[tokio::test]
async fn a_request_that_is_cut_in_a_body_reaches_nobody() {
    let world = World::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = says(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Err(Error::MinimumUnmet)
    });
    let running = world.serve(&ams("a"), service).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let whole = file(&world, "value", VALUE_BYTES);
    let short = Blob::new(whole.path().to_owned(), VALUE_BYTES + 1);
    let reply = client.call(AMS, world.ctx(), write(Body::File(short))).await;
    assert_eq!(reply.err(), Some(Error::Unreachable));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let left = fs::read_dir(world.folder.path()).unwrap().filter_map(Result::ok);
    let staged = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("server"));
    for folder in staged {
        world
            .until("what was received is removed", || {
                fs::read_dir(folder.path()).unwrap().next().is_none()
            })
            .await;
    }
    let reply = client.call(AMS, world.ctx(), write(Body::File(whole))).await;
    assert_eq!(reply.err(), Some(Error::MinimumUnmet), "the connection goes on");
}

#[tokio::test]
async fn an_answer_that_is_cut_in_a_body_is_no_answer() {
    let world = World::new();
    let whole = file(&world, "value", VALUE_BYTES);
    let path = whole.path().to_owned();
    let service = says(move || {
        let short = Blob::new(path.clone(), VALUE_BYTES + 1);
        Ok(Reply::Answer(answer(Body::File(short))))
    });
    let running = world.serve(&ams("a"), service).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::Unreachable));
}
