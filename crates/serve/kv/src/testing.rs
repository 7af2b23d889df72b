//! A node alone in its world, for tests of what is built on [`Kv`].

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock, Hlc};
use littoral_peer::faults::Faults;
use littoral_peer::local::{Limits as CarrierLimits, Network, Trips};
use littoral_peer::{Error as PeerError, Reply, Request, Service};
use littoral_store::{Model, Staging, Store};
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_tiers::{Limits, Parts as TierParts, Tiers};
use littoral_topology::{Known, Location, Region, Site as Place, Topology};
use littoral_types::{Ctx, Epoch, LocationId, RegionId, StoreId};

use crate::{Kv, Parts, Site, Stores};

/// A node with both stores beside it, in memory.
pub struct Alone {
    pub kv: Kv,
    node: Arc<Node>,
}

struct Node {
    tiers: Tiers,
    sites: Vec<Site>,
    away: AtomicBool,
}

const HERE: LocationId = LocationId(0);

impl Alone {
    /// `dir`: for bodies that are coming in.
    ///
    /// # Panics
    /// When `dir` cannot be used.
    pub fn new(clock: Clock, tasks: Tasks, dir: &Path) -> Self {
        let place = Place { location: HERE, weight: 1.0 };
        let topology = Topology::new(
            Epoch(1),
            vec![Region { name: "here".into() }],
            vec![Location::new("here", RegionId(0), 1.0)],
            [place, place],
        );
        let topology = Known::from(topology.expect("one location is a topology"));
        let trips = Trips::new(vec![vec![Duration::ZERO]]);
        let network = Network::new(clock.clone(), tasks.clone(), trips, Faults::none());
        let mut chance = Chance::seeded(7);
        let hlc = Arc::new(Hlc::new(clock.clone(), &mut chance, Duration::from_secs(1)));
        let carrier = network.end(HERE, CarrierLimits::default());
        let tiers = Tiers::new(TierParts {
            here: HERE,
            clock: clock.clone(),
            tasks: tasks.clone(),
            hlc: Arc::clone(&hlc),
            topology: topology.clone(),
            carrier: Arc::clone(&carrier) as _,
            disk: None,
            limits: Limits::default(),
            seed: chance.u64(),
            restarted: false,
            metrics: Registry::new("here"),
        });
        let stores = Stores::new(carrier, topology.clone(), clock.clone(), Duration::from_secs(2));
        let kv = Kv::new(Parts {
            clock: clock.clone(),
            tasks,
            hlc: Arc::clone(&hlc),
            stores,
            tiers: tiers.clone(),
            owed: None,
            staging: Staging::open(dir).expect("a folder of our own"),
        });
        let stand = |store: StoreId| {
            let store: Arc<dyn Store> = Arc::new(Model::new(u32::from(store.0) + 1));
            Site::new(store, Arc::clone(&hlc), topology.clone(), clock.clone())
        };
        let sites = StoreId::all().map(stand).collect();
        let node = Arc::new(Node { tiers: tiers.clone(), sites, away: AtomicBool::new(false) });
        let service: Arc<dyn Service> = Arc::clone(&node) as _;
        network.attach(HERE, &service);
        tiers.follow(chance.u64());
        Self { kv, node }
    }

    /// From here on both stores are out of reach, or again within.
    pub fn lose_stores(&self, lost: bool) {
        self.node.away.store(lost, Ordering::Relaxed);
    }
}

impl Service for Node {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, PeerError>> {
        Box::pin(async move {
            let lost = self.away.load(Ordering::Relaxed);
            match request {
                Request::Epoch(_) => Err(PeerError::Refused("epochs do not change here".into())),
                Request::Store(..) | Request::Follow(..) if lost => Err(PeerError::Unreachable),
                Request::Store(store, call) => {
                    self.sites[store.index()].handle(call).await.map(Reply::Store)
                }
                Request::Follow(store, follow) => {
                    self.sites[store.index()].follow(follow).await.map(Reply::Followed)
                }
                request => self.tiers.handle(from, ctx, request).await,
            }
        })
    }
}
