//! The answering side: accepts nodes of the network and nobody else, and drains.

mod answer;
mod connection;
mod options;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use littoral_clock::Clock;
use littoral_peer::Service;
use littoral_store::Staging;
use littoral_tasks::{Shutdown, TaskKind, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_types::Mono;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::certificates::Certificates;
use crate::client::Client;
use crate::incoming::{Memory, Receiving};
use crate::members::Members;
use crate::metrics::Serving;

pub use options::Options;

/// A listener, and the service that answers what comes in.
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    service: Arc<dyn Service>,
    certificates: Arc<Certificates>,
    members: Arc<Members>,
    client: Option<Client>,
    options: Options,
    receiving: Arc<Receiving>,
    clock: Clock,
    tasks: Tasks,
    metrics: Serving,
    /// Calls under way.
    calls: Arc<Semaphore>,
    /// No new calls.
    draining: Shutdown,
    /// The drain time is over.
    cut: Shutdown,
    /// When a refusal was last told of: [`Mono`], or 0.
    told: AtomicU64,
}

/// What a server is made of, beside its listener and its limits.
pub struct Parts {
    pub service: Arc<dyn Service>,
    pub certificates: Arc<Certificates>,
    pub members: Arc<Members>,
    /// Told who connects: whoever does can be reached again.
    pub client: Option<Client>,
    /// Where large bodies are received.
    pub staging: Arc<Staging>,
    pub clock: Clock,
    pub tasks: Tasks,
    pub registry: Registry,
}

/// After a failed accept, which is mostly too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Refused connections are told of at most this often: who has no certificate fills no disk.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl Server {
    /// # Errors
    /// When the listener has no address.
    pub fn new(listener: TcpListener, options: Options, parts: Parts) -> io::Result<Self> {
        let local = listener.local_addr()?;
        let Parts { service, certificates, members, client, staging, .. } = parts;
        let Parts { clock, tasks, registry, .. } = parts;
        let metrics = Serving::new(&registry);
        let receiving = Arc::new(Receiving {
            clock: clock.clone(),
            staging,
            pause_max: options.pause_max,
            memory: Memory::new(options.memory_bytes_max),
            received: metrics.received.clone(),
        });
        let calls = Arc::new(Semaphore::new(options.calls_max));
        let shared = Arc::new(Shared {
            service,
            certificates,
            members,
            client,
            options,
            receiving,
            clock,
            tasks,
            metrics,
            calls,
            draining: Shutdown::new(),
            cut: Shutdown::new(),
            told: AtomicU64::new(0),
        });
        Ok(Self { listener, local, shared })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown`; then tells every node to go elsewhere and lets calls that have
    /// begun finish, within the drain time. Whether all did.
    pub async fn run(self, shutdown: Shutdown) -> bool {
        let Self { listener, local, shared } = self;
        let Shared { clock, options, metrics, tasks, .. } = &*shared;
        let places = Arc::new(Semaphore::new(options.connections_max));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, %local, "cannot accept");
                    clock.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                metrics.shed.inc();
                continue;
            };
            let connection = connection::serve(stream, peer, Arc::clone(&shared));
            metrics.connections.inc();
            let gauge = metrics.connections.clone();
            tasks.spawn(TaskKind::Connection, async move {
                connection.await;
                gauge.dec();
                drop(place);
            });
        }
        drop(listener);
        shared.draining.signal();
        let all = places.acquire_many(options.connections_max as u32);
        let drained = clock.timeout(options.drain_time, all).await.is_ok();
        shared.cut.signal();
        drained
    }
}

impl Shared {
    /// Tells why somebody got no answer.
    fn refused(&self, peer: SocketAddr, why: &str) {
        self.metrics.refused.inc();
        let (now, told) = (self.clock.mono(), Mono(self.told.load(Ordering::Relaxed)));
        if now.since(told) >= TOLD_EVERY {
            self.told.store(now.0, Ordering::Relaxed);
            tracing::warn!(%peer, %why, "node refused");
        } else {
            tracing::debug!(%peer, %why, "node refused");
        }
    }
}
