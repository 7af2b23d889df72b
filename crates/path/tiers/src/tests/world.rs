//! A small network in one paused runtime.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_peer::faults::Faults;
use littoral_peer::local::{Limits as CarrierLimits, Network, Trips};
use littoral_peer::{Answer, Error, Hop, Hops, Outcome, Reply, Request, Service, Trailing, Truth};
use littoral_store::{Condition, Model, Row, Scope, Store, Write};
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_topology::{Known, Location, Region, Site, Topology, key_hash};
use littoral_types::{
    Body, Ctx, Epoch, Kind, LocationId, Positions, RegionId, Space, SpaceId, StoreId, Version, Wall,
};
use tokio::sync::Semaphore;

use crate::{Asked, Entry, Limits, Origin, Parts, Policy, Publisher, Served, Tiers};

pub(super) const SPACE: Space = Space { id: SpaceId(5), kind: Kind(9) };
const PER_REGION: u16 = 3;

/// Three regions of three locations; the stores stand in the first two regions.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) network: Arc<Network>,
    pub(super) topology: Known,
    pub(super) origin: Arc<MapOrigin>,
    nodes: Vec<Arc<dyn Service>>,
    tiers: Vec<Tiers>,
    publishers: Vec<Arc<[Publisher; 2]>>,
}

pub(super) struct Setup {
    pub(super) limits: Limits,
    pub(super) restarted: bool,
    pub(super) regions: u16,
    /// Two regions that are nearer to each other than others are.
    pub(super) near: [u16; 2],
    /// Further nodes at location 6: places 9, 10, …
    pub(super) beside: u16,
}

/// The location that may have several nodes.
pub(super) const SHARED: u16 = 6;

impl Default for Setup {
    fn default() -> Self {
        // What is promised does not lean on the courtesy of pushes: only a test of theirs has them.
        let limits = Limits { interests: 0, ..Limits::default() };
        Self { limits, restarted: false, regions: 3, near: [0, 0], beside: 0 }
    }
}

struct Node {
    tiers: Tiers,
    publishers: Arc<[Publisher; 2]>,
}

impl Service for Node {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        req: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            match req {
                Request::Follow(store, follow) => {
                    self.publishers[store.index()].follow(follow).await.map(Reply::Followed)
                }
                request => self.tiers.handle(from, ctx, request).await,
            }
        })
    }
}

/// The truth is a map; its purges travel in the outboxes of both stores.
pub(super) struct MapOrigin {
    rows: Mutex<HashMap<Bytes, (Version, Body)>>,
    stores: [Arc<Model>; 2],
    pub(super) fetches: AtomicU64,
    pub(super) down: AtomicBool,
    /// Whether its answers count as confirmed by every store.
    pub(super) confirms: AtomicBool,
    /// A fetch waits here after it has read, when closed.
    gate: Semaphore,
    open: AtomicBool,
}

impl Origin for MapOrigin {
    fn fetch(&self, _: Ctx, asked: Asked) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(async move {
            self.fetches.fetch_add(1, Ordering::Relaxed);
            if self.down.load(Ordering::Relaxed) {
                return Err(Error::Unavailable("switched off".into()));
            }
            let positions = StoreId::all().fold(Positions::NONE, |all, store| {
                all.with(store, *self.stores[store.index()].committed().borrow())
            });
            let row = self.rows.lock().unwrap().get(&asked.key).cloned();
            let (version, body) = row.unwrap_or_default();
            if !self.open.load(Ordering::Relaxed) {
                self.gate.acquire().await.expect("never closed").forget();
            }
            if asked.minimum.client.is_some_and(|client| version < client) {
                return Err(Error::MinimumUnmet);
            }
            let truth = if asked.held == Some(version) {
                Truth::NotModified
            } else {
                Truth::Whole { body, meta: Bytes::new(), tags: None, expires_at: None }
            };
            Ok(Answer {
                version,
                truth,
                age: Duration::ZERO,
                positions,
                confirmed: self.confirms.load(Ordering::Relaxed),
                stale: false,
                hops: Hops::default(),
                trailing: Trailing::NONE,
            })
        })
    }
}

impl MapOrigin {
    pub(super) fn fetched(&self) -> u64 {
        self.fetches.load(Ordering::Relaxed)
    }

