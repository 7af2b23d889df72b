//! Opens the stores of the truth that stand here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_postgres::Postgres;
use littoral_store::{Fjall, Options as FjallOptions, Staging, Store};
use littoral_tasks::TaskKind;
use littoral_types::{LocationId, STORES, StoreId};

use super::disks::at_once;
use super::{Error, Options, Origin, Places};
use crate::node::{Shared, Truths};

/// How often the outbox is trimmed.
const TRIM_EVERY: Duration = Duration::from_secs(60);

/// An opened store, and what trims its purge log.
pub(super) struct Opened {
    store: Arc<dyn Store>,
    trim: Arc<dyn Fn(Duration) -> Trimmed + Send + Sync>,
}

/// How many records are gone, once they are.
type Trimmed = BoxFuture<'static, Result<u64, littoral_store::Error>>;

impl Opened {
    fn new<S: Store>(store: Arc<S>, trim: fn(Arc<S>, Duration) -> Trimmed) -> Self {
        let trimmed = Arc::clone(&store);
        Self { store, trim: Arc::new(move |keep| trim(Arc::clone(&trimmed), keep)) }
    }
}

/// By store; `None` for one that stands elsewhere.
pub(super) type AllOpened = [Option<Opened>; STORES];

/// # Errors
/// When a folder or a database cannot be used.
pub(super) fn open(
    options: &Options,
    shared: &Shared,
    own: &[LocationId],
) -> Result<AllOpened, Error> {
    let stores: Vec<StoreId> = StoreId::all().collect();
    let runtime = tokio::runtime::Handle::current();
    let opened = at_once(&stores, |store| {
        let _runtime = runtime.enter();
        let here = own.contains(&shared.topology.now().site(*store).location);
        here.then(|| one(*store, options, shared)).transpose()
    })?;
    Ok(opened.try_into().unwrap_or_default())
}

fn one(store: StoreId, options: &Options, shared: &Shared) -> Result<Opened, Error> {
    let path = options.data_dir.join(format!("store-{}", store.0));
    match &options.origins[store.index()] {
        Origin::Embedded => {
            alone(store, options)?;
            embedded(&path, shared)
        }
        Origin::Postgres { address, connections } => {
            postgres(store, &path, address, *connections, shared)
        }
    }
}

/// Several nodes of a location share a store only where it is kept outside of them.
fn alone(store: StoreId, options: &Options) -> Result<(), Error> {
    let Places::Listed { locations, stores, .. } = &options.places else { return Ok(()) };
    let place = &locations[stores[store.index()].at];
    if place.nodes.len() <= 1 {
        return Ok(());
    }
    let why = format!(
        "it is kept in the data directory of one node, and {} has {}: use PostgreSQL there",
        place.name,
        place.nodes.len()
    );
    Err(Error::Origin { store: store.0, why })
}

fn embedded(path: &Path, shared: &Shared) -> Result<Opened, Error> {
    let options = FjallOptions {
        writes_waiting_max: shared.limits.writes_waiting,
        ..FjallOptions::default()
    };
    let opened = std::fs::create_dir_all(path)
        .map_err(|error| littoral_store::Error::Write(error.to_string()))
        .and_then(|()| Fjall::open(path, options, shared.clock.clone()));
    let store =
        opened.map_err(|error| Error::DataDir { path: path.to_owned(), source: error.into() })?;
    Ok(Opened::new(store, |store, keep| Box::pin(async move { store.trim_outbox(keep).await })))
}

/// The data directory holds large bodies on their way only.
fn postgres(
    store: StoreId,
    path: &Path,
    address: &littoral_postgres::Address,
    connections: usize,
    shared: &Shared,
) -> Result<Opened, Error> {
    let staging = Staging::open(path)
        .map_err(|error| Error::DataDir { path: path.to_owned(), source: error.into() })?;
    let options = littoral_postgres::Options {
        connections_max: connections,
        writes_waiting_max: shared.limits.writes_waiting,
        ..littoral_postgres::Options::default()
    };
    let (clock, tasks) = (shared.clock.clone(), &shared.tasks);
    let opened = Postgres::open(address, Arc::new(staging), options, clock, tasks);
    let opened =
        opened.map_err(|error| Error::Origin { store: store.0, why: error.to_string() })?;
    Ok(Opened::new(opened, |store, keep| Box::pin(async move { store.trim_outbox(keep).await })))
}

/// Trims their outboxes from now on.
pub(super) fn trimmed(stores: AllOpened, shared: &Shared) -> Truths {
    stores.map(|opened| {
        let Opened { store, trim } = opened?;
        let (clock, keep) = (shared.clock.clone(), shared.limits.purge_log.0);
        shared.tasks.spawn(TaskKind::Trim, async move {
            loop {
                clock.sleep(TRIM_EVERY).await;
                if let Err(error) = trim(keep).await {
                    tracing::warn!(%error, "the purge log was not trimmed; it is tried again");
                }
            }
        });
        Some(store)
    })
}
