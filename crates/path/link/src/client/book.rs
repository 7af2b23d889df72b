//! The address book: the nodes of each location, and which of them is asked for what.

use std::net::SocketAddr;
use std::sync::Arc;

use littoral_peer::Request;
use littoral_topology::{key_hash, name_seed, score};
use littoral_types::{LocationId, SpaceId};

use super::Shared;
use super::node::Node;
use crate::identity::Identity;

/// A node and where it is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    pub location: LocationId,
    /// Its certificate must name it.
    pub identity: Identity,
    pub address: SocketAddr,
    /// Share of its location's keys relative to other nodes there.
    pub weight: f64,
}

/// By location, in the order in which they were given.
#[derive(Default)]
pub(super) struct Book(Vec<Vec<Arc<Node>>>);

impl Book {
    /// Another book, with the same node for a peer that is in both.
    pub(super) fn replaced(&self, peers: Vec<Peer>, shared: &Arc<Shared>) -> Self {
        let places = peers.iter().map(|peer| peer.location.index() + 1).max().unwrap_or(0);
        let mut new: Vec<Vec<Arc<Node>>> = vec![Vec::new(); places];
        for peer in peers {
            let kept = self.nodes(peer.location).iter().find(|node| node.peer == peer);
            let node = kept.cloned().unwrap_or_else(|| Node::new(peer, Arc::clone(shared)));
            new[node.peer.location.index()].push(node);
        }
        let new = Self(new);
        for node in self.all() {
            let stays = new.nodes(node.peer.location).iter().any(|other| Arc::ptr_eq(node, other));
            if !stays {
                node.gone.signal();
            }
        }
        new
    }

    pub(super) fn nodes(&self, location: LocationId) -> &[Arc<Node>] {
        self.0.get(location.index()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.0.iter().flatten()
    }

    pub(super) fn find(&self, identity: &Identity) -> Option<&Arc<Node>> {
        self.all().find(|node| node.peer.identity == *identity)
    }

    /// Highest rank for the key first.
    pub(super) fn ranked(&self, to: LocationId, space: SpaceId, key: &[u8]) -> Vec<Arc<Node>> {
        let mut nodes = self.nodes(to).to_vec();
        if nodes.len() > 1 {
            let key = key_hash(space, key);
            let rank = |node: &Node| score(key, node.seed, node.peer.weight);
            nodes.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        }
        nodes
    }

    /// The nodes to try, in turn: a key's by rank, otherwise as given; those that are well first.
    pub(super) fn order(&self, to: LocationId, request: &Request) -> Vec<Arc<Node>> {
        let mut nodes = match request {
            Request::Ask(question) => self.ranked(to, question.space.id, &question.key),
            Request::Push(push) => self.ranked(to, push.space.id, &push.key),
            // Between the nodes of one location, each of which is named.
            Request::AskKeeper(..) | Request::Wrote(_) => Vec::new(),
            Request::Store(..) | Request::Follow(..) | Request::Epoch(_) | Request::Measured => {
                self.nodes(to).to_vec()
            }
        };
        if nodes.len() > 1 {
            nodes.sort_by_key(|node| !node.well());
        }
        nodes
    }
}

/// A node's place in the hash: by location and name, so that equal names do not rank alike.
pub(super) fn seed(identity: &Identity) -> u64 {
    name_seed(&format!("{}/{}", identity.location, identity.node))
}
