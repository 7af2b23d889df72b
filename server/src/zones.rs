//! Zones at this node: from options to the front that their hosts belong to.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use littoral_clock::Chance;
use littoral_control::Control;
use littoral_kv::Namespace;
use littoral_types::{Ctx, LocationId, SpaceId, Tenant};
use littoral_zones::{Names, Parts, Zones};

use crate::gateway::SiteOptions;
use crate::node::{Node, Shared};

/// The space of what zones keep of their upstreams' answers.
const KEPT: SpaceId = SpaceId(4);

/// Where zones are served: the first location here, the others on the ports after it.
#[derive(Clone, Copy, Debug)]
pub enum ZonesAt {
    Exactly(SocketAddr),
    /// There, or on a free port if it is taken.
    Rather(SocketAddr),
}

impl ZonesAt {
    /// The address of a location by its number.
    pub fn of(self, at: usize) -> Option<SocketAddr> {
        let (Self::Exactly(mut address) | Self::Rather(mut address)) = self;
        if address.port() != 0 {
            address.set_port(u16::try_from(usize::from(address.port()) + at).ok()?);
        }
        Some(address)
    }
}

/// Begins to follow all zones.
pub fn start(
    node: &Node,
    here: LocationId,
    shared: &Shared,
    control: &Control,
    chance: Chance,
) -> Zones {
    let kept = SiteOptions {
        // Each request says whom to ask. Nothing listens there.
        site: "127.0.0.1:0".into(),
        trust: None,
        tls: None,
        zone: KEPT,
        // Nobody has it: purges of zones are asked for by their own API.
        token: blake3::Hash::from_bytes(littoral_clock::secret()),
        heuristics: false,
    };
    Zones::start(Parts {
        clock: shared.clock.clone(),
        tasks: shared.tasks.clone(),
        kv: node.kv.clone(),
        gateway: kept.gateway(node, here, shared, chance),
        grants: Arc::new(control.clone()),
        names: Arc::new(ByControl(control.clone())),
    })
}

/// Namespaces as the control plane knows them.
struct ByControl(Control);

impl Names for ByControl {
    fn namespace<'a>(
        &'a self,
        ctx: &'a Ctx,
        account: Tenant,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Namespace>>, String>> {
        Box::pin(async move {
            let found = self.0.namespace_named(ctx, account, name).await;
            found.map_err(|refusal| refusal.message.into_owned())
        })
    }
}
