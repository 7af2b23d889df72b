//! One location's node as the simulation runs it: the production parts over simulated disks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_kv::{CrawlLimits, Kv, Parts as KvParts, RefillLimits, Site, Stores};
use littoral_peer::{Carrier, Error, Follow, Reply, Request, Service};
use littoral_store::{Debts, OwedModel, Staging, Store};
use littoral_tasks::{Shutdown, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_tiers::{Limits, Parts as TierParts, Tiers};
use littoral_topology::Known;
use littoral_types::{Ctx, LocationId, StoreId, Wall};

use crate::ledger::Ledger;
use crate::refill::Watched;
use crate::world::GRACE;

/// A running node.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) kv: Kv,
    pub(crate) life: u32,
    /// Signalled when the node is killed.
    pub(crate) killed: Shutdown,
    hlc: Arc<Hlc>,
    tasks: Tasks,
    _service: Arc<dyn Service>,
}

/// What of a node outlives it: its queue of debts, where its clock stood, its clock itself.
pub(crate) struct Disk {
    pub(crate) owed: Arc<OwedModel>,
    pub(crate) mark: Wall,
    pub(crate) clock: Clock,
    pub(crate) lives: u32,
    /// The epochs it has heard of.
    pub(crate) known: Known,
}

pub(crate) struct Surroundings<'a> {
    pub(crate) here: LocationId,
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) ledger: &'a Arc<Ledger>,
    pub(crate) site: Option<(StoreId, Arc<dyn Store>)>,
    pub(crate) staging: &'a Path,
    pub(crate) memory_bytes: u64,
    pub(crate) crawling: bool,
    /// Small writes go along with their purges, and tiers pass both on to the edges that they filled:
    /// courtesies, which would hide that something promised is missing.
    pub(crate) pushing: bool,
}

struct Node {
    tiers: Tiers,
    site: Option<(StoreId, Site)>,
    /// Small writes go along with their purges.
    lends: bool,
}

/// Two honest clocks, and a step of each.
pub(crate) const MAX_SKEW: Duration = Duration::from_millis(1_300);

/// Pages so small, and crawls so close, that much happens between.
const CRAWL: CrawlLimits = CrawlLimits {
    crawl_rows_per_second: 20,
    crawl_pause: Duration::from_secs(2),
    crawl_page: 2,
    crawl_young: Duration::from_secs(4),
    crawl_young_max: 6,
    tombstone_grace: GRACE,
};

const REFILL: RefillLimits =
    RefillLimits { refill_per_second_first: 2, refill_per_second_max: 64, refills_at_once_max: 4 };

impl Running {
    pub(crate) fn start(
        around: Surroundings<'_>,
        disk: &mut Disk,
        mut chance: Chance,
    ) -> (Self, Arc<dyn Service>) {
        let clock = disk.clock.clone();
        let tasks = Tasks::new(clock.clone());
        let hlc = Arc::new(Hlc::new(clock.clone(), &mut chance, MAX_SKEW));
        hlc.resume(disk.mark);
        let restarted = disk.lives > 0;
        disk.lives += 1;
        let carrier: Arc<dyn Carrier> = Arc::new(Watched {
            carrier: around.carrier,
            here: around.here,
            owed: Arc::clone(&disk.owed),
            ledger: Arc::clone(around.ledger),
            clock: clock.clone(),
            paid: Default::default(),
        });
        let topology = disk.known.clone();
        let tiers = Tiers::new(TierParts {
            here: around.here,
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            topology: topology.clone(),
            carrier: Arc::clone(&carrier),
            disk: None,
            limits: limits(around.memory_bytes, around.pushing),
            seed: chance.u64(),
            restarted,
            metrics: Registry::new("sim"),
        });
        let kv = Kv::new(KvParts {
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            stores: Stores::new(carrier, topology.clone(), clock.clone(), Duration::from_secs(5))
                .with_refill(REFILL),
            tiers: tiers.clone(),
            owed: Some(Arc::clone(&disk.owed) as Arc<dyn Debts>),
            staging: Staging::open(around.staging).expect("the temporary folder is ours"),
        });
        let first = around.site.as_ref().is_some_and(|(id, _)| *id == StoreId(0));
        if first && around.crawling {
            kv.crawl(CRAWL, &Registry::new("sim"));
        }
        let site = around
            .site
            .map(|(id, store)| (id, Site::new(store, Arc::clone(&hlc), topology, clock)));
        tiers.follow(chance.u64());
        let service: Arc<dyn Service> = Arc::new(Node { tiers, site, lends: around.pushing });
        let killed = Shutdown::new();
        let running =
            Self { kv, life: disk.lives, killed, hlc, tasks, _service: Arc::clone(&service) };
        (running, service)
    }

    /// It goes, and nothing of it is asked for again.
    pub(crate) fn end(self) {
        self.killed.signal();
        self.tasks.cut();
    }

    /// The process is gone, with everything that was only in memory.
    pub(crate) fn kill(self, disk: &mut Disk) {
        disk.mark = self.hlc.mark();
        self.killed.signal();
        self.tasks.cut();
    }
}

fn limits(memory_bytes: u64, pushing: bool) -> Limits {
    let interests = if pushing { 1_024 } else { 0 };
    Limits { memory_bytes, remembered_versions: 4_096, interests, ..Limits::default() }
}

impl Service for Node {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            match (request, &self.site) {
                (Request::Store(store, call), Some((here, site))) if store == *here => {
                    site.handle(call).await.map(Reply::Store)
                }
                (Request::Follow(store, follow), Some((here, site))) if store == *here => {
                    let rows = follow.rows && self.lends;
                    site.follow(Follow { rows, ..follow }).await.map(Reply::Followed)
                }
                (Request::Store(..) | Request::Follow(..), _) => {
                    Err(Error::Refused("that store stands elsewhere".into()))
                }
                (request, _) => self.tiers.handle(from, ctx, request).await,
            }
        })
    }
}
