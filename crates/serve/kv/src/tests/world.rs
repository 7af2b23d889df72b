//! Two regions of two locations, a store in each region, nodes with a key-value store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_peer::faults::Faults;
use littoral_peer::local::{Limits as CarrierLimits, Network, Trips};
use littoral_peer::{Error as PeerError, Reply, Request, Service};
use littoral_store::{
    Applied, Collect, Debts, Error as StoreError, Found, List, Listed, Model, OutboxPage,
    OwedModel, Scan, Scanned, Scope, Staging, Store, Write,
};
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_tiers::{Limits, Parts as TierParts, Tiers};
use littoral_topology::{Known, Location, Region, Site as Place, Topology, key_hash};
use littoral_types::{
    Body, Ctx, Epoch, LocationId, Position, RegionId, SpaceId, StoreId, Tenant, Version, Wall,
};
use tokio::sync::watch;

use crate::{Error, Kv, Namespace, Parts, Policy, Precondition, Put, ReadOptions, Site, Stores};

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) stores: Vec<Arc<Switch>>,
    pub(super) namespace: Namespace,
    topology: Known,
    kvs: Vec<Kv>,
    pub(super) owed: Vec<Option<Arc<OwedModel>>>,
    _nodes: Vec<Arc<dyn Service>>,
    _dir: tempfile::TempDir,
}

/// A store that can be switched off.
pub(super) struct Switch {
    pub(super) inner: Model,
    down: AtomicBool,
    silent: AtomicBool,
}

impl Switch {
    /// It is there, and answers no reads any more.
    pub(super) fn hush(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    pub(super) fn off(&self) {
        self.down.store(true, Ordering::Relaxed);
    }

    pub(super) fn on(&self) {
        self.down.store(false, Ordering::Relaxed);
    }

    fn or_down<'a, T: 'a>(
        &self,
        work: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        if self.down.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::Closed) });
        }
        work
    }
}

impl Store for Switch {
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, StoreError>> {
        if self.silent.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        self.or_down(self.inner.get(space, key))
    }

    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, StoreError>> {
        self.or_down(self.inner.apply(write))
    }

    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, StoreError>> {
        self.or_down(self.inner.list(list))
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, StoreError>> {
        self.or_down(self.inner.scan(scan))
    }

    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.or_down(self.inner.collect(collect))
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.or_down(self.inner.purge(space, scope))
    }

    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, StoreError>> {
        self.or_down(self.inner.outbox(after, limit))
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.inner.committed()
    }
}

struct Node {
    tiers: Tiers,
    site: Option<(StoreId, Site)>,
}

