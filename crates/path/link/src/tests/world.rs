//! The network of a test: an authority in a folder, a topology, servers and clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_peer::{
    Answer, Error, Hop, Hops, Minimum, Opaque, Question, Reply, Request, Service, StoreCall,
    Trailing, Truth,
};
use littoral_store::{Condition, Row, Staging, Write};
use littoral_tasks::{Shutdown, TaskKind, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_topology::{Location, Region, Site, Topology};
use littoral_types::{
    Body, Ctx, Epoch, Kind, LocationId, Positions, RegionId, STORES, Space, SpaceId, StoreId,
    Version, Wall,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::ca::{Folder, NODE_DAYS};
use crate::{Certificates, Client, Files, Identity, Members, Peer, Server, client, server};

pub(crate) const NETWORK: &str = "test";
pub(crate) const AMS: LocationId = LocationId(0);
pub(crate) const NYC: LocationId = LocationId(1);
/// Long enough for anything that is not meant to take long.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) registry: Registry,
    pub(crate) members: Arc<Members>,
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) drained: oneshot::Receiver<bool>,
    pub(crate) certificates: Arc<Certificates>,
}

pub(crate) fn topology() -> Topology {
    let regions = ["eu", "us"].map(|name| Region { name: name.into() }).to_vec();
    let location = |name, region| Location::new(name, RegionId(region), 1.0);
    let site = Site { location: AMS, weight: 1.0 };
    let locations = vec![location("ams", 0), location("nyc", 1)];
    Topology::new(Epoch(1), regions, locations, [site; STORES]).unwrap()
}

pub(crate) fn topology_without_nyc() -> Topology {
    let region = Region { name: "eu".into() };
    let site = Site { location: AMS, weight: 1.0 };
    let location = Location::new("ams", RegionId(0), 1.0);
    Topology::new(Epoch(2), vec![region], vec![location], [site; STORES]).unwrap()
}

pub(crate) fn ams(node: &str) -> Identity {
    Identity::new(NETWORK, "eu", "ams", node).unwrap()
}

pub(crate) fn nyc(node: &str) -> Identity {
    Identity::new(NETWORK, "us", "nyc", node).unwrap()
}

pub(crate) fn peer(location: LocationId, identity: Identity, address: SocketAddr) -> Peer {
    Peer { location, identity, address, weight: 1.0 }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Clock::system();
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            tasks: Tasks::new(clock.clone()),
            registry: Registry::new("test"),
            members: Members::new(NETWORK, &topology()),
            clock,
        };
        world.ca().create(NETWORK, world.clock.wall()).unwrap();
        world
    }

    pub(crate) fn ca(&self) -> Folder {
        Folder::new(self.folder.path().join("ca"))
    }

    fn node_folder(&self, identity: &Identity) -> PathBuf {
        self.folder.path().join(format!("{}-{}", identity.location, identity.node))
    }

    /// Writes a node's files as `littoral ca` does.
    pub(crate) fn issue(&self, ca: &Folder, identity: &Identity, now: Wall) -> Files {
        let folder = self.node_folder(identity);
        std::fs::create_dir_all(&folder).unwrap();
        let files = Files::within(&folder);
        let issued = ca.authority().unwrap().issue(identity, NODE_DAYS, now).unwrap();
        issued.save(&files.certificate, &files.key).unwrap();
        std::fs::copy(ca.trusted(), &files.trusted).unwrap();
        files
    }

    pub(crate) fn certificates(&self, identity: &Identity) -> Arc<Certificates> {
        let files = self.issue(&self.ca(), identity, self.clock.wall());
        Certificates::load(files, self.clock.clone()).unwrap()
    }

    pub(crate) async fn serve(&self, identity: &Identity, service: Arc<dyn Service>) -> Running {
        self.serve_with(identity, service, server::Options::default()).await
    }

    pub(crate) async fn serve_with(
        &self,
        identity: &Identity,
        service: Arc<dyn Service>,
        options: server::Options,
    ) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.serve_at(listener, identity, service, options, None)
    }

    /// `client`: told who connects.
    pub(crate) fn serve_at(
        &self,
        listener: TcpListener,
        identity: &Identity,
        service: Arc<dyn Service>,
        options: server::Options,
        client: Option<Client>,
    ) -> Running {
        let certificates = self.certificates(identity);
        let parts = server::Parts {
            service,
            certificates: Arc::clone(&certificates),
            members: Arc::clone(&self.members),
            client,
            staging: self.staging("server"),
            clock: self.clock.clone(),
            tasks: self.tasks.clone(),
            registry: self.registry.clone(),
        };
        let server = Server::new(listener, options, parts).unwrap();
        let (address, shutdown) = (server.local_addr(), Shutdown::new());
        let (ended, drained) = oneshot::channel();
        let until = shutdown.clone();
        self.tasks.spawn(TaskKind::Listener, async move {
            let _ = ended.send(server.run(until).await);
        });
        Running { address, shutdown, drained, certificates }
    }

    pub(crate) fn staging(&self, name: &str) -> Arc<Staging> {
        let name = format!("{name}-{:?}", Duration::from_nanos(self.clock.mono().0));
        Arc::new(Staging::open(&self.folder.path().join(name)).unwrap())
    }

    pub(crate) fn client(&self, identity: &Identity, peers: Vec<Peer>) -> Client {
        self.client_with(self.certificates(identity), peers, client::Options::default())
    }

    pub(crate) fn client_with(
        &self,
        certificates: Arc<Certificates>,
        peers: Vec<Peer>,
        options: client::Options,
    ) -> Client {
        let (clock, tasks) = (self.clock.clone(), self.tasks.clone());
        let staging = self.staging("client");
        let client = Client::new(certificates, options, staging, clock, tasks, &self.registry);
        client.set_peers(peers);
        client
    }

    pub(crate) fn ctx(&self) -> Ctx {
        Ctx { deadline: self.clock.after(SOON), ..Ctx::default() }
    }

    /// Waits until something holds, by looking often.
    pub(crate) async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let looked = async {
            while !holds() {
                self.clock.sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(self.clock.timeout(SOON, looked).await.is_ok(), "in vain: {what}");
    }
}

