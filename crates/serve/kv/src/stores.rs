//! Asking the two stores, wherever they stand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_peer::{Carrier, Error, Meter, Reply, Request, StoreCall, StoreReply};
use littoral_store::{Applied, Collect, Found, List, Listed, Scan, Scanned, Scope, Write};
use littoral_topology::Known;
use littoral_types::{Ctx, Position, STORES, SpaceId, StoreId};

use crate::patience::second_wait;
use crate::refill::{Refill, RefillLimits};

/// One node's way to both stores. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) topology: Known,
    pub(crate) clock: Clock,
    /// The longest wait for one store.
    pub(crate) store_time: Duration,
    pub(crate) refill: Refill,
    /// What each store's answers to reads have taken.
    answers: Arc<[Meter; STORES]>,
}

impl Stores {
    pub fn new(
        carrier: Arc<dyn Carrier>,
        topology: Known,
        clock: Clock,
        store_time: Duration,
    ) -> Self {
        let refill = Refill::new(clock.clone(), RefillLimits::default());
        let answers = Arc::default();
        Self { carrier, topology, clock, store_time, refill, answers }
    }

    /// With other limits for what is owed and repaired.
    #[must_use]
    pub fn with_refill(mut self, limits: RefillLimits) -> Self {
        self.refill = Refill::new(self.clock.clone(), limits);
        self
    }

    /// The context of a call that nobody waits for.
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx { deadline: self.clock.after(self.store_time), ..Ctx::default() }
    }

    pub(crate) async fn get(
        &self,
        ctx: &Ctx,
        store: StoreId,
        space: SpaceId,
        key: Bytes,
    ) -> Result<Found, Error> {
        let began = self.clock.mono();
        match self.call(ctx, store, StoreCall::Get { space, key }).await? {
            StoreReply::Found(found) => {
                self.answers[store.index()].took(self.clock.mono().since(began));
                Ok(found)
            }
            _ => Err(confused()),
        }
    }

    /// How long this store's answer is awaited once the other's is there and does not do.
    pub(crate) fn second_wait(&self, store: StoreId) -> Duration {
        let way = self.carrier.trip(self.topology.now().site(store).location);
        second_wait(self.answers[store.index()].trip(), way)
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

    pub(crate) async fn scan(&self, store: StoreId, scan: Scan) -> Result<Scanned, Error> {
        match self.call(&self.ctx(), store, StoreCall::Scan(scan)).await? {
            StoreReply::Scanned(scanned) => Ok(scanned),
            _ => Err(confused()),
        }
    }

    pub(crate) async fn collect(&self, store: StoreId, collect: Collect) -> Result<u64, Error> {
        match self.call(&self.ctx(), store, StoreCall::Collect(collect)).await? {
            StoreReply::Collected(count) => Ok(count),
            _ => Err(confused()),
        }
    }

    async fn call(&self, ctx: &Ctx, store: StoreId, call: StoreCall) -> Result<StoreReply, Error> {
        let now = self.clock.mono();
        let deadline = ctx.deadline.min(now.plus(self.store_time));
        // Who has little time left cannot say of a store that it does not answer.
        let fair = deadline.since(now) * 2 >= self.store_time;
        let ctx = Ctx { deadline, ..ctx.clone() };
        let site = self.topology.now().site(store).location;
        let reply = self.carrier.call(site, ctx, Request::Store(store, call)).await;
        match reply {
            Ok(Reply::Store(reply)) => Ok(reply),
            Ok(_) => Err(confused()),
            Err(error) => {
                if error == Error::Unreachable || error == Error::Deadline && fair {
                    self.refill.failed(store);
                }
                Err(error)
            }
        }
    }
}

fn confused() -> Error {
    Error::Refused("the store answered something else than was asked".into())
}
