//! A store that takes time to sync, may be away, and loses what it has not synced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock};
use littoral_store::{
    Applied, Collect, Error, Found, List, Listed, Model, OutboxPage, Scan, Scanned,
};
use littoral_store::{Scope, Store, Write};
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

/// How a write came to the disk.
#[derive(Clone, Copy)]
enum Synced {
    Well,
    /// The store crashed: it is there, though nobody was told. Others of the same time are not.
    Torn,
}

impl Synced {
    fn say<T>(self, answer: T) -> Result<T, Error> {
        match self {
            Self::Well => Ok(answer),
            Self::Torn => Err(Error::Closed),
        }
    }
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

    pub(crate) fn id(&self) -> StoreId {
        self.id
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

    /// Waits for the disk.
    async fn sync(&self) -> Result<Synced, Error> {
        self.check()?;
        let life = self.crashes.load(Ordering::Relaxed);
        let time = self.sync_time();
        self.clock.sleep(time).await;
        if self.crashes.load(Ordering::Relaxed) == life {
            return Ok(Synced::Well);
        }
        let mut chance = self.chance.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if chance.happens(0.5) { Ok(Synced::Torn) } else { Err(Error::Closed) }
    }

    async fn apply_synced(&self, write: Write) -> Result<Applied, Error> {
        let synced = self.sync().await?;
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
            Applied::Collected { .. } => self.ledger.needless(self.id, place, said.0, now),
            Applied::Mismatch { .. } => {}
        }
        synced.say(applied)
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

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, Error>> {
        Box::pin(async move {
            self.check()?;
            self.model.scan(scan).await
        })
    }

    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move {
            let synced = self.sync().await?;
            let mut collected = 0;
            for doomed in collect.doomed {
                let (place, version) = ((doomed.space, doomed.key.clone()), doomed.version);
                let one = Collect { doomed: vec![doomed], now: collect.now };
                if self.model.collect(one).await? > 0 {
                    let now = Duration::from_nanos(self.clock.mono().0);
                    self.ledger.collected(self.id, place, version, (now, self.clock.wall()));
                    collected += 1;
                }
            }
            synced.say(collected)
        })
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(async move {
            let synced = self.sync().await?;
            synced.say(self.model.purge(space, scope).await?)
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