type Answers = BoxFuture<'static, Result<Reply, Error>>;

/// A service made of a function.
pub(crate) struct Does<F>(pub(super) F);

impl<F> Service for Does<F>
where
    F: Fn(LocationId, Ctx, Request) -> Answers + Send + Sync + 'static,
{
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        (self.0)(from, ctx, request)
    }
}

/// A service that answers every call at once.
pub(crate) fn says(
    reply: impl Fn() -> Result<Reply, Error> + Send + Sync + 'static,
) -> Arc<dyn Service> {
    Arc::new(Does(move |_, _, _| std::future::ready(reply()).boxed()))
}

/// A service that answers with a text of its own.
pub(crate) fn named(name: &'static str) -> Arc<dyn Service> {
    says(move || Ok(Reply::Answer(answer(Body::Bytes(Bytes::from_static(name.as_bytes()))))))
}

pub(crate) fn answer(body: Body) -> Answer {
    Answer {
        version: Version::from_parts(5, 6),
        truth: Truth::Whole { body, meta: Bytes::new(), tags: None, expires_at: None },
        age: Duration::from_secs(1),
        positions: Positions::NONE,
        confirmed: false,
        stale: false,
        hops: Hops::default(),
        trailing: Trailing::NONE,
    }
}

pub(crate) fn ask(key: &str) -> Request {
    Request::Ask(Question {
        space: Space { id: SpaceId(7), kind: Kind(1) },
        key: Bytes::copy_from_slice(key.as_bytes()),
        hop: Hop::Upper,
        held: None,
        minimum: Minimum::default(),
        through: false,
        asked: Opaque::default(),
    })
}

pub(crate) fn write(body: Body) -> Request {
    let row = Row { version: Version::from_parts(5, 6), body, ..Row::default() };
    let write = Write {
        space: SpaceId(7),
        key: Bytes::from_static(b"key"),
        row,
        condition: Condition::Newer,
        now: Wall(1),
    };
    Request::Store(StoreId(1), StoreCall::Apply(write))
}

/// The body of an answer, as bytes.
pub(crate) fn body_of(reply: Result<Reply, Error>) -> Vec<u8> {
    match reply {
        Ok(Reply::Answer(Answer { truth: Truth::Whole { body, .. }, .. })) => bytes_of(&body),
        other => panic!("no answer with a body: {other:?}"),
    }
}

pub(crate) fn bytes_of(body: &Body) -> Vec<u8> {
    match body {
        Body::Absent => panic!("no body"),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::File(blob) => std::fs::read(blob.path()).unwrap(),
    }
}
