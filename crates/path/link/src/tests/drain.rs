//! A node that leaves: no call fails because of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use littoral_peer::{Carrier as _, Error, Reply, Service};
use littoral_types::Body;
use tokio::sync::Semaphore;

use super::world::{AMS, Does, World, ams, answer, ask, body_of, nyc, peer, write};
use crate::server;

/// Answers after a moment, so that there are always calls under way.
fn slow(world: &World, name: &'static str, asked: &Arc<AtomicUsize>) -> Arc<dyn Service> {
    let (clock, asked) = (world.clock.clone(), Arc::clone(asked));
    Arc::new(Does(move |_, _, _| {
        let (clock, asked) = (clock.clone(), Arc::clone(&asked));
        async move {
            asked.fetch_add(1, Ordering::Relaxed);
            clock.sleep(Duration::from_millis(2)).await;
            Ok(Reply::Answer(answer(Body::Bytes(Bytes::from_static(name.as_bytes())))))
        }
        .boxed()
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_drains_under_load_without_a_failed_call() {
    let world = World::new();
    let asked = [Arc::default(), Arc::default()];
    let first = world.serve(&ams("a"), slow(&world, "a", &asked[0])).await;
    let second = world.serve(&ams("b"), slow(&world, "b", &asked[1])).await;
    let peers = vec![peer(AMS, ams("a"), first.address), peer(AMS, ams("b"), second.address)];
    let client = world.client(&nyc("x"), peers);
    let drained = AtomicBool::new(false);
    let callers = (0..32).map(|caller| {
        let (client, world, drained) = (&client, &world, &drained);
        async move {
            let mut calls = 0;
            while !drained.load(Ordering::Relaxed) {
                let key = format!("key-{caller}-{calls}");
                // A write may not be sent twice, so that it must not be lost on the way either.
                let request = if calls % 2 == 0 { ask(&key) } else { write(Body::Absent) };
                let name = body_of(client.call(AMS, world.ctx(), request).await);
                assert!(name == b"a" || name == b"b");
                calls += 1;
            }
            calls
        }
    });
    let leave = async {
        world.until("load", || asked[0].load(Ordering::Relaxed) > 200).await;
        first.shutdown.signal();
        let all = first.drained.await.unwrap();
        let at_drain = asked[1].load(Ordering::Relaxed);
        world.until("load goes on", || asked[1].load(Ordering::Relaxed) > at_drain + 200).await;
        drained.store(true, Ordering::Relaxed);
        all
    };
    let (calls, all): (Vec<usize>, bool) = tokio::join!(join_all(callers), leave);
    assert!(all, "what had begun was finished");
    assert!(calls.iter().sum::<usize>() > 400);
}

#[tokio::test]
async fn a_drain_ends_in_time_although_a_call_does_not() {
    let world = World::new();
    let service = Does(|_, _, _| std::future::pending().boxed());
    let drain_time = Duration::from_millis(100);
    let options = server::Options { drain_time, ..server::Options::default() };
    let running = world.serve_with(&ams("a"), Arc::new(service), options).await;
    let client = world.client(&nyc("x"), vec![peer(AMS, ams("a"), running.address)]);
    let call = client.call(AMS, world.ctx(), ask("key"));
    let leave = async {
        world.until("it is asked", || client.peers()[0].connections == 1).await;
        world.clock.sleep(Duration::from_millis(50)).await;
        running.shutdown.signal();
        running.drained.await.unwrap()
    };
    let (reply, all) = tokio::join!(call, leave);
    assert!(!all);
    assert_eq!(reply.err(), Some(Error::Unreachable));
}

#[tokio::test]
async fn a_client_that_drains_finishes_its_writes() {
    let world = World::new();
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let signals = (Arc::clone(&begun), Arc::clone(&go_on));
    let service = Does(move |_, _, _| {
        let (begun, go_on) = signals.clone();
        async move {
            begun.add_permits(1);
            go_on.acquire().await.unwrap().forget();
            Err(Error::MinimumUnmet)
        }
        .boxed()
    });
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let tasks = littoral_tasks::Tasks::new(world.clock.clone());
    let other = World { tasks: tasks.clone(), ..World::new() };
    let certificates = world.certificates(&nyc("x"));
    let peers = vec![peer(AMS, ams("a"), running.address)];
    let client = other.client_with(certificates, peers, crate::client::Options::default());
    let call = client.call(AMS, world.ctx(), write(Body::Absent));
    let drain = async {
        begun.acquire().await.unwrap().forget();
        let drained = tasks.drain(Duration::from_secs(10));
        let finish = async {
            world.clock.sleep(Duration::from_millis(50)).await;
            go_on.add_permits(1);
        };
        tokio::join!(drained, finish).0
    };
    let (reply, drained) = tokio::join!(call, drain);
    assert_eq!(reply.err(), Some(Error::MinimumUnmet));
    assert!(drained);
}
