//! Several nodes of one location among themselves: who keeps a key, and since when.

use std::sync::Arc;
use std::time::Duration;

use littoral_peer::Sibling;
use littoral_types::SpaceId;
use tokio::net::TcpListener;

use super::world::{AMS, World, ams, ask, body_of, named, nyc, peer};
use crate::{Peer, Siblings, client};

const NAMES: [&str; 3] = ["a", "b", "c"];
const SPACE: SpaceId = SpaceId(7);

/// A failed connection is not tried again soon, and nobody is asked for signs of life.
fn patient() -> client::Options {
    let hour = Duration::from_secs(3_600);
    client::Options {
        backoff_min: hour,
        backoff_max: hour,
        probe_every: None,
        ..client::Options::default()
    }
}

/// What the node of this name knows of the others.
fn siblings(world: &World, name: &str, peers: &[Peer]) -> Arc<Siblings> {
    let own = ams(name);
    let others: Vec<Peer> = peers.iter().filter(|peer| peer.identity != own).cloned().collect();
    let client = world.client_with(world.certificates(&own), others, patient());
    Siblings::watch(&client, AMS, &own)
}

#[tokio::test]
async fn every_key_has_one_keeper_and_it_is_the_one_that_is_asked_from_elsewhere() {
    let world = World::new();
    let (mut peers, mut running) = (Vec::new(), Vec::new());
    for name in NAMES {
        let one = world.serve(&ams(name), named(name)).await;
        peers.push(peer(AMS, ams(name), one.address));
        running.push(one);
    }
    let elsewhere = world.client(&nyc("x"), peers.clone());
    let nodes = NAMES.map(|name| siblings(&world, name, &peers));
    assert!(nodes.iter().all(|node| node.all().len() == 2));
    for n in 0..60 {
        let key = format!("key-{n}");
        let ranked = elsewhere.ranked(AMS, SPACE, key.as_bytes());
        for (name, node) in NAMES.iter().zip(&nodes) {
            let rank = ranked.iter().position(|one| one.node == *name).expect("it is listed");
            let before = node.keepers(SPACE, key.as_bytes());
            assert_eq!(before.len(), rank, "{name} is asked after those before it");
            assert_eq!(node.keeps(SPACE, key.as_bytes()).is_some(), rank == 0);
            if let Some(keeper) = before.first() {
                let reply = node.call(*keeper, world.ctx(), ask(&key)).await;
                assert_eq!(body_of(reply), ranked[0].node.as_bytes());
            }
        }
    }
    let nobody = nodes[0].call(Sibling(5), world.ctx(), ask("key")).await;
    assert!(nobody.is_err());
}

#[tokio::test]
async fn the_next_in_rank_stands_in_for_a_dead_keeper_as_one_that_has_just_begun() {
    let world = World::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = closed.local_addr().unwrap();
    drop(closed);
    let alive = world.serve(&ams("c"), named("c")).await;
    // Only its clients are looked at.
    let here = world.serve(&ams("b"), named("b")).await;
    let peers = [
        peer(AMS, ams("a"), dead),
        peer(AMS, ams("b"), here.address),
        peer(AMS, ams("c"), alive.address),
    ];
    let elsewhere = world.client(&nyc("x"), peers.to_vec());
    let names = |key: &str| elsewhere.ranked(AMS, SPACE, key.as_bytes());
    let ranked = |first: &str, second: &str| {
        let fits = |key: &String| {
            let ranked = names(key);
            ranked[0].node == first && ranked[1].node == second
        };
        (0..).map(|n| format!("key-{n}")).find(fits).expect("one of many")
    };
    let (inherited, own, other) = (ranked("a", "b"), ranked("b", "a"), ranked("c", "b"));
    let node = siblings(&world, "b", &peers);
    let began = node.keeps(SPACE, own.as_bytes()).expect("its own key");
    assert_eq!(node.keeps(SPACE, inherited.as_bytes()), None);
    let keeper = node.keepers(SPACE, inherited.as_bytes())[0];
    assert!(node.call(keeper, world.ctx(), ask(&inherited)).await.is_err());
    let since = node.keeps(SPACE, inherited.as_bytes()).expect("it stands in");
    assert!(since > began);
    assert_eq!(node.keeps(SPACE, own.as_bytes()), Some(began), "nothing changes for other keys");
    assert_eq!(node.keeps(SPACE, other.as_bytes()), None);
    assert_eq!(node.all().len(), 1);
}
