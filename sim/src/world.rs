//! The network of one seed: three regions of three locations, a store in the first two regions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::{Chance, Clock};
use littoral_kv::{Namespace, Policy};
use littoral_peer::faults::Faults;
use littoral_peer::local::{Limits as CarrierLimits, Network, Trips};
use littoral_store::{OwedModel, Store};
use littoral_tasks::Tasks;
use littoral_topology::{Known, Location, Region, Site, Topology};
use littoral_types::{Epoch, LocationId, RegionId, SpaceId, StoreId, Tenant, Version, Wall};

use crate::ledger::{By, Ledger};
use crate::node::{Disk, Running, Surroundings};
use crate::places::Places;
use crate::store::SimStore;

pub(crate) const LOCATIONS: u16 = 9;
pub(crate) const PER_REGION: u16 = 3;
/// Locations at which the stores stand.
pub(crate) const SITES: [u16; 2] = [0, PER_REGION];
const EPOCH_WALL: Wall = Wall(1_700_000_000_000);
/// Clocks are wrong by up to this much either way.
const SKEW_MS: u64 = 500;
/// A tombstone goes so soon here that much comes late.
pub(crate) const GRACE: Duration = Duration::from_secs(15);
const FAR_MS: i64 = 600_000;

/// Namespaces of the simulation: short times, so that much happens in few minutes.
pub(crate) const POLICY: Policy = Policy {
    refresh_s: 10,
    cache_ttl_s: 20,
    cache_ttl_min_s: 0,
    expiration_ttl_min_s: 1,
    absent_s: 5,
    stale_if_error_s: 3_600,
    compare: false,
};

pub(crate) struct World {
    /// The one true time.
    pub(crate) clock: Clock,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) network: Arc<Network>,
    pub(crate) stores: [Arc<SimStore>; 2],
    /// Plain, and strict (`compare = true`).
    pub(crate) namespaces: [Namespace; 2],
    pub(crate) verbose: bool,
    pub(crate) places: Places,
    topology: Arc<Topology>,
    newest: Mutex<Newest>,
    nodes: Vec<Mutex<Place>>,
    tasks: Tasks,
    folder: tempfile::TempDir,
    memory_bytes: u64,
    /// Whether this seed has a crawler: what others have to bring about shows only without one.
    pub(crate) crawling: bool,
    /// Whether clients turn to other keys all the time, and leave the others cold.
    pub(crate) moving: bool,
}

struct Place {
    running: Option<Running>,
    disk: Disk,
    chance: Chance,
    /// Its clock is far from the others'.
    far: bool,
}

