//! Delivers what this node owes the stores, in order, until they agree.

use std::sync::Arc;
use std::time::Duration;

use littoral_peer::Error as PeerError;
use littoral_store::{Applied, Debt, Debts, Error};
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Ctx, StoreId};

use crate::stores::Stores;

/// Debts read at once.
const BATCH: usize = 64;
/// A debt just written down is mostly being paid by the write itself: it gets this long.
const GRACE: Duration = Duration::from_secs(2);
/// Between two tries at a store that does not answer, at most.
const RETRY_MAX: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Pays debts to both stores until the node drains.
pub(crate) fn pay(stores: &Stores, owed: &Arc<dyn Debts>, tasks: &Tasks) {
    for store in StoreId::all() {
        tasks.spawn(TaskKind::Owed, deliver(stores.clone(), Arc::clone(owed), store));
    }
}

async fn deliver(stores: Stores, owed: Arc<dyn Debts>, store: StoreId) {
    let mut added = owed.added();
    let mut wait = RETRY_FIRST;
    loop {
        if owed.owed(store) == 0 {
            if added.changed().await.is_err() {
                return;
            }
            stores.clock.sleep(GRACE).await;
            continue;
        }
        match batch(&stores, &*owed, store).await {
            Ok(()) => wait = RETRY_FIRST,
            Err(why) => {
                tracing::debug!(store = store.0, owed = owed.owed(store), why, "still owed");
                stores.clock.sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

async fn batch(stores: &Stores, owed: &dyn Debts, store: StoreId) -> Result<(), String> {
    let read = |error: Error| error.to_string();
    for debt in owed.next(store, BATCH).map_err(read)? {
        let deadline = stores.clock.after(stores.store_time);
        let ctx = Ctx { deadline, ..Ctx::default() };
        match debt {
            Debt::Write(write) => {
                let (space, key, version) = (write.space, write.key.clone(), write.row.version);
                let applied = stores.apply(&ctx, store, write).await;
                match applied.map_err(|error| error.to_string())? {
                    // A newer version there makes the debt void as well.
                    Applied::Yes { .. } | Applied::Newer { .. } | Applied::Mismatch { .. } => {
                        owed.settle(store, space, &key, version).await.map_err(read)?;
                    }
                }
            }
            Debt::Purge { space, scope, id } => {
                let purged = stores.purge(&ctx, store, space, scope).await;
                purged.map_err(|error: PeerError| error.to_string())?;
                owed.settle_purge(store, id).await.map_err(read)?;
            }
        }
    }
    Ok(())
}
