//! Accepts connections, sheds above the limit, and drains.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use littoral_clock::{Chance, Clock};
use littoral_tasks::{Shutdown, TaskKind, Tasks};
use littoral_telemetry::metrics::{Gauge, Registry};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::connection::{self, Shared};
use crate::metrics::Metrics;
use crate::tls::{Acceptor, Hosts, Tls};
use crate::{Front, Watching};

/// A listener's limits.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Connections at once; further ones are told 503 and closed.
    pub connections_max: usize,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// How long a connection may be without a complete request.
    pub idle_max: Duration,
    /// How long a client may pause inside a request's body.
    pub pause_max: Duration,
    /// Bytes of an unwanted body that are read so that the refusal reaches its client.
    pub drained_bytes_max: u64,
    /// How long a request may take, after its body has been read.
    pub request_time: Duration,
    /// Whether HTTP/2 is spoken without TLS, to clients that begin so.
    pub http_2: bool,
    /// Requests at once on one connection of HTTP/2.
    pub streams_max: u32,
    /// How long a drain waits for requests that have begun.
    pub drain_time: Duration,
    /// How long, of it, whoever still asks is answered and told to go elsewhere.
    pub farewell_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            head_bytes_max: 64 * 1024,
            headers_max: 100,
            idle_max: Duration::from_secs(75),
            pause_max: Duration::from_secs(30),
            drained_bytes_max: 64 * 1024 * 1024,
            request_time: Duration::from_secs(15),
            http_2: false,
            streams_max: 128,
            drain_time: Duration::from_secs(10),
            farewell_time: Duration::from_millis(250),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{address} is taken: {source}; choose another with --listen")]
    Taken { address: SocketAddr, source: io::Error },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
}

/// A bound listener and the front that answers what comes in.
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    options: Options,
    front: Arc<dyn Front>,
    clock: Clock,
    tasks: Tasks,
    chance: Chance,
    metrics: Metrics,
    watching: Watching,
    tls: Option<Acceptor>,
}

/// Waiting connections the system holds for us.
const BACKLOG: u32 = 4096;
/// After a failed accept, which is mostly too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Connections that wait to be accepted when a drain ends the listener: these many are still served.
const LAST_ACCEPTED_MAX: usize = 1_024;
const SHED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

impl Server {
    /// Binds `address`; port 0 takes a free one. `chance` numbers traces.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn bind(
        address: SocketAddr,
        options: Options,
        front: Arc<dyn Front>,
        clock: Clock,
        tasks: Tasks,
        chance: Chance,
    ) -> Result<Self, Error> {
        let (listener, local) = listen(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => Error::Taken { address, source },
            _ => Error::Listen { address, source },
        })?;
        let metrics = Metrics::new(&Registry::new(""));
        let watching = Watching::default();
        Ok(Self {
            listener,
            local,
            options,
            front,
            clock,
            tasks,
            chance,
            metrics,
            watching,
            tls: None,
        })
    }

    /// Speaks TLS only, and HTTP/2 to whoever asks for that.
    #[must_use]
    pub fn secured(mut self, tls: &Tls) -> Self {
        self.tls = Some(Acceptor::One(TlsAcceptor::from(Arc::clone(&tls.0))));
        self
    }

    /// Speaks TLS to whoever begins with that, with the certificate of the host that is asked for.
    #[must_use]
    pub fn secured_by_host(mut self, hosts: Arc<dyn Hosts>) -> Self {
        self.tls = Some(Acceptor::ByHost(hosts));
        self
    }

    /// Tells of each request to whoever wants to know.
    #[must_use]
    pub fn watched(mut self, watching: Watching) -> Self {
        self.watching = watching;
        self
    }

    /// Counts in a node's registry, beside what else the node counts.
    #[must_use]
    pub fn counted(mut self, registry: &Registry) -> Self {
        self.metrics = Metrics::new(registry);
        self
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown`; then lets requests that have begun finish, within the drain time.
    /// Whether all did.
    pub async fn run(self, shutdown: Shutdown) -> bool {
        let Self { listener, local, options, front, clock, tasks, .. } = self;
        let (mut chance, metrics) = (self.chance, self.metrics);
        let places = Arc::new(Semaphore::new(options.connections_max));
        let cut = Shutdown::new();
        let shared = Arc::new(Shared {
            front,
            clock: clock.clone(),
            options,
            metrics: metrics.clone(),
            watching: self.watching,
            tasks: tasks.clone(),
            tls: self.tls,
            draining: shutdown.clone(),
            cut: cut.clone(),
        });
        // Whoever has connected already, but was not accepted yet, would be reset.
        let mut over = pin!(async {
            shutdown.wait().await;
            clock.sleep(options.farewell_time.min(options.drain_time)).await;
        });
        let mut last = None;
        loop {
            let accepted = tokio::select! {
                biased;
                () = over.as_mut(), if last.is_none() => {
                    last = Some(LAST_ACCEPTED_MAX);
                    continue;
                }
                accepted = listener.accept() => accepted,
                // Nobody waits any more.
                () = std::future::ready(()), if last.is_some() => break,
            };
            last = match last {
                Some(0) => break,
                last => last.map(|left| left - 1),
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
                shed(&stream);
                continue;
            };
            let connection = connection::serve(stream, peer, Arc::clone(&shared), chance.fork());
            let open = Open::new(metrics.connections.clone(), place);
            tasks.spawn(TaskKind::Connection, async move {
                connection.await;
                drop(open);
            });
        }
        drop(listener);
        let all = places.acquire_many(options.connections_max as u32);
        let drained = clock.timeout(options.drain_time, all).await.is_ok();
        cut.signal();
        drained
    }
}

/// A connection's place, and that it is counted.
struct Open(Gauge, #[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Open {
    fn new(gauge: Gauge, place: OwnedSemaphorePermit) -> Self {
        gauge.inc();
        Self(gauge, place)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// Tells a client that there is no place for it, without waiting for anything.
fn shed(stream: &TcpStream) {
    // What does not fit into an empty socket buffer is not worth a wait.
    let _ = stream.try_write(SHED);
    tracing::debug!("connection shed");
}
