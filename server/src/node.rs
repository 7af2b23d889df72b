//! One location's node: its tiers, its key-value store, and what it answers for others.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_kv::{CrawlLimits, Kv, Parts as KvParts, RefillLimits, Site, Stores};
use littoral_peer::{Carrier, Error, Reply, Request, Service};
use littoral_store::{Debts, Store};
use littoral_tasks::{TaskKind, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_tiers::{Parts as TierParts, Tiers};
use littoral_topology::Known;
use littoral_types::{Ctx, LocationId, STORES, StoreId};

use crate::config::Limits;
use crate::mark::Mark;
use crate::network::{Disks, Epochs};

/// A location's node.
pub struct Node {
    pub tiers: Tiers,
    pub kv: Kv,
    pub hlc: Arc<Hlc>,
    pub metrics: Registry,
    mark: Mark,
    /// In a network of many machines.
    epochs: OnceLock<Arc<Epochs>>,
    sites: [Option<Site>; STORES],
}

/// What the nodes of a process share.
pub struct Shared {
    pub clock: Clock,
    pub tasks: Tasks,
    pub topology: Known,
    pub limits: Limits,
    /// Locations in this process: the memory budget is divided among them.
    pub locations: u64,
    /// Whether the node beside the first store crawls: one of a location's nodes does.
    pub crawls: bool,
}

/// The store beside which the crawl runs.
const CRAWLS_BESIDE: StoreId = StoreId(0);

/// The stores of the truth, those that stand at this node's location.
pub type Truths = [Option<Arc<dyn Store>>; STORES];

impl Node {
    pub fn new(
        here: LocationId,
        disks: Disks,
        shared: &Shared,
        carrier: Arc<dyn Carrier>,
        truths: Truths,
        metrics: Registry,
        mut chance: Chance,
    ) -> Self {
        let Shared { clock, tasks, topology, limits, .. } = shared;
        let Disks { dir, restarted, staging, owed, cache } = disks;
        let hlc = Arc::new(Hlc::new(clock.clone(), &mut chance, limits.max_skew.0));
        let mark = Mark::new(&dir, &hlc);
        mark.resume();
        tasks.spawn(TaskKind::Mark, mark.clone().keep(clock.clone()));
        let tiers = Tiers::new(TierParts {
            here,
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            topology: topology.clone(),
            carrier: Arc::clone(&carrier),
            disk: Some(cache),
            limits: tier_limits(limits, shared.locations),
            seed: chance.u64(),
            restarted,
            metrics: metrics.clone(),
        });
        let store_time = limits.hop_time.0;
        let stores = Stores::new(carrier, topology.clone(), clock.clone(), store_time)
            .with_refill(refill_limits(limits));
        let kv = Kv::new(KvParts {
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            stores,
            tiers: tiers.clone(),
            owed: Some(owed as Arc<dyn Debts>),
            staging,
        });
        if truths[CRAWLS_BESIDE.index()].is_some() && shared.crawls {
            kv.crawl(crawl_limits(limits), &metrics);
        }
        let site = |store| Site::new(store, Arc::clone(&hlc), topology.clone(), clock.clone());
        let sites = truths.map(|store| store.map(site));
        Self { tiers, kv, hlc, metrics, mark, epochs: OnceLock::new(), sites }
    }

    /// From now on it answers when others speak of epochs.
    pub fn hear_of(&self, epochs: Arc<Epochs>) {
        // Said once.
        let _ = self.epochs.set(epochs);
    }

    /// Writes down what a graceful end keeps. Blocks.
    pub fn close(&self) {
        self.tiers.flush();
        self.mark.write();
    }
}

fn crawl_limits(limits: &Limits) -> CrawlLimits {
    CrawlLimits {
        crawl_rows_per_second: limits.crawl_rows_per_second,
        crawl_pause: limits.crawl_pause.0,
        tombstone_grace: limits.tombstone_grace.0,
        ..CrawlLimits::default()
    }
}

fn refill_limits(limits: &Limits) -> RefillLimits {
    RefillLimits {
        refill_per_second_first: limits.refill_per_second_first,
        refill_per_second_max: limits.refill_per_second_max,
        ..RefillLimits::default()
    }
}

fn tier_limits(limits: &Limits, locations: u64) -> littoral_tiers::Limits {
    littoral_tiers::Limits {
        memory_bytes: limits.memory.0 / locations,
        remembered_versions: limits.remembered_versions,
        waiters_per_key: limits.waiters_per_key,
        hop_time: limits.hop_time.0,
        heartbeat: limits.heartbeat.0,
        silence: limits.silence.0,
        ..littoral_tiers::Limits::default()
    }
}

impl Service for Node {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            match request {
                Request::Store(store, call) => {
                    let site = self.sites[store.index()].as_ref().ok_or_else(elsewhere)?;
                    site.handle(call).await.map(Reply::Store)
                }
                Request::Epoch(gossip) => {
                    let epochs = self.epochs.get();
                    let epochs =
                        epochs.ok_or(Error::Refused("epochs do not change here".into()))?;
                    Ok(Reply::Epoch(epochs.heard(gossip)))
                }
                Request::Follow(store, follow) => {
                    let site = self.sites[store.index()].as_ref().ok_or_else(elsewhere)?;
                    site.follow(follow).await.map(Reply::Followed)
                }
                request => self.tiers.handle(from, ctx, request).await,
            }
        })
    }
}

fn elsewhere() -> Error {
    Error::Refused("that store stands elsewhere".into())
}
