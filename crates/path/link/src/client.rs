//! The asking side: which node of a location is asked, what happens when one does not answer.

mod book;
mod dial;
mod exchange;
mod link;
mod node;
mod options;
mod probe;
mod siblings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use littoral_clock::Clock;
use littoral_peer::{Carrier, Error, Reply, Request, StoreCall, Trip};
use littoral_store::Staging;
use littoral_tasks::{TaskKind, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_types::{Ctx, LocationId, SpaceId};
use tokio::sync::oneshot;

use crate::certificates::Certificates;
use crate::identity::Identity;
use crate::incoming::{Memory, Receiving};
use crate::metrics::Calling;

pub use book::Peer;
pub use node::PeerState;
pub use options::{Options, Windows};
pub use siblings::Siblings;

use book::Book;
use exchange::Failure;
use node::Node;

/// Calls other nodes. Clones share their connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    book: RwLock<Arc<Book>>,
}

/// What the connections to all nodes need.
struct Shared {
    certificates: Arc<Certificates>,
    options: Options,
    receiving: Arc<Receiving>,
    clock: Clock,
    tasks: Tasks,
    metrics: Calling,
}

impl Client {
    /// With an empty address book: see [`Client::set_peers`].
    pub fn new(
        certificates: Arc<Certificates>,
        options: Options,
        staging: Arc<Staging>,
        clock: Clock,
        tasks: Tasks,
        registry: &Registry,
    ) -> Self {
        let metrics = Calling::new(registry);
        let receiving = Arc::new(Receiving {
            clock: clock.clone(),
            staging,
            pause_max: options.pause_max,
            memory: Memory::new(options.memory_bytes_max),
            received: metrics.received.clone(),
        });
        let shared = Shared { certificates, options, receiving, clock, tasks, metrics };
        Self(Arc::new(Inner { shared: Arc::new(shared), book: RwLock::default() }))
    }

    /// Whom to reach where, from now on. Connections to nodes that stay are kept; calls under way
    /// to nodes that do not are finished.
    pub fn set_peers(&self, peers: Vec<Peer>) {
        let mut book = self.0.book.write().unwrap_or_else(PoisonError::into_inner);
        *book = Arc::new(book.replaced(peers, &self.0.shared));
    }

    /// The smoothed round trip to the nearest node of a location; `None` before it was measured.
    pub fn rtt(&self, location: LocationId) -> Option<Duration> {
        Carrier::trip(self, location).map(|trip| trip.mean)
    }

    /// How every node of the address book is doing.
    pub fn peers(&self) -> Vec<PeerState> {
        self.book().all().map(|node| node.state()).collect()
    }

    /// The nodes of a location in the order in which they are asked for a key, whatever their
    /// health.
    pub fn ranked(&self, location: LocationId, space: SpaceId, key: &[u8]) -> Vec<Identity> {
        let ranked = self.book().ranked(location, space, key);
        ranked.iter().map(|node| node.peer.identity.clone()).collect()
    }

    /// Returns when a first connection to every node has been opened, or could not be.
    pub async fn meet(&self) {
        let nodes: Vec<_> = self.book().all().cloned().collect();
        let met = nodes.iter().map(|node| async {
            if node.link().await.is_err() {
                tracing::debug!(node = %node.peer.identity, "not met");
            }
        });
        join_all(met).await;
    }

    /// This node has connected to us: if it could not be reached, it is tried again at once.
    pub(crate) fn arrived(&self, identity: &Identity) {
        if let Some(node) = self.book().find(identity) {
            node.arrived();
        }
    }

    fn book(&self) -> Arc<Book> {
        self.0.book()
    }
}

impl Inner {
    fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn call(&self, to: LocationId, ctx: Ctx, request: Request) -> Result<Reply, Error> {
        let Shared { clock, .. } = &*self.shared;
        let nodes = self.book().order(to, &request);
        let Some(first) = nodes.first() else { return Err(Error::Unreachable) };
        let asked = ask(&nodes, &ctx, &request);
        let reply = clock.until(ctx.deadline, asked).await.unwrap_or(Err(Error::Deadline));
        first.outcomes.count(&reply);
        reply
    }
}

/// Tries each node until one answers. What was cut may have arrived, and is sent again all the same:
/// a write carries its version, and applying one twice is the same as once.
async fn ask(nodes: &[Arc<Node>], ctx: &Ctx, request: &Request) -> Result<Reply, Error> {
    for node in nodes {
        for _ in 0..ATTEMPTS_PER_NODE {
            let Ok(_place) = Arc::clone(&node.calls).try_acquire_owned() else {
                return Err(Error::Overloaded);
            };
            let Ok(link) = node.link().await else { break };
            match node.exchange(&link, ctx, request).await {
                Ok(reply) => return reply,
                Err(Failure::Nonsense(why)) => return Err(Error::Refused(why)),
                Err(Failure::Unsent(why)) => {
                    tracing::debug!(%why, node = %node.peer.identity, "call not taken");
                }
                Err(Failure::Cut(why)) => {
                    tracing::debug!(%why, node = %node.peer.identity, "call cut");
                }
            }
        }
    }
    Err(Error::Unreachable)
}

/// A connection may have ended just before it was used, and so may the one after.
const ATTEMPTS_PER_NODE: usize = 3;

fn is_write(request: &Request) -> bool {
    matches!(request, Request::Store(_, StoreCall::Apply(_)))
}

impl Carrier for Client {
    fn well(&self, to: LocationId) -> bool {
        self.book().nodes(to).iter().any(|node| node.well())
    }

    fn trip(&self, to: LocationId) -> Option<Trip> {
        self.book().nodes(to).iter().filter_map(|node| node.trip()).min()
    }

    fn call(
        &self,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        if !is_write(&request) {
            return Box::pin(self.0.call(to, ctx, request));
        }
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let tasks = inner.shared.tasks.clone();
            // Apart from the caller: a caller that goes away does not take the write back.
            tasks.spawn(TaskKind::Write, async move {
                // The caller may have gone.
                let _ = answer.send(inner.call(to, ctx, request).await);
            });
            answered.await.unwrap_or(Err(Error::Unreachable))
        })
    }
}
