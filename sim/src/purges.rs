//! How many purges a write costs: locations without faults, counted at the stores' publishers.
//!
//! Each stream sends a write's record to the key's tier in every region, and to nobody else: the
//! number is that of the regions, however many locations there are. The courtesy of tiers to edges
//! that they filled is counted apart; so many edges as remember a key's interest bound it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock};
use littoral_kv::{Namespace, Policy, Put, ReadOptions};
use littoral_peer::faults::Faults;
use littoral_peer::local::{Limits as CarrierLimits, Network, Trips};
use littoral_peer::{Error, Reply, Request, Service};
use littoral_store::{OwedModel, Purge, Store};
use littoral_tasks::Tasks;
use littoral_topology::{Known, Location, Region, Site, Topology};
use littoral_types::{
    Body, Ctx, Epoch, LocationId, RegionId, STORES, SpaceId, StoreId, Tenant, Wall,
};

use crate::ledger::Ledger;
use crate::node::{Disk, Running, Surroundings};
use crate::store::SimStore;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct PurgeOptions {
    pub seed: u64,
    pub locations: u16,
    pub regions: u16,
    pub writes: u16,
    /// Edges that read each key before it is written.
    pub readers: u16,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Purges {
    /// Records sent by each store's publisher, for each write.
    pub sent: [f64; STORES],
    /// Courtesies of tiers to edges, for each write.
    pub pushed: f64,
    /// Heartbeats and records asked for in a second by each location, of one store.
    pub asked: f64,
}

/// A network that runs, for as long as this lives. Needs the runtime it was started in.
pub struct Quiet {
    clock: Clock,
    nodes: Vec<Running>,
    counts: Arc<Counts>,
    namespace: Namespace,
    chance: Chance,
    options: PurgeOptions,
    tasks: Tasks,
    _network: Arc<Network>,
    _services: Vec<Arc<dyn Service>>,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Counts {
    sent: [AtomicU64; STORES],
    asked: AtomicU64,
    pushed: AtomicU64,
}

/// A node whose answers to followers are counted.
struct Counted {
    inner: Arc<dyn Service>,
    counts: Arc<Counts>,
}

impl Service for Counted {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        let followed = match &request {
            Request::Follow(store, _) => Some(*store),
            Request::Push(_) => {
                self.counts.pushed.fetch_add(1, Ordering::Relaxed);
                None
            }
            _ => None,
        };
        Box::pin(async move {
            let reply = self.inner.handle(from, ctx, request).await;
            if let (Some(store), Ok(Reply::Followed(followed))) = (followed, &reply) {
                let writes = followed.records.iter();
                let writes = writes.filter(|record| matches!(record.purge, Purge::Write { .. }));
                self.counts.sent[store.index()].fetch_add(writes.count() as u64, Ordering::Relaxed);
                self.counts.asked.fetch_add(1, Ordering::Relaxed);
            }
            reply
        })
    }
}

/// What each node may keep: little, for there are many in one process.
const MEMORY_BYTES: u64 = 1 << 20;
/// Until every stream is heard.
const SETTLE: Duration = Duration::from_secs(3);
const NEAR: Duration = Duration::from_millis(2);
const FAR: Duration = Duration::from_millis(40);

impl Quiet {
    /// Starts every location, and waits until all of them hear both streams.
    pub async fn start(options: PurgeOptions) -> Self {
        let PurgeOptions { seed, locations, regions, .. } = options;
        let mut chance = Chance::seeded(seed);
        let clock = Clock::simulated(Wall(1_700_000_000_000), 0);
        let tasks = Tasks::new(clock.clone());
        let region = |at: u16| at % regions;
        let trip = |a: u16, b: u16| match () {
            () if a == b => Duration::ZERO,
            () if region(a) == region(b) => NEAR,
            () => FAR,
        };
        let trips = (0..locations).map(|a| (0..locations).map(|b| trip(a, b)).collect()).collect();
        let network = Network::new(clock.clone(), tasks.clone(), Trips::new(trips), Faults::none());
        let names = (0..regions).map(|at| Region { name: format!("r{at}") }).collect();
        let place = |at| Location::new(format!("l{at}"), RegionId(region(at)), 1.0);
        let sites = [0, 1].map(|at| Site { location: LocationId(at), weight: 1.0 });
        let topology = Topology::new(Epoch(1), names, (0..locations).map(place).collect(), sites);
        let topology = topology.expect("a sound topology");
        let ledger = Arc::new(Ledger::default());
        let mut store =
            |id| SimStore::new(StoreId(id), clock.clone(), Arc::clone(&ledger), chance.fork());
        let stores = [store(0), store(1)];
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (counts, mut nodes, mut services) =
            (Arc::new(Counts::default()), Vec::new(), Vec::new());
        for here in (0..locations).map(LocationId) {
            let site = StoreId::all().find(|store| sites[store.index()].location == here);
            let site = site.map(|id| (id, Arc::clone(&stores[id.index()]) as Arc<dyn Store>));
            let around = Surroundings {
                here,
                carrier: network.end(here, CarrierLimits::default()),
                ledger: &ledger,
                site,
                staging: &folder.path().join(here.0.to_string()),
                memory_bytes: MEMORY_BYTES,
                crawling: false,
                pushing: true,
            };
            let mut disk = Disk {
                owed: Arc::new(OwedModel::default()),
                mark: Wall(0),
                clock: clock.clone(),
                lives: 0,
                known: Known::from(topology.clone()),
            };
            let (running, inner) = Running::start(around, &mut disk, chance.fork());
            let counted: Arc<dyn Service> =
                Arc::new(Counted { inner, counts: Arc::clone(&counts) });
            network.attach(here, &counted);
            nodes.push(running);
            services.push(counted);
        }
        let namespace = Namespace {
            id: SpaceId(100),
            account: Tenant(1),
            title: String::new(),
            policy: Policy::default(),
        };
        let quiet = Self {
            clock,
            nodes,
            counts,
            namespace,
            chance,
            options,
            tasks,
            _network: network,
            _services: services,
            _folder: folder,
        };
        quiet.clock.sleep(SETTLE).await;
        quiet
    }

    /// Lets time pass in which nobody asks for anything.
    pub async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    fn ctx(&self) -> Ctx {
        Ctx { deadline: self.clock.after(Duration::from_secs(20)), ..Ctx::default() }
    }

    /// Reads and writes keys at locations by chance, until all purges have arrived.
    ///
    /// # Panics
    /// When a read or a write fails: there are no faults.
    pub async fn count(&mut self) -> Purges {
        let PurgeOptions { locations, writes, readers, .. } = self.options;
        let began = self.clock.mono();
        for n in 0..writes {
            let key = Bytes::from(format!("key {n}"));
            for turn in 0..readers {
                // Each another edge, spread over the regions.
                let at = usize::from((n + turn) % locations);
                let read = ReadOptions::default();
                let kv = &self.nodes[at].kv;
                let read = kv.get(&self.ctx(), &self.namespace, key.clone(), read).await;
                read.expect("nothing is wrong");
            }
            let at = self.chance.below(u64::from(locations)) as usize;
            let put = Put { body: Body::Bytes(Bytes::from_static(b"value")), ..Put::default() };
            let kv = &self.nodes[at].kv;
            kv.put(&self.ctx(), &self.namespace, key, put).await.expect("nothing is wrong");
        }
        self.clock.sleep(SETTLE).await;
        let took = self.clock.mono().since(began).as_secs_f64();
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        let writes = f64::from(writes);
        let streams = f64::from(locations) * STORES as f64;
        Purges {
            sent: [0, 1].map(|store| of(&self.counts.sent[store]) / writes),
            pushed: of(&self.counts.pushed) / writes,
            asked: of(&self.counts.asked) / streams / took,
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        for node in self.nodes.drain(..) {
            node.end();
        }
        self.tasks.cut();
    }
}

/// One network, from its start to its last purge, on time of its own.
pub fn purges(options: PurgeOptions) -> Purges {
    on_own_time(async move { Quiet::start(options).await.count().await })
}

/// Runs on one thread and a clock that waits for nobody.
pub fn on_own_time<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    let runtime = builder.build().expect("a runtime without I/O needs nothing");
    runtime.block_on(work)
}
