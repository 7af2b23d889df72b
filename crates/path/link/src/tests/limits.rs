//! What a connection may take: time to say who it is, a place, and no more than its age.

use std::time::Duration;

use littoral_peer::Carrier as _;
use littoral_types::Body;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::world::{AMS, SOON, World, ams, ask, body_of, named, nyc, peer, write};
use crate::client::Options;
use crate::server;

/// Waits until the other side closes.
async fn closed(world: &World, stream: &mut TcpStream) {
    let mut nothing = [0; 1];
    let read = world.clock.timeout(SOON, stream.read(&mut nothing)).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_let_go() {
    let world = World::new();
    let handshake_time = Duration::from_millis(50);
    let options = server::Options { handshake_time, ..server::Options::default() };
    let running = world.serve_with(&ams("a"), named("a"), options).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    closed(&world, &mut silent).await;
    assert!(world.registry.encode().contains("littoral_link_refused_total{location=\"test\"} 1"));
}

#[tokio::test]
async fn connections_over_the_limit_are_closed_and_places_come_back() {
    let world = World::new();
    let options = server::Options { connections_max: 1, ..server::Options::default() };
    let running = world.serve_with(&ams("a"), named("a"), options).await;
    let first = TcpStream::connect(running.address).await.unwrap();
    let mut second = TcpStream::connect(running.address).await.unwrap();
    closed(&world, &mut second).await;
    drop(first);
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let mut reply = client.call(AMS, world.ctx(), ask("key")).await;
    while reply.is_err() {
        world.clock.sleep(Duration::from_millis(10)).await;
        reply = client.call(AMS, world.ctx(), ask("key")).await;
    }
    assert_eq!(body_of(reply), b"a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aged_connections_are_replaced_without_a_failed_call() {
    let world = World::new();
    let age = Duration::from_millis(40);
    let by_server = server::Options { connection_age_max: age, ..server::Options::default() };
    let by_client = Options { connection_age_max: age, ..Options::default() };
    let cases = [(by_server, Options::default()), (server::Options::default(), by_client)];
    for (ours, theirs) in cases {
        let running = world.serve_with(&ams("a"), named("a"), ours).await;
        let peers = vec![peer(AMS, ams("a"), running.address)];
        let client = world.client_with(world.certificates(&nyc("b")), peers, theirs);
        let until = world.clock.after(Duration::from_millis(500));
        let mut calls = 0;
        while world.clock.mono() < until {
            let request = if calls % 2 == 0 { ask("key") } else { write(Body::Absent) };
            assert_eq!(body_of(client.call(AMS, world.ctx(), request).await), b"a");
            calls += 1;
        }
        let text = world.registry.encode();
        let line = text.lines().filter(|line| line.starts_with("littoral_link_dialled_total"));
        let most = line.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u32>().ok()).max();
        assert!(most >= Some(4), "{text}");
    }
}
