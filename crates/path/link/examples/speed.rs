//! What a call costs over the link, beside the in-process carrier: calls a second, and CPU a call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use littoral_clock::Clock;
use littoral_link::ca::Folder;
use littoral_link::{Certificates, Client, Files, Identity, Members, Peer, Server, client, server};
use littoral_peer::faults::Faults;
use littoral_peer::local::{self, Network, Trips};
use littoral_peer::{
    Answer, Carrier, Error, Hop, Hops, Minimum, Opaque, Question, Reply, Request, Service,
    Trailing, Truth,
};
use littoral_store::Staging;
use littoral_tasks::{Shutdown, TaskKind, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_topology::{Location, Region, Site, Topology};
use littoral_types::{Body, Ctx, Epoch, Kind, LocationId, Positions, RegionId, Space, SpaceId};
use littoral_types::{STORES, Version};
use tokio::net::TcpListener;

const CALLERS: usize = 64;
const CALLS: usize = 40_000;
const HERE: LocationId = LocationId(0);

/// Answers everything with 1 KiB.
struct Answers(Bytes);

impl Service for Answers {
    fn handle(&self, _: LocationId, _: Ctx, _: Request) -> BoxFuture<'_, Result<Reply, Error>> {
        let body = Body::Bytes(self.0.clone());
        let truth = Truth::Whole { body, meta: Bytes::new(), tags: None, expires_at: None };
        let answer = Answer {
            version: Version::from_parts(5, 6),
            truth,
            age: Duration::from_secs(1),
            positions: Positions::NONE,
            confirmed: true,
            stale: false,
            hops: Hops::default(),
            trailing: Trailing::NONE,
        };
        std::future::ready(Ok(Reply::Answer(answer))).boxed()
    }
}

fn ask(n: usize) -> Request {
    Request::Ask(Question {
        space: Space { id: SpaceId(7), kind: Kind(1) },
        key: format!("key-{n}").into(),
        hop: Hop::Upper,
        held: None,
        minimum: Minimum::default(),
        through: false,
        asked: Opaque::default(),
    })
}

/// User and system time of this process so far.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
async fn measure(name: &str, clock: &Clock, carrier: &dyn Carrier, callers: usize) {
    let each = CALLS / callers;
    let (began, before) = (clock.mono(), cpu());
    let callers = (0..callers).map(|_| async move {
        for n in 0..each {
            let ctx = Ctx { deadline: clock.after(Duration::from_secs(10)), ..Ctx::default() };
            carrier.call(HERE, ctx, ask(n)).await.expect("an answer");
        }
    });
    join_all(callers).await;
    let (took, used) = (clock.mono().since(began), cpu() - before);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / CALLS as f64;
    println!(
        "{name:<24} {:>9.0} calls/s {:>7.1} us wall {:>7.1} us CPU (both ends)",
        CALLS as f64 / took.as_secs_f64(),
        each(took),
        each(used)
    );
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (clock, service) = (Clock::system(), Arc::new(Answers(vec![7; 1_024].into())));
    let tasks = Tasks::new(clock.clone());
    let site = Site { location: HERE, weight: 1.0 };
    let (region, location) = (Region { name: "eu".into() }, Location::new("ams", RegionId(0), 1.0));
    let topology = Topology::new(Epoch(1), vec![region], vec![location], [site; STORES])?;
    let ca = Folder::new(folder.path().join("ca"));
    let authority = ca.create("speed", clock.wall())?;
    let certificates = |name: &str| -> Result<_, Box<dyn std::error::Error>> {
        let files = Files::within(&folder.path().join(name));
        std::fs::create_dir_all(folder.path().join(name))?;
        let identity = Identity::new("speed", "eu", "ams", name)?;
        authority.issue(&identity, 1, clock.wall())?.save(&files.certificate, &files.key)?;
        std::fs::copy(ca.trusted(), &files.trusted)?;
        Ok((identity, Certificates::load(files, clock.clone())?))
    };
    let staging = |name: &str| Staging::open(&folder.path().join(name)).map(Arc::new);
    let ((identity, serving), (_, calling)) = (certificates("a")?, certificates("b")?);
    let parts = server::Parts {
        service: Arc::clone(&service) as _,
        certificates: serving,
        members: Members::new("speed", &topology),
        client: None,
        staging: staging("in")?,
        clock: clock.clone(),
        tasks: tasks.clone(),
        registry: Registry::new("a"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = Server::new(listener, server::Options::default(), parts)?;
    let (address, shutdown) = (server.local_addr(), Shutdown::new());
    tasks.spawn(TaskKind::Listener, server.run(shutdown.clone()).map(drop));
    let staging = staging("out")?;
    let options = client::Options::default();
    let registry = Registry::new("b");
    let client = Client::new(calling, options, staging, clock.clone(), tasks.clone(), &registry);
    client.set_peers(vec![Peer { location: HERE, identity, address, weight: 1.0 }]);
    let network = Network::new(clock.clone(), tasks.clone(), Trips::none(1), Faults::none());
    let service: Arc<dyn Service> = service;
    network.attach(HERE, &service);
    let local = network.end(HERE, local::Limits::default());
    for _ in 0..2 {
        network.encoding(false);
        measure("in process", &clock, &*local, CALLERS).await;
        network.encoding(true);
        measure("in process, encoded", &clock, &*local, CALLERS).await;
        measure("link, 64 at once", &clock, &client, CALLERS).await;
        measure("link, 1 at once", &clock, &client, 1).await;
    }
    shutdown.signal();
    Ok(())
}
