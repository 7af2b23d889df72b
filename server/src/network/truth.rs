//! Opens the two embedded stores of the truth.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use littoral_store::{Fjall, Options, Store};
use littoral_tasks::TaskKind;
use littoral_types::StoreId;

use super::Error;
use super::disks::at_once;
use crate::node::Shared;

/// How often the outbox is trimmed.
const TRIM_EVERY: Duration = Duration::from_secs(60);

/// # Errors
/// When a folder cannot be used.
pub(super) fn open(data_dir: &Path, shared: &Shared) -> Result<Vec<Arc<Fjall>>, Error> {
    let options =
        Options { writes_waiting_max: shared.limits.writes_waiting, ..Options::default() };
    let open = |store: &StoreId| {
        let path = data_dir.join(format!("store-{}", store.0));
        let opened = std::fs::create_dir_all(&path)
            .map_err(|error| littoral_store::Error::Write(error.to_string()))
            .and_then(|()| Fjall::open(&path, options, shared.clock.clone()));
        opened.map_err(|error| Error::DataDir { path, source: error.into() })
    };
    let stores: Vec<StoreId> = StoreId::all().collect();
    at_once(&stores, open)
}

/// Trims their outboxes from now on.
pub(super) fn trimmed(stores: Vec<Arc<Fjall>>, shared: &Shared) -> Vec<Arc<dyn Store>> {
    let trimmed = |store: Arc<Fjall>| {
        shared.tasks.spawn(TaskKind::Trim, trim(Arc::clone(&store), shared));
        store as Arc<dyn Store>
    };
    stores.into_iter().map(trimmed).collect()
}

fn trim(store: Arc<Fjall>, shared: &Shared) -> impl Future<Output = ()> + use<> {
    let (clock, keep) = (shared.clock.clone(), shared.limits.purge_log.0);
    async move {
        loop {
            clock.sleep(TRIM_EVERY).await;
            if let Err(error) = store.trim_outbox(keep).await {
                tracing::warn!(%error, "the purge log was not trimmed; it is tried again");
            }
        }
    }
}
