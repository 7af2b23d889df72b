//! Delivers what this node owes the stores, oldest first, until they agree.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{TryStreamExt as _, stream};
use littoral_peer::Error as PeerError;
use littoral_store::{Debt, Debts, Error, Write};
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::StoreId;

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

/// Some of the oldest debts. Writes are of different keys, so a few are under way at once.
async fn batch(stores: &Stores, owed: &dyn Debts, store: StoreId) -> Result<(), String> {
    let read = |error: Error| error.to_string();
    let (mut writes, mut purges) = (Vec::new(), Vec::new());
    for debt in owed.next(store, BATCH).map_err(read)? {
        match debt {
            Debt::Write(write) => writes.push(write),
            Debt::Purge { space, scope, id } => purges.push((space, scope, id)),
        }
    }
    let at_once = stores.refill.limits().refills_at_once_max.max(1);
    let paying = writes.into_iter().map(|write| Ok(pay_write(stores, owed, store, write)));
    stream::iter(paying).try_buffer_unordered(at_once).try_collect::<()>().await?;
    for (space, scope, id) in purges {
        let purged = stores.purge(&stores.ctx(), store, space, scope).await;
        purged.map_err(|error: PeerError| error.to_string())?;
        owed.settle_purge(store, id).await.map_err(read)?;
    }
    Ok(())
}

async fn pay_write(
    stores: &Stores,
    owed: &dyn Debts,
    store: StoreId,
    write: Write,
) -> Result<(), String> {
    stores.refill.turn(store).await;
    let (space, key, version) = (write.space, write.key.clone(), write.row.version);
    // Whatever it says: it has it, or something newer, or needs it no more.
    match stores.insist(&stores.ctx(), store, write).await {
        Ok(_) => stores.refill.answered(store),
        Err(error) => {
            stores.refill.failed(store);
            return Err(error.to_string());
        }
    }
    let settled = owed.settle(store, space, &key, version).await;
    settled.map_err(|error| error.to_string())
}