impl World {
    /// Returns when every stream has been heard.
    pub(crate) async fn new(chance: &mut Chance, places: Places, verbose: bool) -> Self {
        let clock = Clock::simulated(EPOCH_WALL, 0);
        let tasks = Tasks::new(clock.clone());
        let newest = Newest::default();
        let topology = Arc::new(topology(newest.epoch, &newest.weights));
        let trips = Trips::new(trips(&places, chance));
        let faults = Faults::seeded(chance.u64(), Default::default());
        let network = Network::several(clock.clone(), tasks.clone(), trips, faults, places.all());
        network.sound_within(places.sound);
        // So that a fault of the codec cannot hide until there is a wire.
        network.encoding(true);
        let ledger = Arc::new(Ledger::default());
        let store = |id: u8, chance: &mut Chance| {
            SimStore::new(StoreId(id), clock.clone(), Arc::clone(&ledger), chance.fork())
        };
        let stores = [store(0, chance), store(1, chance)];
        let place = |at: u16| {
            let far = chance.happens(0.03) && !SITES.contains(&at);
            let near = chance.below(2 * SKEW_MS) as i64 - SKEW_MS as i64;
            // Now and then a node starts with a clock ten minutes fast: its writes are refused.
            let skew = if far { FAR_MS } else { near };
            Mutex::new(Place {
                running: None,
                disk: Disk {
                    owed: Arc::new(OwedModel::default()),
                    mark: Wall(0),
                    clock: Clock::simulated(EPOCH_WALL, skew),
                    lives: 0,
                    known: Known::from(Topology::clone(&topology)),
                },
                chance: chance.fork(),
                far,
            })
        };
        let nodes = (0..places.count()).map(place).collect();
        let namespace = |id, compare| Namespace {
            id: SpaceId(id),
            account: Tenant(1),
            title: String::new(),
            policy: Policy { compare, ..POLICY },
        };
        // Now and then so little memory that entries are evicted all the time.
        let memory_bytes = if chance.happens(0.2) { 1_200 } else { 1 << 20 };
        let crawling = chance.happens(0.6);
        let moving = chance.happens(0.4);
        let world = Self {
            namespaces: [namespace(100, false), namespace(101, true)],
            verbose,
            places,
            topology,
            newest: Mutex::new(newest),
            nodes,
            tasks,
            folder: tempfile::tempdir().expect("a temporary folder"),
            memory_bytes,
            crawling,
            moving,
            clock,
            ledger,
            network,
            stores,
        };
        for at in 0..world.places.count() {
            world.start(at);
        }
        world.clock.sleep(Duration::from_millis(500)).await;
        world
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.mono().0)
    }

    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            let line = format!("{:>9.3} {}\n", self.now().as_secs_f64(), what());
            // A closed terminal ends the talk, not the run.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
        }
    }

    fn place(&self, at: u16) -> MutexGuard<'_, Place> {
        self.nodes[usize::from(at)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn running(&self, at: u16) -> Option<Running> {
        self.place(at).running.clone()
    }

    pub(crate) fn home(&self, space: usize, key: &[u8]) -> StoreId {
        let hash = littoral_topology::key_hash(self.namespaces[space].id, key);
        self.topology.home(hash)
    }

    pub(crate) fn start(&self, at: u16) {
        let mut place = self.place(at);
        if place.running.is_some() {
            return;
        }
        let here = LocationId(self.places.location(at));
        let place_id = LocationId(at);
        let site = SITES.iter().position(|site| *site == at).map(|store| {
            let store_id = StoreId(store as u8);
            (store_id, Arc::clone(&self.stores[store]) as Arc<dyn Store>)
        });
        let staging = self.folder.path().join(at.to_string());
        let around = Surroundings {
            here,
            carrier: self.network.end(place_id, CarrierLimits::default()),
            ledger: &self.ledger,
            site,
            staging: &staging,
            memory_bytes: self.memory_bytes,
            crawling: self.crawling,
            // What is promised leans on no courtesy: in most seeds there is none.
            pushing: self.moving,
        };
        let chance = place.chance.fork();
        let (running, service) = Running::start(around, &mut place.disk, chance);
        self.network.attach(place_id, &service);
        place.running = Some(running);
        self.ledger.lock().came_or_went.push((at, self.now()));
    }

    pub(crate) fn kill(&self, at: u16) {
        let mut place = self.place(at);
        if let Some(running) = place.running.take() {
            running.kill(&mut place.disk);
            self.network.detach(LocationId(at));
            self.ledger.lock().came_or_went.push((at, self.now()));
        }
    }

    /// The next epoch: a location gives up its keys, or takes them again.
    pub(crate) fn next_epoch(&self, at: u16) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.epoch += 1;
        let weight = &mut newest.weights[usize::from(at)];
        *weight = if *weight > 0.0 { 0.0 } else { 1.0 };
    }

    /// A location hears of the newest epoch.
    pub(crate) fn hear(&self, at: u16) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = self.place(at).disk.known.learn(topology(newest.epoch, &newest.weights));
        learned.expect("only weights change");
    }

    /// Sets one location's wall clock forward or back.
    pub(crate) fn jump(&self, at: u16, by_ms: i64) {
        self.place(at).disk.clock.jump(by_ms);
    }

    /// Whether a node's clock was far off from the start.
    pub(crate) fn far(&self, at: u16) -> bool {
        self.place(at).far
    }

    /// What it says that there is no row of a key.
    pub(crate) fn gone(&self, space: usize, key: &Bytes, by: By) -> Version {
        let inner = self.ledger.lock();
        let place = (self.namespaces[space].id, key.clone());
        let writes = inner.writes.get(&place);
        writes.map_or(Version::ZERO, |writes| inner.gone(writes, by, self.now()))
    }

    pub(crate) fn debts(&self) -> u64 {
        use littoral_store::Debts as _;
        let owed = |at| {
            let place = self.place(at);
            StoreId::all().map(|store| place.disk.owed.owed(store)).sum::<u64>()
        };
        (0..self.places.count()).map(owed).sum()
    }

    /// Everything works again.
    pub(crate) async fn heal(&self) {
        self.network.faults.heal();
        self.network.faults.set_rates(Default::default());
        for store in &self.stores {
            store.start();
        }
        for at in 0..self.places.count() {
            self.start(at);
            self.hear(at);
        }
        self.clock.sleep(Duration::from_secs(1)).await;
    }

    pub(crate) fn stop(&self) {
        for at in 0..self.places.count() {
            self.kill(at);
        }
        self.tasks.cut();
    }
}

/// What the authority has said last.
struct Newest {
    epoch: u64,
    weights: [f64; LOCATIONS as usize],
}

impl Default for Newest {
    fn default() -> Self {
        Self { epoch: 1, weights: [1.0; LOCATIONS as usize] }
    }
}

fn topology(epoch: u64, weights: &[f64]) -> Topology {
    let regions = (0..LOCATIONS / PER_REGION).map(|r| Region { name: format!("r{r}") }).collect();
    let location = |at: u16| {
        Location::new(format!("l{at}"), RegionId(at / PER_REGION), weights[usize::from(at)])
    };
    let locations = (0..LOCATIONS).map(location).collect();
    let stores = SITES.map(|at| Site { location: LocationId(at), weight: 1.0 });
    Topology::new(Epoch(epoch), regions, locations, stores).expect("a sound topology")
}

fn trips(places: &Places, chance: &mut Chance) -> Vec<Vec<Duration>> {
    let mut trip = |a: u16, b: u16| {
        let (from, more) = match () {
            () if a == b => return Duration::ZERO,
            () if places.beside(a, b) => return Duration::from_micros(300),
            () if places.location(a) / PER_REGION == places.location(b) / PER_REGION => {
                (1_000, 4_000)
            }
            () => (20_000, 80_000),
        };
        Duration::from_micros(from + chance.below(more))
    };
    let count = places.count();
    (0..count).map(|a| (0..count).map(|b| trip(a, b)).collect()).collect()
}
