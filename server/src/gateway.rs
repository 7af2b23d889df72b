//! A site behind this node: from options to the front that all its paths belong to.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use littoral_clock::Chance;
use littoral_gateway::{Gateway, Limits, Parts, Purger, Trust};
use littoral_http::{Front, Tls};
use littoral_kv::{Kv, Namespace, Policy, PurgeScope};
use littoral_tiers::Scope;
use littoral_types::{Ctx, LocationId, Positions, Space, SpaceId, Tenant};

use crate::node::{Node, Shared};
use crate::opening;

/// What a node must know of the site behind it.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    /// Host and port.
    pub site: String,
    /// By TLS, if it is vouched for by these.
    pub trust: Option<Trust>,
    /// What clients are spoken to with, if by TLS.
    pub tls: Option<Tls>,
    /// The space of its responses.
    pub zone: SpaceId,
    /// blake3 of the token that may purge.
    pub token: blake3::Hash,
    /// Whether freshness that nobody states is guessed.
    pub heuristics: bool,
}

impl SiteOptions {
    pub fn front(
        &self,
        node: &Node,
        here: LocationId,
        shared: &Shared,
        chance: Chance,
    ) -> Arc<dyn Front> {
        Arc::new(self.gateway(node, here, shared, chance))
    }

    pub fn gateway(
        &self,
        node: &Node,
        here: LocationId,
        shared: &Shared,
        chance: Chance,
    ) -> Gateway {
        Gateway::new(Parts {
            here,
            places: opening::places(shared),
            clock: shared.clock.clone(),
            tasks: shared.tasks.clone(),
            hlc: Arc::clone(&node.hlc),
            tiers: node.tiers.clone(),
            purger: Arc::new(ByStores(node.kv.clone())),
            chance,
            zone: self.zone,
            site: self.site.clone(),
            trust: self.trust.clone(),
            token: self.token,
            limits: Limits { heuristics: self.heuristics, ..Limits::default() },
        })
    }
}

/// The zone of a site that nobody named: the same at each start.
pub fn zone(site: &str) -> SpaceId {
    let hash = blake3::hash(format!("zone of {site}").as_bytes());
    let (id, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    SpaceId::from_bytes(*id)
}

/// Purges by hand are written where those of keys are: into both stores, or owed to one.
struct ByStores(Kv);

impl Purger for ByStores {
    fn purge<'a>(
        &'a self,
        ctx: &'a Ctx,
        space: Space,
        scope: Scope,
    ) -> BoxFuture<'a, Result<Positions, String>> {
        Box::pin(async move {
            let zone = Namespace {
                id: space.id,
                account: Tenant::default(),
                title: String::new(),
                policy: Policy::default(),
            };
            let scope = match scope {
                Scope::Key(key) => PurgeScope::Key(key),
                Scope::Prefix(prefix) => PurgeScope::Prefix(prefix),
                Scope::Tag(tag) => PurgeScope::Tag(tag),
                Scope::Everything => PurgeScope::Everything,
            };
            let purged = self.0.purge(ctx, &zone, scope).await;
            purged.map_err(|error| error.to_string())
        })
    }
}