impl Service for Node {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, PeerError>> {
        Box::pin(async move {
            let away = || PeerError::Refused("that store stands elsewhere".into());
            match (request, &self.site) {
                (Request::Store(store, call), Some((here, site))) if store == *here => {
                    site.handle(call).await.map(Reply::Store)
                }
                (Request::Follow(store, follow), Some((here, site))) if store == *here => {
                    site.follow(follow).await.map(Reply::Followed)
                }
                (Request::Store(..) | Request::Follow(..), _) => Err(away()),
                (request, _) => self.tiers.handle(from, ctx, request).await,
            }
        })
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Policy::default(), true).await
    }

    /// `durable`: nodes have a queue for what they owe.
    pub(super) async fn with(policy: Policy, durable: bool) -> Self {
        let clock = Clock::simulated(Wall(1_700_000_000_000), 0);
        let tasks = Tasks::new(clock.clone());
        let regions = ["east", "west"].map(|name| Region { name: name.into() });
        let location = |at: u16| Location::new(format!("l{at}"), RegionId(at / 2), 1.0);
        let place = |at| Place { location: LocationId(at), weight: 1.0 };
        let topology = Topology::new(
            Epoch(1),
            regions.into(),
            (0..4).map(location).collect(),
            [place(0), place(2)],
        );
        let topology = Known::from(topology.expect("a sound topology"));
        let trip = |a: u64, b: u64| {
            Duration::from_millis(if a / 2 == b / 2 { a.abs_diff(b) * 2 } else { 40 })
        };
        let trips = (0..4).map(|a| (0..4).map(|b| trip(a, b)).collect()).collect();
        let network = Network::new(clock.clone(), tasks.clone(), Trips::new(trips), Faults::none());
        let off = || AtomicBool::new(false);
        let store = |n| Arc::new(Switch { inner: Model::new(n), down: off(), silent: off() });
        let mut world = Self {
            clock,
            stores: vec![store(1), store(2)],
            namespace: Namespace {
                id: SpaceId(77),
                account: Tenant(1),
                title: "test".into(),
                policy,
            },
            topology,
            kvs: Vec::new(),
            owed: Vec::new(),
            _nodes: Vec::new(),
            _dir: tempfile::tempdir().expect("a temporary folder"),
        };
        for at in (0..4).map(LocationId) {
            world.add(at, &network, &tasks, durable);
        }
        world.pass(300).await;
        world
    }

    fn add(&mut self, at: LocationId, network: &Arc<Network>, tasks: &Tasks, durable: bool) {
        let mut chance = Chance::seeded(u64::from(at.0) + 1);
        let hlc = Arc::new(Hlc::new(self.clock.clone(), &mut chance, Duration::from_secs(1)));
        let carrier = network.end(at, CarrierLimits::default());
        let tiers = Tiers::new(TierParts {
            here: at,
            clock: self.clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            topology: self.topology.clone(),
            carrier: Arc::clone(&carrier) as _,
            disk: None,
            limits: Limits::default(),
            seed: chance.u64(),
            restarted: false,
            metrics: Registry::new("test"),
        });
        let dir = self._dir.path().join(at.0.to_string());
        let owed = durable.then(|| Arc::new(OwedModel::default()));
        let kv = Kv::new(Parts {
            clock: self.clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            stores: Stores::new(
                carrier,
                self.topology.clone(),
                self.clock.clone(),
                Duration::from_secs(2),
            ),
            tiers: tiers.clone(),
            owed: owed.clone().map(|owed| owed as Arc<dyn Debts>),
            staging: Staging::open(&dir.join("staging")).expect("a folder"),
        });
        let site = StoreId::all().find(|store| self.topology.now().site(*store).location == at);
        let site = site.map(|id| {
            let store: Arc<dyn Store> = Arc::clone(&self.stores[id.index()]) as _;
            (id, Site::new(store, hlc, self.topology.clone(), self.clock.clone()))
        });
        let node: Arc<dyn Service> = Arc::new(Node { tiers: tiers.clone(), site });
        network.attach(at, &node);
        tiers.follow(chance.u64());
        self._nodes.push(node);
        self.kvs.push(kv);
        self.owed.push(owed);
    }

    pub(super) async fn pass(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    pub(super) fn ctx(&self) -> Ctx {
        Ctx { deadline: self.clock.after(Duration::from_secs(20)), ..Ctx::default() }
    }

    pub(super) fn kv(&self, at: usize) -> &Kv {
        &self.kvs[at]
    }

    pub(super) fn debts(&self, at: usize) -> u64 {
        let owed = self.owed[at].as_ref().expect("a durable node");
        StoreId::all().map(|store| owed.owed(store)).sum()
    }

    /// A key whose home is this store.
    pub(super) fn key_at_home(&self, store: u8) -> &'static str {
        const KEYS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let home =
            |key: &str| self.topology.now().home(key_hash(self.namespace.id, key.as_bytes()));
        KEYS.into_iter().find(|key| home(key).0 == store).expect("one of twelve keys")
    }

    pub(super) async fn put(&self, at: usize, key: &'static str, value: &str) -> Version {
        self.try_put(at, key, value, Precondition::None).await.expect("the write is taken")
    }

    pub(super) async fn try_put(
        &self,
        at: usize,
        key: &'static str,
        value: &str,
        precondition: Precondition,
    ) -> Result<Version, Error> {
        let body = Body::Bytes(Bytes::copy_from_slice(value.as_bytes()));
        let put = Put { body, precondition, ..Put::default() };
        let key = Bytes::from_static(key.as_bytes());
        let written = self.kv(at).put(&self.ctx(), &self.namespace, key, put).await;
        written.map(|written| written.version)
    }

    pub(super) async fn get(&self, at: usize, key: &'static str) -> Option<String> {
        self.try_get(at, key, &self.ctx()).await.expect("an answer")
    }

    pub(super) async fn read(&self, at: usize, key: &'static str) -> crate::Value {
        let key = Bytes::from_static(key.as_bytes());
        let ctx = self.ctx();
        let read = self.kv(at).get(&ctx, &self.namespace, key, ReadOptions::default()).await;
        read.expect("an answer")
    }

    pub(super) async fn try_get(
        &self,
        at: usize,
        key: &'static str,
        ctx: &Ctx,
    ) -> Result<Option<String>, Error> {
        let key = Bytes::from_static(key.as_bytes());
        let value = self.kv(at).get(ctx, &self.namespace, key, ReadOptions::default()).await?;
        Ok(match value.body {
            Body::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        })
    }

    /// What one store holds of a key.
    pub(super) async fn row(&self, store: usize, key: &'static str) -> Option<Version> {
        let key = Bytes::from_static(key.as_bytes());
        let found = self.stores[store].inner.get(self.namespace.id, key).await;
        found.expect("a model answers").row.map(|row| row.version)
    }
}

#[expect(dead_code, reason = "compiles or does not")]
fn everything_may_move_between_threads(kv: &'static Kv, ctx: &'static Ctx, ns: &'static Namespace) {
    fn sends<T: Send>(_: T) {}
    let key = Bytes::new;
    sends(kv.get(ctx, ns, key(), ReadOptions::default()));
    sends(kv.put(ctx, ns, key(), Put::default()));
    sends(kv.delete(ctx, ns, key(), Precondition::None));
    sends(kv.list(ctx, ns, crate::ListOptions::default()));
    sends(kv.purge(ctx, ns, crate::PurgeScope::Everything));
}
