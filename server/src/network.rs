//! Composition of a network of locations in one process.

mod disks;
mod doors;
mod places;
mod truth;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use littoral_clock::{Chance, Clock};
use littoral_peer::Service;
use littoral_peer::faults::Faults;
use littoral_peer::local::{self, Trips};
use littoral_tasks::{Shutdown, Tasks};
use littoral_types::{LocationId, StoreId, Tenant};
use tokio::sync::oneshot;

use crate::config::{self, Limits};
use crate::node::{Node, Shared};
pub use disks::Disks;
use disks::Folder;
use doors::Doors;
use places::Plan;

/// Everything a network needs to know; values only.
#[derive(Clone, Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    /// The first location's address. The others follow on the next ports; with port 0 each takes
    /// a free one.
    pub listen: SocketAddr,
    pub places: Places,
    pub access: Access,
    pub limits: Limits,
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
        /// Indexes of the locations at which the stores stand.
        stores: [usize; 2],
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub name: String,
    pub region: String,
    /// Share of keys relative to others of its region.
    pub weight: f64,
    /// Its own address, if it does not take the next port.
    pub listen: Option<SocketAddr>,
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
    #[error("{0}")]
    #[diagnostic(code(littoral::start))]
    Other(String),
}

/// A network that runs.
pub struct Network {
    locations: Arc<[Location]>,
    nodes: Vec<Arc<Node>>,
    tasks: Tasks,
    /// Closes the doors, before anything behind them ends.
    closing: Shutdown,
    closed: Vec<oneshot::Receiver<()>>,
    drain_time: Duration,
}

impl Network {
    /// Starts every location; returns when all of them answer.
    ///
    /// # Errors
    /// When a port is taken or the data directory cannot be used; nothing is left running.
    #[expect(clippy::unused_async, reason = "needs the runtime it will run in")]
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Plan { topology, trips, places } = places::plan(&options.places)?;
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let shared = Shared {
            clock: clock.clone(),
            tasks: tasks.clone(),
            topology: Arc::new(topology),
            limits: options.limits.clone(),
            locations: places.len() as u64,
        };
        let mut chance = Chance::from_machine();
        let nodes = nodes(&options, &shared, trips, &mut chance)?;
        let closing = Shutdown::new();
        let doors =
            Doors { shared: &shared, options: &options, places: &places, closing: &closing };
        let (locations, closed) = doors.open(&nodes, &mut chance)?;
        for node in &nodes {
            node.tiers.follow(chance.u64());
        }
        let drain_time = options.limits.drain_time.0;
        Ok(Self { locations, nodes, tasks, closing, closed, drain_time })
    }

    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Answers what has been asked, writes what must be kept, and ends.
    pub async fn drain(self) {
        self.closing.signal();
        for door in self.closed {
            // A door that has gone is closed.
            let _ = door.await;
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

/// Opens the stores of the truth and every location's node.
fn nodes(
    options: &Options,
    shared: &Shared,
    trips: Trips,
    chance: &mut Chance,
) -> Result<Vec<Arc<Node>>, Error> {
    let Shared { clock, tasks, topology, limits, .. } = shared;
    let name = |id| &topology.location(id).name;
    let mut chances: Vec<(LocationId, Chance)> =
        topology.locations().map(|(here, _)| (here, chance.fork())).collect();
    let folder = |(here, chance): &mut (LocationId, Chance)| {
        let dir = options.data_dir.join("nodes").join(name(*here));
        Folder { dir, boot: chance.u64() }
    };
    let folders: Vec<_> = chances.iter_mut().map(folder).collect();
    let (stores, disks) = std::thread::scope(|scope| {
        let disks = scope.spawn(|| disks::open(&folders, limits));
        let stores = truth::open(&options.data_dir, shared);
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
            stands_here.then(|| Arc::clone(&stores[store.index()]))
        });
        let truths: Vec<_> = truths.collect();
        let truths = truths.try_into().unwrap_or_default();
        let carrier = network.end(here, carrier_limits);
        let node = Arc::new(Node::new(here, disks, shared, carrier, truths, chance));
        let service: Arc<dyn Service> = Arc::clone(&node) as _;
        network.attach(here, &service);
        nodes.push(node);
    }
    Ok(nodes)
}
