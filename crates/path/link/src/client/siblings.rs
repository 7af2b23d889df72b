//! The other nodes of this node's own location: which of them keeps a key, and since when.
//!
//! All nodes of a location rank a key's keeper alike, as callers from elsewhere do. Whether one is
//! well, each sees for itself, by signs of life and calls that failed: two may disagree for a while,
//! and then a key has two keepers, each as good as an edge.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use littoral_peer::{Error, Reply, Request, Sibling};
use littoral_tasks::TaskKind;
use littoral_topology::{key_hash, score};
use littoral_types::{Ctx, LocationId, Mono, SpaceId};

use super::book::seed;
use super::node::Node;
use super::{Client, ask};
use crate::identity::Identity;

/// How often their state is looked at. A call that fails is looked into at once.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Share of its location's keys relative to the others', as the address book has it for these.
const OWN_WEIGHT: f64 = 1.0;

/// What one node knows of the others of its location.
pub struct Siblings {
    client: Client,
    here: LocationId,
    /// This node's place in the hash.
    own: u64,
    began: Mono,
    /// Replaced when anything changes: read with every key that is looked up.
    known: ArcSwap<Vec<Known>>,
}

#[derive(Clone)]
struct Known {
    node: Arc<Node>,
    well: bool,
    /// When it came to be so.
    changed_at: Mono,
}

impl Siblings {
    /// Of `own`, which stands at `here`. Watches them until the node drains.
    pub fn watch(client: &Client, here: LocationId, own: &Identity) -> Arc<Self> {
        let shared = &client.0.shared;
        let siblings = Arc::new(Self {
            client: client.clone(),
            here,
            own: seed(own),
            began: shared.clock.mono(),
            known: ArcSwap::default(),
        });
        siblings.look();
        shared.tasks.spawn(TaskKind::Probe, look_on(Arc::downgrade(&siblings), client.clone()));
        siblings
    }

    fn look(&self) {
        let now = self.client.0.shared.clock.mono();
        let before = self.known.load();
        let book = self.client.book();
        let same = |known: &&Known, node: &Node| known.node.seed == node.seed;
        let nodes = book.nodes(self.here).iter().map(|node| {
            let well = node.well();
            let known = before.iter().find(|known| same(known, node));
            let changed_at = known.filter(|known| known.well == well).map_or(now, |k| k.changed_at);
            Known { node: Arc::clone(node), well, changed_at }
        });
        let nodes: Vec<_> = nodes.collect();
        let alike = |(a, b): (&Known, &Known)| Arc::ptr_eq(&a.node, &b.node) && a.well == b.well;
        if nodes.len() != before.len() || !nodes.iter().zip(before.iter()).all(alike) {
            self.known.store(Arc::new(nodes));
        }
    }

    /// As [`Carrier::keeps`](littoral_peer::Carrier::keeps).
    pub fn keeps(&self, space: SpaceId, key: &[u8]) -> Option<Mono> {
        let known = self.known.load();
        let mut since = Mono::LONG_AGO;
        let mut placed = None;
        for other in known.iter() {
            let (key, own) = *placed.get_or_insert_with(|| self.placed(space, key));
            since = since.max(self.began);
            if score(key, other.node.seed, other.node.peer.weight) > own {
                if other.well {
                    return None;
                }
                since = since.max(other.changed_at);
            }
        }
        Some(since)
    }

    fn placed(&self, space: SpaceId, key: &[u8]) -> (littoral_topology::KeyHash, f64) {
        let key = key_hash(space, key);
        (key, score(key, self.own, OWN_WEIGHT))
    }

    /// As [`Carrier::keepers`](littoral_peer::Carrier::keepers).
    pub fn keepers(&self, space: SpaceId, key: &[u8]) -> Vec<Sibling> {
        let known = self.known.load();
        if known.is_empty() {
            return Vec::new();
        }
        let (key, own) = self.placed(space, key);
        let rank = |known: &Known| score(key, known.node.seed, known.node.peer.weight);
        let mut before: Vec<_> = known
            .iter()
            .filter(|other| other.well)
            .map(|other| (rank(other), Sibling(other.node.seed)))
            .filter(|(rank, _)| *rank > own)
            .collect();
        before.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        before.into_iter().map(|(_, sibling)| sibling).collect()
    }

    /// As [`Carrier::siblings`](littoral_peer::Carrier::siblings): also those that have only just come
    /// back, and are not asked for keys yet.
    pub fn all(&self) -> Vec<Sibling> {
        let known = self.known.load();
        let there = |other: &&Known| other.well || other.node.linked();
        known.iter().filter(there).map(|other| Sibling(other.node.seed)).collect()
    }

    /// As [`Carrier::call_sibling`](littoral_peer::Carrier::call_sibling).
    ///
    /// # Errors
    /// As [`Carrier::call`](littoral_peer::Carrier::call).
    pub async fn call(&self, to: Sibling, ctx: Ctx, request: Request) -> Result<Reply, Error> {
        let known = self.known.load_full();
        let Some(Known { node, .. }) = known.iter().find(|other| other.node.seed == to.0) else {
            return Err(Error::Unreachable);
        };
        let asked = ask(std::slice::from_ref(node), &ctx, &request);
        let clock = &self.client.0.shared.clock;
        let reply = clock.until(ctx.deadline, asked).await.unwrap_or(Err(Error::Deadline));
        node.outcomes.count(&reply);
        if matches!(reply, Err(Error::Unreachable)) {
            self.look();
        }
        reply
    }
}

async fn look_on(siblings: Weak<Siblings>, client: Client) {
    loop {
        client.0.shared.clock.sleep(LOOK_EVERY).await;
        let Some(siblings) = siblings.upgrade() else { return };
        siblings.look();
    }
}
