//! A network in this process, composed as the binary composes its own, with a carrier that
//! measures how long it made each message wait.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_kv::{Kv, Namespace, Parts as KvParts, Policy, Site, Stores};
use littoral_peer::faults::Faults;
use littoral_peer::local::{Limits as CarrierLimits, Network, Trips};
use littoral_peer::{Carrier, Error, Reply, Request, Service, StoreCall};
use littoral_store::{Fjall, Model, Options, OwedModel, Staging, Store};
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_tiers::{Limits, Parts as TierParts, Tiers};
use littoral_topology::{Known, Location, Region, Site as Place, Topology};
use littoral_types::{Ctx, Epoch, LocationId, RegionId, STORES, SpaceId, StoreId, Tenant};

/// The one account.
pub(crate) const TENANT: Tenant = Tenant(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

/// What a world is made of.
pub(crate) struct Spec<'a> {
    /// Regions, each with as many locations as it says.
    pub(crate) regions: &'a [u16],
    /// Locations, counted through, at which the stores stand.
    pub(crate) stores: [u16; STORES],
    /// One-way trips inside a region, and between two.
    pub(crate) near: Duration,
    pub(crate) far: Duration,
    /// Rows on disk below this folder; `None`: in memory.
    pub(crate) durable: bool,
}

/// A network that runs while this is held.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) topology: Known,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) waits: Arc<Waits>,
}

/// One location's node.
pub(crate) struct Node {
    pub(crate) tiers: Tiers,
    pub(crate) kv: Kv,
    sites: [Option<Site>; STORES],
}

/// How long the carrier made reads wait, trip by trip.
#[derive(Default)]
pub(crate) struct Waits(Mutex<Vec<Wait>>);

/// One trip of a read's question or answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) from: LocationId,
    pub(crate) to: LocationId,
    pub(crate) took: Duration,
}

/// A carrier that takes as long as the modelled trip.
struct Slow {
    from: LocationId,
    carrier: Arc<dyn Carrier>,
    topology: Known,
    near: Duration,
    far: Duration,
    clock: Clock,
    waits: Arc<Waits>,
}

impl World {
    /// Starts it inside the runtime that calls.
    pub(crate) fn start(spec: &Spec<'_>, folder: &Path) -> Result<Self> {
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let topology = Known::from(topology(spec)?);
        let count = topology.now().locations().count();
        let network =
            Network::new(clock.clone(), tasks.clone(), Trips::none(count), Faults::none());
        let stores = stores(spec, folder, &clock)?;
        let mut world = Self { clock, tasks, topology, nodes: Vec::new(), waits: Arc::default() };
        let mut chance = Chance::seeded(1);
        let here: Vec<LocationId> =
            world.topology.now().locations().map(|(here, _)| here).collect();
        for here in here {
            let carrier: Arc<dyn Carrier> = Arc::new(Slow {
                from: here,
                carrier: network.end(here, CarrierLimits::default()),
                topology: world.topology.clone(),
                near: spec.near,
                far: spec.far,
                clock: world.clock.clone(),
                waits: Arc::clone(&world.waits),
            });
            let dir = folder.join(format!("node-{}", here.0));
            let node = Arc::new(Node::open(&world, here, carrier, &stores, &dir, &mut chance)?);
            let service: Arc<dyn Service> = Arc::clone(&node) as _;
            network.attach(here, &service);
            world.nodes.push(node);
        }
        for node in &world.nodes {
            node.tiers.follow(chance.u64());
        }
        Ok(world)
    }

