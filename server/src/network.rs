//! Composition of a network of locations in one process, or of one node among many machines.

mod disks;
mod doors;
mod epochs;
mod member;
mod places;
mod truth;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use littoral_clock::{Chance, Clock};
use littoral_peer::faults::Faults;
use littoral_peer::local::{self, Trips};
use littoral_peer::{Carrier, Service};
use littoral_tasks::{Shutdown, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_topology::Known;
use littoral_types::{LocationId, STORES, StoreId, Tenant};
use tokio::sync::oneshot;

use crate::config::{self, Limits};
use crate::gateway::SiteOptions;
use crate::node::{Node, Shared};
use crate::zones::ZonesAt;
pub use disks::Disks;
use disks::Folder;
use doors::Doors;
pub use epochs::{Epochs, KEPT, Read, read as read_epoch};
pub use member::peers;
use places::Plan;
pub use places::topology;

/// Everything a network needs to know; values only.
#[derive(Clone, Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    /// The first location's address. The others follow on the next ports; with port 0 each takes
    /// a free one.
    pub listen: SocketAddr,
    pub places: Places,
    /// This process is one node of many; otherwise every location runs here.
    pub member: Option<Member>,
    /// What each store is kept in, where it stands here.
    pub origins: [Origin; STORES],
    pub access: Access,
    pub limits: Limits,
    /// What is told of requests.
    pub watch: crate::watch::Options,
}

/// One node of a network of many machines.
#[derive(Clone, Debug)]
pub struct Member {
    /// Where it listens for other nodes, if not at its address in the list of places.
    pub listen: Option<SocketAddr>,
    pub certificates: PathBuf,
}

/// What a store is kept in.
#[derive(Clone, Debug, Default)]
pub enum Origin {
    /// In the data directory.
    #[default]
    Embedded,
    Postgres {
        address: Box<littoral_postgres::Address>,
        connections: usize,
    },
}

/// Which locations there are.
#[derive(Clone, Debug)]
pub enum Places {
    /// `dev`: this many of a built-in map of the world, with round trips modelled from it times
    /// `trips`; the doors under `/dev` are open.
    Modelled { count: u16, trips: f64 },
    /// `serve`: as configured, without modelled trips; nothing under `/dev`.
    Listed {
        locations: Vec<Place>,
        stores: [StoreSite; STORES],
        /// Number of the list.
        epoch: u64,
    },
}

/// Where a store of the truth stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoreSite {
    /// Index of its location.
    pub at: usize,
    /// Share of keys whose upper tier stands in its region, relative to the other store's.
    pub weight: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub name: String,
    pub region: String,
    /// Share of keys relative to others of its region.
    pub weight: f64,
    /// Its own address, if it does not take the next port.
    pub listen: Option<SocketAddr>,
    /// Its nodes and where other nodes reach them, in a network of many machines.
    pub nodes: Vec<(String, SocketAddr)>,
}

/// The first account and the tokens that open it before any was made by the API.
#[derive(Clone, Debug)]
pub struct Access {
    pub account: Tenant,
    pub tokens: Vec<BootstrapToken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapToken {
    pub name: String,
    /// blake3 of the token's text.
    pub hash: [u8; 32],
    pub access: config::Access,
}

/// A location that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub name: String,
    pub region: String,
    pub address: SocketAddr,
    /// Where it serves zones.
    pub zones: Option<SocketAddr>,
}

/// Why a network did not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    #[error("{address} is taken")]
    #[diagnostic(
        code(littoral::port_taken),
        help(
            "stop what listens there, or choose another port with --listen (port 0 takes free ones)"
        )
    )]
    Taken { address: SocketAddr },
    #[error("cannot listen on {address}")]
    #[diagnostic(code(littoral::listen), help("choose an address of this machine with --listen"))]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot use the data directory {}", path.display())]
    #[diagnostic(
        code(littoral::data_dir),
        help(
            "check that it is writable and that no other process uses it, or choose another with --data-dir"
        )
    )]
    DataDir { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the certificates in {} cannot be used: {why}", folder.display())]
    #[diagnostic(
        code(littoral::certificates),
        help("`littoral ca issue` makes them; `[node] certificates` names their folder")
    )]
    Certificates { folder: PathBuf, why: String },
    #[error("{identity} is no node of this network: {why}")]
    #[diagnostic(
        code(littoral::not_a_member),
        help("the certificate and the nodes under [[locations]] must name the same")
    )]
    NoMember { identity: String, why: &'static str },
    #[error("store {store} cannot be used: {why}")]
    #[diagnostic(
        code(littoral::origin),
        help(
            "`littoral origin status` says what is wrong; `littoral origin init` prepares a new one"
        )
    )]
    Origin { store: u8, why: String },
    #[error("{0}")]
    #[diagnostic(code(littoral::start))]
    Other(String),
}

/// A network that runs.
pub struct Network {
    locations: Arc<[Location]>,
    nodes: Vec<Arc<Node>>,
    link: Option<member::Link>,
    tasks: Tasks,
    /// Closes the doors, before anything behind them ends.
    closing: Shutdown,
    closed: Vec<oneshot::Receiver<()>>,
    drain_time: Duration,
}

impl Network {
    /// Starts every location in front of a site: all paths are the site's. Returns when all of them
    /// answer.
    ///
    /// # Errors
    /// When a port is taken or the data directory cannot be used; nothing is left running.
    pub async fn before(options: Options, site: Option<SiteOptions>) -> Result<Self, Error> {
        Self::open(options, site, None).await
    }

