//! The queue of what a node owes its stores, as its users see it; and a model without threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use littoral_types::{SpaceId, StoreId, Version};
use tokio::sync::watch;

use crate::{Debt, Error, Owed, Scope, Write};

/// What a node owes its stores: added before a write is acknowledged, settled when the store has
/// it. [`Owed`] is durable; [`OwedModel`] is for tests and the simulation.
pub trait Debts: Send + Sync + 'static {
    /// See [`Owed::add`].
    fn add(&self, store: StoreId, write: Write) -> BoxFuture<'_, Result<(), Error>>;

    /// See [`Owed::add_purge`].
    fn add_purge(
        &self,
        store: StoreId,
        space: SpaceId,
        scope: Scope,
    ) -> BoxFuture<'_, Result<u64, Error>>;

    /// See [`Owed::settle`].
    fn settle<'a>(
        &'a self,
        store: StoreId,
        space: SpaceId,
        key: &'a [u8],
        version: Version,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// See [`Owed::settle_purge`].
    fn settle_purge(&self, store: StoreId, id: u64) -> BoxFuture<'_, Result<(), Error>>;

    /// See [`Owed::next`].
    fn next(&self, store: StoreId, limit: usize) -> Result<Vec<Debt>, Error>;

    /// How many debts there are to a store.
    fn owed(&self, store: StoreId) -> u64;

    /// Changes whenever debts were added.
    fn added(&self) -> watch::Receiver<u64>;
}

impl Debts for Owed {
    fn add(&self, store: StoreId, write: Write) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.add(store, write))
    }

    fn add_purge(
        &self,
        store: StoreId,
        space: SpaceId,
        scope: Scope,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(self.add_purge(store, space, scope))
    }

    fn settle<'a>(
        &'a self,
        store: StoreId,
        space: SpaceId,
        key: &'a [u8],
        version: Version,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.settle(store, space, key, version))
    }

    fn settle_purge(&self, store: StoreId, id: u64) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.settle_purge(store, id))
    }

    fn next(&self, store: StoreId, limit: usize) -> Result<Vec<Debt>, Error> {
        self.next(store, limit)
    }

    fn owed(&self, store: StoreId) -> u64 {
        self.len(store)
    }

    fn added(&self) -> watch::Receiver<u64> {
        self.added()
    }
}

/// A queue in memory: every answer is there at once.
#[derive(Debug)]
pub struct OwedModel {
    state: Mutex<State>,
    added: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// In order of adding.
    debts: Vec<(StoreId, Debt)>,
    next_id: u64,
}

impl Default for OwedModel {
    fn default() -> Self {
        Self { state: Mutex::default(), added: watch::Sender::new(0) }
    }
}

impl OwedModel {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, Error>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Debts for OwedModel {
    fn add(&self, store: StoreId, write: Write) -> BoxFuture<'_, Result<(), Error>> {
        let mut state = self.state();
        let same = state.debts.iter_mut().find_map(|(to, debt)| match debt {
            Debt::Write(queued) if *to == store && queued.space == write.space => {
                (queued.key == write.key).then_some(queued)
            }
            _ => None,
        });
        match same {
            Some(queued) if queued.row.version < write.row.version => *queued = write,
            Some(_) => return ready(()),
            None => state.debts.push((store, Debt::Write(write))),
        }
        drop(state);
        self.added.send_modify(|count| *count += 1);
        ready(())
    }

    fn add_purge(
        &self,
        store: StoreId,
        space: SpaceId,
        scope: Scope,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        let mut state = self.state();
        let id = state.next_id;
        state.next_id += 1;
        state.debts.push((store, Debt::Purge { space, scope, id }));
        drop(state);
        self.added.send_modify(|count| *count += 1);
        ready(id)
    }

    fn settle<'a>(
        &'a self,
        store: StoreId,
        space: SpaceId,
        key: &'a [u8],
        version: Version,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.state().debts.retain(|(to, debt)| match debt {
            Debt::Write(queued) if *to == store && queued.space == space && queued.key == key => {
                queued.row.version > version
            }
            _ => true,
        });
        ready(())
    }

    fn settle_purge(&self, store: StoreId, paid: u64) -> BoxFuture<'_, Result<(), Error>> {
        self.state().debts.retain(
            |(to, debt)| !matches!(debt, Debt::Purge { id, .. } if *to == store && *id == paid),
        );
        ready(())
    }

    fn next(&self, store: StoreId, limit: usize) -> Result<Vec<Debt>, Error> {
        let state = self.state();
        let mine = state.debts.iter().filter(|(to, _)| *to == store);
        Ok(mine.take(limit).map(|(_, debt)| debt.clone()).collect())
    }

    fn owed(&self, store: StoreId) -> u64 {
        self.state().debts.iter().filter(|(to, _)| *to == store).count() as u64
    }

    fn added(&self) -> watch::Receiver<u64> {
        self.added.subscribe()
    }
}
