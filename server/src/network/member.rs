//! One node among many machines: who it is, how it reaches the others, and how they reach it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_clock::{Chance, Clock};
use littoral_link::{Certificates, Client, Files, Identity, Members, Peer, Server, Siblings};
use littoral_link::{client, server};
use littoral_peer::{Carrier, Error as PeerError, Reply, Request, Service, Sibling, Trip};
use littoral_store::Staging;
use littoral_tasks::{Shutdown, TaskKind};
use littoral_telemetry::metrics::Registry;
use littoral_topology::Topology;
use littoral_types::{Ctx, LocationId, Mono, SpaceId};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::{Epochs, Error, KEPT, Member, Place};
use crate::node::{Node, Shared};

/// How long a start waits for other nodes.
const MEET_TIME: Duration = Duration::from_secs(2);

/// This node's end of the network.
pub(super) struct Link {
    here: LocationId,
    /// Whether this node is the first of its location's list.
    first: bool,
    listen: SocketAddr,
    certificates: Arc<Certificates>,
    members: Arc<Members>,
    /// Every other node.
    peers: Vec<Peer>,
    client: Option<Client>,
    staging: Option<Arc<Staging>>,
    closed: Option<oneshot::Receiver<()>>,
}

impl Link {
    /// Finds out which node this is: its certificate says so.
    ///
    /// # Errors
    /// When the certificates cannot be used, or name no node of the places.
    pub(super) fn open(
        member: &Member,
        places: &[Place],
        topology: &Topology,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let folder = &member.certificates;
        let certificates = Certificates::load(Files::within(folder), clock.clone());
        let certificates = certificates.map_err(|error| Error::Certificates {
            folder: folder.clone(),
            why: error.to_string(),
        })?;
        let identity = certificates.identity();
        let no_member = |why| Error::NoMember { identity: identity.to_string(), why };
        let peers = peers(&identity, topology, places)?;
        let location = topology.locations().find(|(_, place)| place.name == identity.location);
        let own = location.and_then(|(here, _)| {
            let place = &places[here.index()];
            let at = place.nodes.iter().position(|(name, _)| *name == identity.node)?;
            (place.region == identity.region).then(|| (here, at == 0, place.nodes[at].1))
        });
        let (here, first, address) =
            own.ok_or_else(|| no_member("no location lists a node of this name and region"))?;
        let members = Members::new(&identity.network, topology);
        let listen = member.listen.unwrap_or(address);
        Ok(Self {
            here,
            first,
            listen,
            certificates,
            members,
            peers,
            client: None,
            staging: None,
            closed: None,
        })
    }

    pub(super) fn here(&self) -> LocationId {
        self.here
    }

    pub(super) fn is_first(&self) -> bool {
        self.first
    }

    /// What takes calls to other nodes, beside `own`, which takes those to this one.
    ///
    /// # Errors
    /// When the folder for what comes in cannot be used.
    pub(super) fn carrier(
        &mut self,
        own: Arc<dyn Carrier>,
        dir: &Path,
        metrics: &Registry,
        shared: &Shared,
    ) -> Result<Arc<dyn Carrier>, Error> {
        let path: PathBuf = dir.join("incoming");
        let staging = Staging::open(&path)
            .map_err(|error| Error::DataDir { path: path.clone(), source: error.into() })?;
        let staging = Arc::clone(self.staging.insert(Arc::new(staging)));
        let options = client::Options {
            in_flight_per_node: shared.limits.questions_per_peer,
            ..client::Options::default()
        };
        let (clock, tasks) = (shared.clock.clone(), shared.tasks.clone());
        let certificates = Arc::clone(&self.certificates);
        let client = Client::new(certificates, options, staging, clock, tasks, metrics);
        client.set_peers(self.peers.clone());
        self.client = Some(client.clone());
        let siblings = Siblings::watch(&client, self.here, &self.certificates.identity());
        Ok(Arc::new(Among { here: self.here, own, siblings, others: client }))
    }

    /// Goes on with the epoch of the last run, and spreads newer ones from now on.
    ///
    /// # Errors
    /// When the node has no carrier yet.
    pub(super) fn epochs(
        &self,
        shared: &Shared,
        data_dir: &Path,
        chance: Chance,
    ) -> Result<Arc<Epochs>, Error> {
        let Some(client) = self.client.clone() else {
            return Err(Error::Other("epochs spread only once the node has its carrier".into()));
        };
        let epochs = Arc::new(Epochs {
            known: shared.topology.clone(),
            members: Arc::clone(&self.members),
            certificates: Arc::clone(&self.certificates),
            client,
            clock: shared.clock.clone(),
            file: data_dir.join(KEPT),
            newest: Mutex::default(),
            changed: watch::Sender::new(shared.topology.now().epoch()),
        });
        epochs.resume();
        shared.tasks.spawn(TaskKind::Gossip, Arc::clone(&epochs).spread(chance));
        Ok(epochs)
    }