    /// Time enough for anything.
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx {
            deadline: self.clock.after(Duration::from_secs(30)),
            tenant: TENANT,
            ..Ctx::default()
        }
    }

    /// Waits until every node hears both streams.
    pub(crate) async fn followed(&self) {
        let heard = |node: &Arc<Node>| {
            node.tiers.state().silent.iter().all(|silent| *silent < Duration::from_secs(2))
        };
        while !self.nodes.iter().all(heard) {
            self.clock.sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A namespace with the policy that everyone begins with.
pub(crate) fn namespace() -> Namespace {
    let (id, title) = (SpaceId(0xbe_9c_11), "bench".to_owned());
    Namespace { id, account: TENANT, title, policy: Policy::default() }
}

fn topology(spec: &Spec<'_>) -> Result<Topology> {
    let mut locations = Vec::new();
    let mut regions = Vec::new();
    for (at, count) in (0..).zip(spec.regions) {
        regions.push(Region { name: format!("region-{at}") });
        locations
            .extend((0..*count).map(|n| Location::new(format!("{at}-{n}"), RegionId(at), 1.0)));
    }
    let site = |at| Place { location: LocationId(at), weight: 1.0 };
    Ok(Topology::new(Epoch(1), regions, locations, spec.stores.map(site))?)
}

fn stores(spec: &Spec<'_>, folder: &Path, clock: &Clock) -> Result<Vec<Arc<dyn Store>>> {
    let open = |store: StoreId| -> Result<Arc<dyn Store>> {
        if !spec.durable {
            return Ok(Arc::new(Model::new(u32::from(store.0) + 1)));
        }
        let dir = folder.join(format!("store-{}", store.0));
        Ok(Fjall::open(&dir, Options::default(), clock.clone())?)
    };
    StoreId::all().map(open).collect()
}

impl Node {
    fn open(
        world: &World,
        here: LocationId,
        carrier: Arc<dyn Carrier>,
        truths: &[Arc<dyn Store>],
        dir: &Path,
        chance: &mut Chance,
    ) -> Result<Self> {
        let World { clock, tasks, topology, .. } = world;
        let hlc = Arc::new(Hlc::new(clock.clone(), chance, Duration::from_secs(1)));
        let tiers = Tiers::new(TierParts {
            here,
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            topology: topology.clone(),
            carrier: Arc::clone(&carrier),
            disk: None,
            limits: Limits { memory_bytes: 32 << 20, ..Limits::default() },
            seed: chance.u64(),
            restarted: false,
            metrics: Registry::new(&topology.now().location(here).name),
        });
        let store_time = Duration::from_secs(5);
        let stores = Stores::new(carrier, topology.clone(), clock.clone(), store_time);
        let kv = Kv::new(KvParts {
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            stores,
            tiers: tiers.clone(),
            owed: Some(Arc::new(OwedModel::default())),
            staging: Staging::open(dir)?,
        });
        let stand = |store: StoreId| {
            let truth = &truths[store.index()];
            (topology.now().site(store).location == here).then(|| {
                Site::new(Arc::clone(truth), Arc::clone(&hlc), topology.clone(), clock.clone())
            })
        };
        Ok(Self { tiers, kv, sites: [stand(StoreId(0)), stand(StoreId(1))] })
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
            let elsewhere = || Error::Refused("that store stands elsewhere".into());
            match request {
                Request::Store(store, call) => {
                    let site = self.sites[store.index()].as_ref().ok_or_else(elsewhere)?;
                    site.handle(call).await.map(Reply::Store)
                }
                Request::Follow(store, follow) => {
                    let site = self.sites[store.index()].as_ref().ok_or_else(elsewhere)?;
                    site.follow(follow).await.map(Reply::Followed)
                }
                Request::Epoch(_) => Err(Error::Refused("epochs do not change here".into())),
                request => self.tiers.handle(from, ctx, request).await,
            }
        })
    }
}

impl Slow {
    async fn travel(&self, from: LocationId, to: LocationId, noted: bool) {
        let near = self.topology.now().region_of(from) == self.topology.now().region_of(to);
        let trip = if near { self.near } else { self.far };
        if from == to || trip.is_zero() {
            return;
        }
        let began = self.clock.mono();
        self.clock.sleep(trip).await;
        if noted {
            self.waits.note(Wait { from, to, took: self.clock.mono().since(began) });
        }
    }
}

impl Carrier for Slow {
    fn call(
        &self,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            let read =
                matches!(request, Request::Ask(_) | Request::Store(_, StoreCall::Get { .. }));
            self.travel(self.from, to, read).await;
            let reply = self.carrier.call(to, ctx, request).await;
            self.travel(to, self.from, read).await;
            reply
        })
    }
}

impl Waits {
    fn note(&self, wait: Wait) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(wait);
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<Wait> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
