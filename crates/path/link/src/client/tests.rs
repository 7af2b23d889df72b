//! Whether a node is taken for well: neither one lost sign of life nor one answer decides.

use std::sync::Arc;
use std::time::Duration;

use super::node::Node;
use super::{Client, Options};
use crate::tests::world::{AMS, World, ams, nyc, peer};

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
