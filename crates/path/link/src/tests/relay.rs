//! A relay that stops passing anything on, without closing: a link that is half open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use littoral_peer::{Carrier as _, Error};
use littoral_tasks::{TaskKind, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::world::{AMS, Does, SOON, World, ams, ask, body_of, named, nyc, peer};
use crate::client::Options;

/// Passes bytes on between whoever connects and `to`, until it is told to freeze.
async fn relay(tasks: &Tasks, to: SocketAddr) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (freeze, frozen) = watch::channel(false);
    let inner = tasks.clone();
    tasks.spawn(TaskKind::Call, async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(to).await.unwrap();
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            for (from, to) in [(near_read, far_write), (far_read, near_write)] {
                inner.spawn(TaskKind::Call, pass_on(from, to, frozen.clone()));
            }
        }
    });
    (address, freeze)
}

async fn pass_on(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    frozen: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        if *frozen.borrow() {
            return std::future::pending().await;
        }
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}

fn impatient() -> Options {
    Options {
        connect_time: Duration::from_millis(300),
        keep_alive_every: Duration::from_millis(100),
        keep_alive_time: Duration::from_millis(200),
        probe_every: None,
        ..Options::default()
    }
}

#[tokio::test]
async fn a_link_that_is_half_open_is_noticed_while_a_call_waits() {
    let world = World::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = Does(move |_, _, _| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            return std::future::ready(Err(Error::MinimumUnmet)).boxed();
        }
        std::future::pending().boxed()
    });
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let (address, freeze) = relay(&world.tasks, running.address).await;
    let peers = vec![peer(AMS, ams("a"), address)];
    let client = world.client_with(world.certificates(&nyc("b")), peers, impatient());
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::MinimumUnmet));
    let waiting = client.call(AMS, world.ctx(), ask("key"));
    let frozen = async {
        world.until("it is asked", || asked.load(Ordering::Relaxed) == 2).await;
        freeze.send_replace(true);
        world.clock.mono()
    };
    let (reply, since) = tokio::join!(waiting, frozen);
    assert_eq!(reply.err(), Some(Error::Unreachable));
    let took = world.clock.mono().since(since);
    assert!(took < Duration::from_secs(5), "keep-alive and one more connection: {took:?}");
}

#[tokio::test]
async fn a_link_that_is_half_open_is_noticed_by_signs_of_life() {
    let world = World::new();
    let running = world.serve(&ams("a"), named("a")).await;
    let (address, freeze) = relay(&world.tasks, running.address).await;
    let every = Duration::from_millis(50);
    let options = Options {
        probe_every: Some(every),
        probe_time: every,
        connect_time: every,
        keep_alive_every: SOON,
        ..Options::default()
    };
    let peers = vec![peer(AMS, ams("a"), address)];
    let client = world.client_with(world.certificates(&nyc("b")), peers, options);
    world.until("it is well", || client.peers()[0].heard.is_some()).await;
    assert!(client.rtt(AMS).is_some_and(|rtt| rtt < Duration::from_secs(1)));
    freeze.send_replace(true);
    world.until("it is not well", || !client.peers()[0].well).await;
    assert_eq!(client.peers()[0].failed.as_deref(), Some("it did not answer in time"));
}

#[tokio::test]
async fn a_peer_that_accepts_and_never_answers_costs_no_more_than_the_connect_time() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = world.serve(&ams("b"), named("b")).await;
    let peers = vec![
        peer(AMS, ams("a"), silent.local_addr().unwrap()),
        peer(AMS, ams("b"), running.address),
    ];
    let client = world.client_with(world.certificates(&nyc("c")), peers, impatient());
    let began = world.clock.mono();
    for key in ["one", "two", "three", "four", "five"] {
        assert_eq!(body_of(client.call(AMS, world.ctx(), ask(key)).await), b"b");
    }
    let took = world.clock.mono().since(began);
    assert!(took < Duration::from_secs(5), "{took:?}");
}
