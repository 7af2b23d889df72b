//! Several nodes in a location: who is asked for what, and who instead.

use std::collections::BTreeMap;
use std::time::Duration;

use littoral_peer::{Carrier as _, Error, Request, StoreCall};
use littoral_types::{SpaceId, StoreId};
use tokio::net::TcpListener;

use super::world::{AMS, NYC, World, ams, ask, body_of, named, nyc, peer};
use crate::{client, server};

const NAMES: [&str; 3] = ["a", "b", "c"];

#[tokio::test]
async fn keys_are_spread_over_the_nodes_of_a_location_and_stay_where_they_are() {
    let world = World::new();
    let mut peers = Vec::new();
    let mut running = Vec::new();
    for name in NAMES {
        let one = world.serve(&ams(name), named(name)).await;
        peers.push(peer(AMS, ams(name), one.address));
        running.push(one);
    }
    let client = world.client(&nyc("x"), peers.clone());
    let mut before = BTreeMap::new();
    for n in 0..90 {
        let key = format!("key-{n}");
        let name = body_of(client.call(AMS, world.ctx(), ask(&key)).await);
        let first = client.ranked(AMS, SpaceId(7), key.as_bytes()).swap_remove(0);
        assert_eq!(first.node.as_bytes(), name);
        before.insert(key, name);
    }
    for name in NAMES {
        let share = before.values().filter(|at| *at == name.as_bytes()).count();
        assert!((12..=54).contains(&share), "{name} has {share} of 90");
    }
    // One leaves the address book: only its keys move.
    client.set_peers(peers[..2].to_vec());
    for (key, at) in &before {
        let now = body_of(client.call(AMS, world.ctx(), ask(key)).await);
        assert!(now == *at || at == b"c", "{key} moved");
        assert_ne!(now, b"c");
    }
}

#[tokio::test]
async fn a_dead_node_costs_no_call_and_its_keys_go_to_the_next_in_rank() {
    let world = World::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = closed.local_addr().unwrap();
    drop(closed);
    let mut peers = vec![peer(AMS, ams("a"), dead)];
    let mut running = Vec::new();
    for name in &NAMES[1..] {
        let one = world.serve(&ams(name), named(name)).await;
        peers.push(peer(AMS, ams(name), one.address));
        running.push(one);
    }
    let client = world.client(&nyc("x"), peers);
    for n in 0..60 {
        let key = format!("key-{n}");
        let ranked = client.ranked(AMS, SpaceId(7), key.as_bytes());
        let next = ranked.iter().find(|identity| identity.node != "a").unwrap();
        assert_eq!(body_of(client.call(AMS, world.ctx(), ask(&key)).await), next.node.as_bytes());
    }
    let get = StoreCall::Get { space: SpaceId(7), key: "key".into() };
    let reply = client.call(AMS, world.ctx(), Request::Store(StoreId(0), get)).await;
    assert_eq!(body_of(reply), b"b", "a store is asked of the nodes in turn");
    let states = client.peers();
    assert!(!states[0].well && states[0].connections == 0, "{states:?}");
    assert!(states[1].well && states[1].connections == 1 && states[1].rtt.is_some());
    let reply = client.call(NYC, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::Unreachable));
}

#[tokio::test]
async fn a_node_that_comes_back_is_asked_again() {
    let world = World::new();
    let first = world.serve(&ams("a"), named("a")).await;
    let second = world.serve(&ams("b"), named("b")).await;
    let peers = |address| vec![peer(AMS, ams("a"), address), peer(AMS, ams("b"), second.address)];
    let client = world.client(&nyc("x"), peers(first.address));
    let key = (0..).map(|n| format!("key-{n}"));
    let key =
        { key }.find(|key| client.ranked(AMS, SpaceId(7), key.as_bytes())[0].node == "a").unwrap();
    assert_eq!(body_of(client.call(AMS, world.ctx(), ask(&key)).await), b"a");
    first.shutdown.signal();
    assert!(first.drained.await.unwrap());
    assert_eq!(body_of(client.call(AMS, world.ctx(), ask(&key)).await), b"b");
    let again = world.serve(&ams("a"), named("a")).await;
    client.set_peers(peers(again.address));
    assert_eq!(body_of(client.call(AMS, world.ctx(), ask(&key)).await), b"a");
}

#[tokio::test]
async fn a_node_that_connects_to_us_is_tried_again_at_once() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let late = listener.local_addr().unwrap();
    drop(listener);
    let hour = Duration::from_secs(3_600);
    let patient = client::Options {
        backoff_min: hour,
        backoff_max: hour,
        probe_every: None,
        ..client::Options::default()
    };
    let ours = world.client_with(
        world.certificates(&nyc("x")),
        vec![peer(AMS, ams("a"), late)],
        patient.clone(),
    );
    let options = server::Options::default;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = world.serve_at(listener, &nyc("x"), named("x"), options(), Some(ours.clone()));
    assert_eq!(ours.call(AMS, world.ctx(), ask("key")).await.err(), Some(Error::Unreachable));

    // It starts, and has not been heard of: as the pause wants it.
    let listener = TcpListener::bind(late).await.unwrap();
    let _there = world.serve_at(listener, &ams("a"), named("a"), options(), None);
    assert_eq!(ours.call(AMS, world.ctx(), ask("key")).await.err(), Some(Error::Unreachable));

    let there = vec![peer(NYC, nyc("x"), here.address)];
    let theirs = world.client_with(world.certificates(&ams("a")), there, patient);
    assert_eq!(body_of(theirs.call(NYC, world.ctx(), ask("key")).await), b"x");
    assert_eq!(body_of(ours.call(AMS, world.ctx(), ask("key")).await), b"a");
}
