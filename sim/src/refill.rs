//! Watches how a node pays its debts to a store that failed: few at first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_peer::{Carrier, Error, Reply, Request, Sibling, StoreCall, Trip};
use littoral_store::{Debt, Debts as _, OwedModel, Write};
use littoral_types::{Ctx, LocationId, Mono, STORES, SpaceId, StoreId};

use crate::ledger::Ledger;

/// A node's way out, on which its debts are counted.
pub(crate) struct Watched {
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) here: LocationId,
    pub(crate) owed: Arc<OwedModel>,
    pub(crate) ledger: Arc<Ledger>,
    /// The node's; only differences count.
    pub(crate) clock: Clock,
    pub(crate) paid: Mutex<[Paid; STORES]>,
}

/// What went to one store since it failed last.
#[derive(Default)]
pub(crate) struct Paid {
    failed_at: Option<Duration>,
    since: u64,
}

/// Debts that may go to a store in the second after it failed: two, those under way together, and
/// what reads repair meanwhile.
const FIRST_MAX: u64 = 6;

impl Watched {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.mono().0)
    }

    /// Whether a write is a debt on its way. A fresh one is not yet owed when it is sent.
    fn pays(&self, store: StoreId, write: &Write) -> bool {
        let debts = self.owed.next(store, usize::MAX).unwrap_or_default();
        debts.iter().any(|debt| match debt {
            Debt::Write(owed) => {
                owed.space == write.space
                    && owed.key == write.key
                    && owed.row.version == write.row.version
            }
            Debt::Purge { .. } => false,
        })
    }

    fn sent(&self, store: StoreId) {
        let now = self.now();
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = &mut paid[store.index()];
        let first = |failed_at| now < failed_at + Duration::from_secs(1);
        if !paid.failed_at.is_some_and(first) {
            return;
        }
        paid.since += 1;
        if paid.since > FIRST_MAX {
            let (here, store, since) = (self.here.0, store.0, paid.since);
            let what = format!("{since} debts of {here} to store {store} at {now:?}");
            self.ledger.lock().wrong.push(format!("refill-ramps: {what}"));
        }
    }

    fn failed(&self, store: StoreId) {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        paid[store.index()] = Paid { failed_at: Some(self.now()), since: 0 };
    }
}

impl Carrier for Watched {
    fn keeps(&self, space: SpaceId, key: &[u8]) -> Option<Mono> {
        self.carrier.keeps(space, key)
    }

    fn keepers(&self, space: SpaceId, key: &[u8]) -> Vec<Sibling> {
        self.carrier.keepers(space, key)
    }

    fn siblings(&self) -> Vec<Sibling> {
        self.carrier.siblings()
    }

    fn call_sibling(
        &self,
        to: Sibling,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        self.carrier.call_sibling(to, ctx, request)
    }

    fn well(&self, to: LocationId) -> bool {
        self.carrier.well(to)
    }

    fn trip(&self, to: LocationId) -> Option<Trip> {
        self.carrier.trip(to)
    }

    fn call(
        &self,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        let store = match &request {
            Request::Store(store, StoreCall::Apply(write)) if self.pays(*store, write) => *store,
            _ => return self.carrier.call(to, ctx, request),
        };
        Box::pin(async move {
            self.sent(store);
            let reply = self.carrier.call(to, ctx, request).await;
            if reply.is_err() {
                self.failed(store);
            }
            reply
        })
    }
}