    /// Fetches read, then wait until [`MapOrigin::release`].
    pub(super) fn hold(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    pub(super) fn release(&self) {
        self.open.store(true, Ordering::Relaxed);
        self.gate.add_permits(64);
    }
}

/// A value that goes with no purge.
pub(super) fn large() -> &'static str {
    "x".repeat(8 << 10).leak()
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// Returns when every stream has been heard.
    pub(super) async fn with(setup: Setup) -> Self {
        let clock = Clock::simulated(Wall(1_700_000_000_000), 0);
        let tasks = Tasks::new(clock.clone());
        let count = setup.regions * PER_REGION;
        let regions = (0..setup.regions).map(|r| Region { name: format!("r{r}") }).collect();
        let location = |at: u16| Location::new(format!("l{at}"), RegionId(at / PER_REGION), 1.0);
        let site = |at: u16| Site { location: LocationId(at.min(count - 1)), weight: 1.0 };
        let locations = (0..count).map(location).collect();
        let topology =
            Topology::new(Epoch(1), regions, locations, [site(0), site(PER_REGION)]).unwrap();
        let topology = Known::from(topology);
        let trip = |a: u16, b: u16| match () {
            () if a == b => Duration::ZERO,
            () if a / PER_REGION == b / PER_REGION => Duration::from_millis(2),
            () if setup.near == [a, b].map(|at| at / PER_REGION) => Duration::from_millis(10),
            () if setup.near == [b, a].map(|at| at / PER_REGION) => Duration::from_millis(10),
            () => Duration::from_millis(40),
        };
        // The place of a further node is where location 6 is.
        let places = (0..count).chain(std::iter::repeat_n(SHARED, setup.beside.into()));
        let places: Vec<u16> = places.collect();
        let from = |a: &u16| places.iter().map(|b| trip(*a, *b)).collect();
        let trips = Trips::new(places.iter().map(from).collect());
        let at = places.iter().copied().map(LocationId).collect();
        let faults = Faults::none();
        let network = Network::several(clock.clone(), tasks.clone(), trips, faults, at);
        let stores = [Arc::new(Model::new(11)), Arc::new(Model::new(12))];
        let origin = Arc::new(MapOrigin {
            rows: Mutex::default(),
            stores: stores.clone(),
            fetches: AtomicU64::new(0),
            down: AtomicBool::new(false),
            confirms: AtomicBool::new(true),
            gate: Semaphore::new(0),
            open: AtomicBool::new(true),
        });
        let mut world = Self {
            clock,
            network,
            topology,
            origin,
            nodes: Vec::new(),
            tiers: Vec::new(),
            publishers: Vec::new(),
        };
        for (place, here) in (0..).zip(places) {
            world.add(LocationId(place), LocationId(here), &tasks, &setup, &stores);
        }
        world.pass(Duration::from_millis(300)).await;
        world
    }

    fn add(
        &mut self,
        at: LocationId,
        here: LocationId,
        tasks: &Tasks,
        setup: &Setup,
        stores: &[Arc<Model>; 2],
    ) {
        let mut chance = Chance::seeded(u64::from(at.0) + 1);
        let hlc = Arc::new(Hlc::new(self.clock.clone(), &mut chance, Duration::from_secs(1)));
        let tiers = Tiers::new(Parts {
            here,
            clock: self.clock.clone(),
            tasks: tasks.clone(),
            hlc,
            topology: self.topology.clone(),
            carrier: self.network.end(at, CarrierLimits::default()),
            disk: None,
            limits: setup.limits,
            seed: chance.u64(),
            restarted: setup.restarted,
            metrics: Registry::new("test"),
        });
        let origin: Arc<dyn Origin> = Arc::clone(&self.origin) as _;
        assert!(tiers.register(SPACE.kind, origin, Policy::default()));
        let publishers = stores
            .clone()
            .map(|store| Publisher::new(store, self.topology.clone(), self.clock.clone()));
        let publishers = Arc::new(publishers);
        self.publishers.push(Arc::clone(&publishers));
        let node: Arc<dyn Service> = Arc::new(Node { tiers: tiers.clone(), publishers });
        self.network.attach(at, &node);
        tiers.follow(chance.u64());
        self.nodes.push(node);
        self.tiers.push(tiers);
    }

    pub(super) fn tiers(&self, at: u16) -> &Tiers {
        &self.tiers[usize::from(at)]
    }

    pub(super) async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    pub(super) fn ctx(&self) -> Ctx {
        Ctx { deadline: self.clock.after(Duration::from_secs(20)), ..Ctx::default() }
    }

    pub(super) async fn get(&self, at: u16, key: &'static str) -> Served {
        self.try_get(at, key, &self.ctx(), &Policy::default()).await.expect("an answer")
    }

    pub(super) async fn try_get(
        &self,
        at: u16,
        key: &'static str,
        ctx: &Ctx,
        policy: &Policy,
    ) -> Result<Served, Error> {
        self.tiers(at).get(ctx, SPACE, Bytes::from_static(key.as_bytes()), policy).await
    }

