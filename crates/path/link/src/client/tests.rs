//! Whether a node is taken for well: neither one lost sign of life nor one answer decides. And who is
//! told of writes meanwhile.

use std::sync::Arc;
use std::time::Duration;

use littoral_peer::Carrier as _;
use littoral_types::SpaceId;

use super::node::Node;
use super::siblings::Siblings;
use super::{Client, Options};
use crate::tests::world::{AMS, World, ams, ask, named, nyc, peer};

fn node(client: &Client) -> Arc<Node> {
    Arc::clone(&client.book().nodes(AMS)[0])
}

#[tokio::test]
async fn a_node_is_well_until_it_was_silent_twice_and_again_once_it_has_answered_twice() {
    let world = World::new();
    let options = Options { probe_every: None, ..Options::default() };
    let address = "127.0.0.1:1".parse().unwrap();
    let peers = vec![peer(AMS, ams("a"), address)];
    let client = world.client_with(world.certificates(&nyc("x")), peers, options);
    let node = node(&client);
    let answered = |node: &Node| node.answered(Some(Duration::from_millis(1)));

    assert!(node.well());
    node.missed();
    assert!(node.well(), "one may be chance");
    answered(&node);
    node.missed();
    assert!(node.well(), "not twice in a row");
    node.missed();
    assert!(!node.well());
    answered(&node);
    assert!(!node.well(), "one answer may be chance");
    node.missed();
    answered(&node);
    assert!(!node.well(), "a silence begins the count anew");
    answered(&node);
    assert!(node.well());
}

#[tokio::test]
async fn a_sibling_that_is_not_well_is_told_of_writes_while_it_is_connected() {
    let world = World::new();
    let served = world.serve(&ams("a"), named("a")).await;
    let options = Options { probe_every: None, ..Options::default() };
    let peers = vec![peer(AMS, ams("a"), served.address)];
    let client = world.client_with(world.certificates(&ams("x")), peers, options);
    let siblings = Siblings::watch(&client, AMS, &ams("x"));
    client.call(AMS, world.ctx(), ask("key")).await.expect("an answer");
    let key = (0..).map(|n| format!("key-{n}"));
    let keeps = |key: &String| !siblings.keepers(SpaceId(7), key.as_bytes()).is_empty();
    let key = { key }.find(keeps).expect("it keeps some");

    let node = node(&client);
    node.missed();
    node.missed();
    world.until("it is noticed", || siblings.keepers(SpaceId(7), key.as_bytes()).is_empty()).await;
    assert_eq!(siblings.all().len(), 1, "it may hold a copy");
    served.shutdown.signal();
    world.until("it is gone", || siblings.all().is_empty()).await;
}