    /// Starts every location, each with a second address for the hosts of zones.
    ///
    /// # Errors
    /// As [`Network::before`].
    pub async fn with_zones(options: Options, zones: Option<ZonesAt>) -> Result<Self, Error> {
        Self::open(options, None, zones).await
    }

    async fn open(
        options: Options,
        site: Option<SiteOptions>,
        zones: Option<ZonesAt>,
    ) -> Result<Self, Error> {
        let Plan { topology, trips, mut places } = places::plan(&options.places)?;
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let topology = Known::from(topology);
        let member = options.member.as_ref();
        let link =
            member.map(|member| member::Link::open(member, &places, &topology.now(), &clock));
        let mut link = link.transpose()?;
        let mut own: Vec<LocationId> = topology.now().locations().map(|(here, _)| here).collect();
        if let Some(link) = &link {
            own = vec![link.here()];
            places = vec![places.swap_remove(link.here().index())];
        }
        let shared = Shared {
            clock,
            tasks: tasks.clone(),
            topology,
            limits: options.limits.clone(),
            locations: own.len() as u64,
            crawls: link.as_ref().is_none_or(member::Link::is_first),
        };
        let mut chance = Chance::from_machine();
        let nodes = nodes(&options, &shared, &own, trips, link.as_mut(), &mut chance)?;
        let closing = Shutdown::new();
        if let Some(link) = &mut link {
            let epochs = link.epochs(&shared, &options.data_dir, chance.fork())?;
            nodes[0].hear_of(epochs);
            link.serve(&nodes[0], &shared, &closing)?;
            link.meet(&shared.clock).await;
        }
        let (options, places) = (&options, &places);
        let doors =
            Doors { shared: &shared, options, places, own: &own, closing: &closing, site, zones };
        let (locations, closed) = doors.open(&nodes, &mut chance)?;
        for node in &nodes {
            node.tiers.follow(chance.u64());
        }
        let drain_time = options.limits.drain_time.0;
        Ok(Self { locations, nodes, link, tasks, closing, closed, drain_time })
    }

    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Reads again what can change while it runs: its certificates.
    pub fn reload(&self) {
        if let Some(link) = &self.link {
            link.reload();
        }
    }

    /// Answers what has been asked, writes what must be kept, and ends.
    pub async fn drain(self) {
        self.closing.signal();
        for door in self.closed {
            // A door that has gone is closed.
            let _ = door.await;
        }
        if let Some(link) = self.link {
            link.closed().await;
        }
        if !self.tasks.drain(self.drain_time).await {
            tracing::warn!("writes under way did not end in time; what is owed waits on disk");
        }
        let nodes = self.nodes;
        let flushed = tokio::task::spawn_blocking(move || {
            for node in &nodes {
                node.close();
            }
        });
        if flushed.await.is_err() {
            tracing::error!("the cache on disk was not written; it is read anew after the restart");
        }
    }
}

/// Opens the nodes of these locations, and the stores of the truth that stand at them.
fn nodes(
    options: &Options,
    shared: &Shared,
    own: &[LocationId],
    trips: Trips,
    mut link: Option<&mut member::Link>,
    chance: &mut Chance,
) -> Result<Vec<Arc<Node>>, Error> {
    let Shared { clock, tasks, topology, limits, .. } = shared;
    let topology = topology.now();
    let name = |id| &topology.location(id).name;
    let mut chances: Vec<(LocationId, Chance)> =
        own.iter().map(|here| (*here, chance.fork())).collect();
    let folder = |(here, chance): &mut (LocationId, Chance)| {
        let dir = options.data_dir.join("nodes").join(name(*here));
        Folder { dir, boot: chance.u64() }
    };
    let folders: Vec<_> = chances.iter_mut().map(folder).collect();
    let (stores, disks) = std::thread::scope(|scope| {
        let disks = scope.spawn(|| disks::open(&folders, limits));
        let stores = truth::open(options, shared, own);
        let disks = disks.join();
        (stores, disks.unwrap_or_else(|_| Err(Error::Other("opening a folder failed".into()))))
    });
    let (stores, disks) = (truth::trimmed(stores?, shared), disks?);
    let network = local::Network::new(clock.clone(), tasks.clone(), trips, Faults::none());
    let carrier_limits = local::Limits { in_flight_per_peer: limits.questions_per_peer };
    let mut nodes = Vec::new();
    for ((here, chance), disks) in chances.into_iter().zip(disks) {
        let truths = StoreId::all().map(|store| {
            let stands_here = topology.site(store).location == here;
            stores[store.index()].clone().filter(|_| stands_here)
        });
        let truths: Vec<_> = truths.collect();
        let truths = truths.try_into().unwrap_or_default();
        let metrics = Registry::new(name(here));
        let mut carrier: Arc<dyn Carrier> = network.end(here, carrier_limits);
        if let Some(link) = &mut link {
            carrier = link.carrier(carrier, &disks.dir, &metrics, shared)?;
        }
        let node = Arc::new(Node::new(here, disks, shared, carrier, truths, metrics, chance));
        let service: Arc<dyn Service> = Arc::clone(&node) as _;
        network.attach(here, &service);
        nodes.push(node);
    }
    Ok(nodes)
}