    /// A write somewhere: in the map, and in both stores' outboxes.
    pub(super) async fn put(&self, key: &'static str, value: &'static str) -> Version {
        let key = Bytes::from_static(key.as_bytes());
        let version = self.tiers[0].inner().hlc.now();
        let body = Body::Bytes(Bytes::from_static(value.as_bytes()));
        self.origin.rows.lock().unwrap().insert(key.clone(), (version, body.clone()));
        for (n, store) in self.origin.stores.iter().enumerate() {
            let row = Row { version, body: body.clone(), ..Row::default() };
            let condition = Condition::Newer;
            let now = self.clock.wall();
            let write = Write { space: SPACE.id, key: key.clone(), row, condition, now };
            let site = self.topology.now().site(StoreId(n as u8)).location;
            self.publishers[site.index()][n].coming(&write);
            store.apply(write).await.expect("a model takes everything");
        }
        version
    }

    pub(super) async fn purge(&self, scope: Scope) {
        self.purge_in(SPACE.id, scope).await;
    }

    /// Where the stores have numbered it.
    pub(super) async fn purge_in(&self, space: SpaceId, scope: Scope) -> Positions {
        let mut at = Positions::NONE;
        for (n, store) in self.origin.stores.iter().enumerate() {
            let purged = store.purge(space, scope.clone()).await;
            at = at.with(StoreId(n as u8), purged.expect("a model takes everything"));
        }
        at
    }

    /// The regional tier of a key for a location, and its upper tier.
    pub(super) fn route(&self, at: u16, key: &str) -> (u16, u16) {
        let hash = key_hash(SPACE.id, key.as_bytes());
        let region = self.topology.now().region_of(LocationId(at));
        let tier = |region| self.topology.now().tier(region, hash).expect("weights are 1").0;
        (tier(region), tier(self.topology.now().upper_region(hash)))
    }

    /// A region's locations give up their keys with the next epoch.
    pub(super) fn without(&self, region: u16) {
        let now = self.topology.now();
        let regions = now.regions().map(|(_, region)| region.clone()).collect();
        let weight = |at: RegionId| if at.0 == region { 0.0 } else { 1.0 };
        let location = |l: &Location| Location::new(l.name.clone(), l.region, weight(l.region));
        let locations = now.locations().map(|(_, l)| location(l)).collect();
        let next = Epoch(now.epoch().0 + 1);
        let sites = [now.site(StoreId(0)), now.site(StoreId(1))];
        let next = Topology::new(next, regions, locations, sites).expect("a sound topology");
        assert_eq!(self.topology.learn(next), Ok(true));
    }

    /// The nodes of location 6 in their rank for a key.
    pub(super) fn ranked(&self, key: &str) -> Vec<u16> {
        let further = 3 * PER_REGION..self.tiers.len() as u16;
        let mut ranked: Vec<u16> = std::iter::once(SHARED).chain(further).collect();
        ranked.sort_by_key(|place| {
            let carrier = &self.tiers(*place).inner().carrier;
            carrier.keepers(SPACE.id, key.as_bytes()).len()
        });
        ranked
    }

    /// A write that a node takes.
    pub(super) async fn write_at(
        &self,
        at: u16,
        key: &'static str,
        value: &'static str,
    ) -> Version {
        let version = self.put(key, value).await;
        let (tiers, now) = (self.tiers(at), self.clock.mono());
        let key = Bytes::from_static(key.as_bytes());
        let store = StoreId(0);
        let position = *self.origin.stores[0].committed().borrow();
        let entry = Entry {
            version,
            body: Body::Bytes(Bytes::from_static(value.as_bytes())),
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
            vouched_at: now,
            copied_at: now,
            positions: Positions::NONE.with(store, position),
            confirmed: false,
            stale_since: None,
        };
        let held = tiers.wrote(SPACE.id, &key, entry, store);
        tiers.share(SPACE, &key, &held).await;
        version
    }

    /// The upper tier of a key.
    pub(super) fn upper(&self, key: &str) -> u16 {
        self.route(0, key).1
    }

    /// The tier of a key in a region.
    pub(super) fn tier(&self, region: u16, key: &str) -> u16 {
        let hash = key_hash(SPACE.id, key.as_bytes());
        self.topology.now().tier(RegionId(region), hash).expect("it has one").0
    }

    /// A key whose whole walk from `at` takes three different locations.
    pub(super) fn far_key(&self, at: u16) -> &'static str {
        const KEYS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let far = |key: &&&str| {
            let (regional, upper) = self.route(at, key);
            regional != at && upper / PER_REGION != at / PER_REGION
        };
        KEYS.iter().find(far).expect("one of twelve keys")
    }
}

pub(super) fn text(served: &Served) -> Option<String> {
    match &served.entry.body {
        Body::Bytes(bytes) if !served.absent => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// Each hop's place, name and outcome, nearest the origin first.
pub(super) fn path(served: &Served) -> Vec<(u16, Hop, Outcome)> {
    served.hops.iter().map(|hop| (hop.location.0, hop.hop, hop.outcome)).collect()
}
