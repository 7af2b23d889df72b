//! Asking the two stores, wherever they stand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_peer::{Carrier, Error, Reply, Request, StoreCall, StoreReply};
use littoral_store::{Applied, Found, List, Listed, Scope, Write};
use littoral_topology::Topology;
use littoral_types::{Ctx, Position, SpaceId, StoreId};

/// One node's way to both stores. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) topology: Arc<Topology>,
    pub(crate) clock: Clock,
    /// The longest wait for one store.
    pub(crate) store_time: Duration,
}

impl Stores {
    pub fn new(
        carrier: Arc<dyn Carrier>,
        topology: Arc<Topology>,
        clock: Clock,
        store_time: Duration,
    ) -> Self {
        Self { carrier, topology, clock, store_time }
    }

    pub(crate) async fn get(
        &self,
        ctx: &Ctx,
        store: StoreId,
        space: SpaceId,
        key: Bytes,
    ) -> Result<Found, Error> {
        match self.call(ctx, store, StoreCall::Get { space, key }).await? {
            StoreReply::Found(found) => Ok(found),
            _ => Err(confused()),
        }
    }

    pub(crate) async fn apply(
        &self,
        ctx: &Ctx,
        store: StoreId,
        write: Write,
    ) -> Result<Applied, Error> {
        match self.call(ctx, store, StoreCall::Apply(write)).await? {
            StoreReply::Applied(applied) => Ok(applied),
            _ => Err(confused()),
        }
    }

    pub(crate) async fn list(
        &self,
        ctx: &Ctx,
        store: StoreId,
        list: List,
    ) -> Result<Listed, Error> {
        match self.call(ctx, store, StoreCall::List(list)).await? {
            StoreReply::Listed(listed) => Ok(listed),
            _ => Err(confused()),
        }
    }

    pub(crate) async fn purge(
        &self,
        ctx: &Ctx,
        store: StoreId,
        space: SpaceId,
        scope: Scope,
    ) -> Result<Position, Error> {
        match self.call(ctx, store, StoreCall::Purge { space, scope }).await? {
            StoreReply::Purged(position) => Ok(position),
            _ => Err(confused()),
        }
    }

    async fn call(&self, ctx: &Ctx, store: StoreId, call: StoreCall) -> Result<StoreReply, Error> {
        let deadline = ctx.deadline.min(self.clock.after(self.store_time));
        let ctx = Ctx { deadline, ..ctx.clone() };
        let site = self.topology.site(store).location;
        match self.carrier.call(site, ctx, Request::Store(store, call)).await? {
            Reply::Store(reply) => Ok(reply),
            _ => Err(confused()),
        }
    }
}

fn confused() -> Error {
    Error::Refused("the store answered something else than was asked".into())
}
