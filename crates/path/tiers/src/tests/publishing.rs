//! A publisher whose store cannot be read says nothing, not even that there is nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_peer::{Error, Filter, Follow};
use littoral_store::{
    Applied, Collect, Error as StoreError, Found, List, Listed, Model, OutboxPage, Scan, Scanned,
    Scope, Store, Write,
};
use littoral_types::{LocationId, Position, SpaceId};
use tokio::sync::watch;

use super::world::World;
use crate::Publisher;

/// A store that goes on saying where it was when it was last read.
struct Remote {
    model: Model,
    gone: AtomicBool,
}

impl Store for Remote {
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, StoreError>> {
        self.model.get(space, key)
    }

    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, StoreError>> {
        self.model.apply(write)
    }

    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, StoreError>> {
        self.model.list(list)
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, StoreError>> {
        self.model.scan(scan)
    }

    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.model.collect(collect)
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.model.purge(space, scope)
    }

    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, StoreError>> {
        if self.gone.load(Ordering::Acquire) {
            return Box::pin(async { Err(StoreError::Read("it is gone".into())) });
        }
        self.model.outbox(after, limit)
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.model.committed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_has_no_heartbeat() {
    let world = World::new().await;
    let store = Arc::new(Remote { model: Model::new(1), gone: AtomicBool::new(false) });
    let after = store.purge(SpaceId(1), Scope::Everything).await.unwrap();
    let publisher = Publisher::new(store.clone(), world.topology.clone(), world.clock.clone());
    let hold = Duration::from_secs(1);
    let follow =
        Follow { after, filter: Filter::Location(LocationId(0)), hold, limit: 9, rows: false };
    let beat = publisher.follow(follow.clone()).await.unwrap();
    assert_eq!((beat.through, beat.gap, beat.records.len()), (after, false, 0));

    store.gone.store(true, Ordering::Release);
    let none = publisher.follow(follow.clone()).await;
    assert!(matches!(none, Err(Error::Unavailable(_))), "{none:?}");

    store.gone.store(false, Ordering::Release);
    assert_eq!(publisher.follow(follow).await.unwrap().through, after);
}
