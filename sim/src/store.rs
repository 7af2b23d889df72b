//! A store that takes time to sync, may be away, and loses what it has not synced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock};
use littoral_store::{Applied, Error, Found, List, Listed, Model, OutboxPage, Scope, Store, Write};
use littoral_types::{Position, SpaceId, StoreId};
use tokio::sync::watch;

use crate::ledger::Ledger;

pub(crate) struct SimStore {
    id: StoreId,
    model: Model,
    clock: Clock,
    ledger: Arc<Ledger>,
    up: AtomicBool,
    /// Counts crashes: a write that began before one is lost with it.
    crashes: AtomicU64,
    chance: std::sync::Mutex<Chance>,
}

/// A sync takes up to this long.
const SYNC_MAX_US: u64 = 3_000;

impl SimStore {
    pub(crate) fn new(id: StoreId, clock: Clock, ledger: Arc<Ledger>, chance: Chance) -> Arc<Self> {
        Arc::new(Self {
            id,
            model: Model::new(u32::from(id.0) + 1),
            clock,
            ledger,
            up: AtomicBool::new(true),
            crashes: AtomicU64::new(0),
            chance: std::sync::Mutex::new(chance),
        })
    }

    pub(crate) fn crash(&self) {
        self.up.store(false, Ordering::Relaxed);
        self.crashes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn start(&self) {
        self.up.store(true, Ordering::Relaxed);
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    fn check(&self) -> Result<(), Error> {
        if self.up.load(Ordering::Relaxed) { Ok(()) } else { Err(Error::Closed) }
    }

    fn sync_time(&self) -> Duration {
        let mut chance = self.chance.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Duration::from_micros(chance.below(SYNC_MAX_US))
    }

    async fn synced(&self) -> Result<(), Error> {
        self.check()?;
        let life = self.crashes.load(Ordering::Relaxed);
        let time = self.sync_time();
        self.clock.sleep(time).await;
        if self.crashes.load(Ordering::Relaxed) != life {
            return Err(Error::Closed);
        }
        Ok(())
    }

    async fn apply_synced(&self, write: Write) -> Result<Applied, Error> {
        self.synced().await?;
        let place = (write.space, write.key.clone());
        let said = (write.row.version, !write.row.body.is_absent());
        let applied = self.model.apply(write).await?;
        let now = Duration::from_nanos(self.clock.mono().0);
        match applied {
            Applied::Yes { .. } => self.ledger.stored(self.id, place, said, now),
            Applied::Newer { current, .. } => {
                // It holds something newer, and so needs this no more.
                let mut inner = self.ledger.lock();
                let writes = inner.writes.entry(place).or_default();
                if let Some(written) = writes.get_mut(&said.0) {
                    written.at[self.id.index()].get_or_insert(now);
                }
                debug_assert!(current > said.0);
            }
            Applied::Mismatch { .. } => {}
        }
        Ok(applied)
    }
}

impl Store for SimStore {
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, Error>> {
        Box::pin(async move {
            self.check()?;
            self.model.get(space, key).await
        })
    }

    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, Error>> {
        Box::pin(self.apply_synced(write))
    }

    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, Error>> {
        Box::pin(async move {
            self.check()?;
            self.model.list(list).await
        })
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(async move {
            self.synced().await?;
            self.model.purge(space, scope).await
        })
    }

    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, Error>> {
        Box::pin(async move {
            self.check()?;
            self.model.outbox(after, limit).await
        })
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.model.committed()
    }
}
