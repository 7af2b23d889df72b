//! A write that is told to the places that may hold its key before its writer goes on.
//!
//! Purges reach tiers by the streams, and edges by their next refresh or a tier's courtesy. A writer
//! that cannot wait for that has its own node tell them all, and learns who has answered. Beside the
//! streams, not instead: nothing promised depends on it.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use littoral_peer::{Push, Reply, Request};
use littoral_topology::key_hash;
use littoral_types::{Ctx, LocationId, Space, Version};

use crate::Tiers;

/// Whom a write is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The key's tier in every region: whoever asks upward gets the write, or something newer.
    Regional,
    /// Every location.
    Everywhere,
}

/// Who was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// How many were to be told.
    pub of: usize,
    /// Those that did not answer in time, in the order of the list of locations.
    pub missing: Vec<LocationId>,
}

/// Locations told at once.
const AT_ONCE: usize = 32;

impl Tiers {
    /// Tells everybody within reach that what is older than this version is old, and waits for
    /// their word, until the context's deadline at the latest.
    pub async fn spread(
        &self,
        ctx: &Ctx,
        space: Space,
        key: &Bytes,
        version: Version,
        reach: Reach,
    ) -> Reached {
        let inner = self.inner();
        let (topology, hash) = (inner.topology.now(), key_hash(space.id, key));
        let told = |at: &LocationId| reach == Reach::Everywhere || topology.holds(*at, hash);
        let all: Vec<_> = topology.locations().map(|(at, _)| at).filter(told).collect();
        let of = all.len();
        let tell = |to: LocationId| {
            let push = Push { space, key: key.clone(), version, drop: true, row: None };
            async move {
                if to == inner.here {
                    self.pushed(push.clone());
                    self.tell_siblings(ctx, &push).await;
                    return None;
                }
                let told = inner.carrier.call(to, ctx.clone(), Request::Push(push)).await;
                (!matches!(told, Ok(Reply::Pushed { .. }))).then_some(to)
            }
        };
        let told = stream::iter(all).map(tell).buffered(AT_ONCE);
        let missing = told.filter_map(|missing| async move { missing }).collect().await;
        Reached { of, missing }
    }
}