    /// Answers other nodes from now on.
    ///
    /// # Errors
    /// When its address cannot be bound.
    pub(super) fn serve(
        &mut self,
        node: &Arc<Node>,
        shared: &Shared,
        closing: &Shutdown,
    ) -> Result<(), Error> {
        let listener = bind(self.listen)?;
        let options = server::Options {
            drain_time: shared.limits.drain_time.0,
            ..server::Options::default()
        };
        let Some(staging) = self.staging.clone() else {
            return Err(Error::Other("a node answers only once it has its carrier".into()));
        };
        let parts = server::Parts {
            service: Arc::clone(node) as Arc<dyn Service>,
            certificates: Arc::clone(&self.certificates),
            members: Arc::clone(&self.members),
            client: self.client.clone(),
            staging,
            clock: shared.clock.clone(),
            tasks: shared.tasks.clone(),
            registry: node.metrics.clone(),
        };
        let address = self.listen;
        let server = Server::new(listener, options, parts);
        let server = server.map_err(|source| Error::Listen { address, source })?;
        let (closed, wait) = oneshot::channel();
        let closing = closing.clone();
        shared.tasks.spawn(TaskKind::Listener, async move {
            if !server.run(closing).await {
                tracing::warn!("calls of other nodes did not end in time and were cut");
            }
            // Nobody waits when the process ends otherwise.
            let _ = closed.send(());
        });
        self.closed = Some(wait);
        let identity = self.certificates.identity();
        tracing::info!(%identity, %address, "answering other nodes");
        Ok(())
    }

    /// Waits until the other nodes have been called, so that who finds this one ready finds it
    /// among them: nodes may be restarted one after the other as fast as they become ready.
    pub(super) async fn meet(&self, clock: &Clock) {
        let Some(client) = &self.client else { return };
        if clock.timeout(MEET_TIME, client.meet()).await.is_err() {
            tracing::warn!("some nodes have not answered yet");
        }
    }

    /// Reads the certificates again.
    pub(super) fn reload(&self) {
        match self.certificates.reload() {
            Ok(()) => tracing::info!("certificates are read again"),
            Err(error) => tracing::error!(%error, "certificates stay as they were"),
        }
    }

    /// Returns when no other node is answered any more.
    pub(super) async fn closed(self) {
        if let Some(closed) = self.closed {
            // A listener that has gone is closed.
            let _ = closed.await;
        }
    }
}

/// Every node of the places but this one, as the link reaches it.
///
/// # Errors
/// When a node has no proper name.
pub fn peers(own: &Identity, topology: &Topology, places: &[Place]) -> Result<Vec<Peer>, Error> {
    let mut peers = Vec::new();
    for ((location, _), place) in topology.locations().zip(places) {
        for (name, address) in &place.nodes {
            let identity = Identity::new(&own.network, &place.region, &place.name, name);
            let identity =
                identity.map_err(|error| Error::Other(format!("node \"{name}\": {error}")))?;
            if identity != *own {
                peers.push(Peer { location, identity, address: *address, weight: 1.0 });
            }
        }
    }
    Ok(peers)
}

fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    bound.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => Error::Taken { address },
        _ => Error::Listen { address, source },
    })
}

/// Calls to this location are answered here, all others by other machines.
struct Among {
    here: LocationId,
    own: Arc<dyn Carrier>,
    siblings: Arc<Siblings>,
    others: Client,
}

impl Carrier for Among {
    fn well(&self, to: LocationId) -> bool {
        to == self.here || self.others.well(to)
    }

    fn trip(&self, to: LocationId) -> Option<Trip> {
        if to == self.here { self.own.trip(to) } else { self.others.trip(to) }
    }

    fn call(
        &self,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, PeerError>> {
        if to == self.here {
            self.own.call(to, ctx, request)
        } else {
            self.others.call(to, ctx, request)
        }
    }

    fn keeps(&self, space: SpaceId, key: &[u8]) -> Option<Mono> {
        self.siblings.keeps(space, key)
    }

    fn keepers(&self, space: SpaceId, key: &[u8]) -> Vec<Sibling> {
        self.siblings.keepers(space, key)
    }

    fn siblings(&self) -> Vec<Sibling> {
        self.siblings.all()
    }

    fn call_sibling(
        &self,
        to: Sibling,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, PeerError>> {
        Box::pin(self.siblings.call(to, ctx, request))
    }
}
