//! The in-process carrier: the same typed message, bodies uncopied, after the modelled trip. It can
//! be told to encode and decode what it carries, as a carrier between machines must.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Ctx, LocationId};
use tokio::sync::{Semaphore, oneshot};

use crate::faults::{Fate, Faults};
use crate::parcel::{Parcel, through_wire};
use crate::{Carrier, Error, Reply, Request, Service, StoreReply, Trip, trailer};

/// A network in one process: who is where, and how long a trip between them takes.
pub struct Network {
    clock: Clock,
    tasks: Tasks,
    trips: Trips,
    pub faults: Faults,
    encoding: AtomicBool,
    services: Vec<Mutex<Option<Weak<dyn Service>>>>,
}

/// One-way trip times.
#[derive(Clone, Debug)]
pub struct Trips(Vec<Vec<Duration>>);

/// Limits of one node's calls.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Questions under way to one peer; more are shed.
    pub in_flight_per_peer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight_per_peer: 4_096 }
    }
}

/// One node's end of the network.
pub struct Local {
    from: LocationId,
    network: Arc<Network>,
    /// Shared with the calls under way, one for each peer.
    in_flight: Vec<Arc<Semaphore>>,
}

impl Trips {
    /// `one_way[a][b]`: from location a to location b. Square.
    pub fn new(one_way: Vec<Vec<Duration>>) -> Self {
        Self(one_way)
    }

    pub fn none(locations: usize) -> Self {
        Self(vec![vec![Duration::ZERO; locations]; locations])
    }

    pub fn between(&self, from: LocationId, to: LocationId) -> Duration {
        self.0[from.index()][to.index()]
    }

    /// There and back; `None`: no time is modelled between them.
    fn round(&self, from: LocationId, to: LocationId) -> Option<Trip> {
        let mean = self.between(from, to) + self.between(to, from);
        (!mean.is_zero()).then_some(Trip { mean, deviation: Duration::ZERO })
    }
}

impl Network {
    pub fn new(clock: Clock, tasks: Tasks, trips: Trips, faults: Faults) -> Arc<Self> {
        let services = trips.0.iter().map(|_| Mutex::new(None)).collect();
        Arc::new(Self { clock, tasks, trips, faults, encoding: AtomicBool::new(false), services })
    }

    pub fn trips(&self) -> &Trips {
        &self.trips
    }

    /// Whether every call goes through its wire form on the way, to prove that nothing is lost
    /// there. Off at first.
    pub fn encoding(&self, on: bool) {
        self.encoding.store(on, Ordering::Relaxed);
    }

    /// Puts a node at its place, instead of one that stood there. One that is dropped is
    /// unreachable.
    pub fn attach(&self, at: LocationId, service: &Arc<dyn Service>) {
        *self.place(at) = Some(Arc::downgrade(service));
    }

    fn place(&self, at: LocationId) -> MutexGuard<'_, Option<Weak<dyn Service>>> {
        self.services[at.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the network at `from`.
    pub fn end(self: &Arc<Self>, from: LocationId, limits: Limits) -> Arc<Local> {
        let in_flight =
            self.services.iter().map(|_| Arc::new(Semaphore::new(limits.in_flight_per_peer)));
        Arc::new(Local { from, network: Arc::clone(self), in_flight: in_flight.collect() })
    }

    fn service(&self, at: LocationId) -> Result<Arc<dyn Service>, Error> {
        self.place(at).as_ref().and_then(Weak::upgrade).ok_or(Error::Unreachable)
    }

    async fn travel(&self, from: LocationId, to: LocationId, wait: Duration) {
        let trip = self.trips.between(from, to) + wait;
        if !trip.is_zero() {
            self.clock.sleep(trip).await;
        }
    }

    /// The whole way there and back, at the other side's pace.
    async fn deliver(
        self: Arc<Self>,
        from: LocationId,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> Result<Reply, Error> {
        let (wait, twice) = match self.faults.fate(from, to) {
            Fate::Cut => return Err(Error::Unreachable),
            Fate::Lost => return std::future::pending().await,
            Fate::Delivered { wait, twice } => (wait, twice),
        };
        let encoding = self.encoding.load(Ordering::Relaxed);
        let parcel = Parcel::pack(ctx, request, encoding, self.clock.mono());
        self.travel(from, to, wait).await;
        let service = self.service(to)?;
        if twice {
            let (ctx, copy) = parcel.copy().open(self.clock.mono())?;
            let service = Arc::clone(&service);
            self.tasks.spawn(TaskKind::Call, async move {
                // Nobody waits for the answer of the second delivery.
                let _ = service.handle(from, ctx, copy).await;
            });
        }
        let (ctx, request) = parcel.open(self.clock.mono())?;
        let mut reply = service.handle(from, ctx, request).await;
        if encoding {
            reply = through_wire(reply);
        }
        match self.faults.fate(to, from) {
            Fate::Cut | Fate::Lost => std::future::pending().await,
            Fate::Delivered { wait, .. } => {
                let more = match &reply {
                    Ok(Reply::Answer(_) | Reply::Store(StoreReply::Found(_))) => {
                        self.faults.answer_waits()
                    }
                    _ => Duration::ZERO,
                };
                self.travel(to, from, wait + more).await;
            }
        }
        reply.map(|reply| self.relay_trailer(to, from, reply))
    }

    /// A trailer takes the same trip as its answer, on its own, and can be lost on its own.
    fn relay_trailer(self: &Arc<Self>, from: LocationId, to: LocationId, reply: Reply) -> Reply {
        let Reply::Answer(mut answer) = reply else { return reply };
        if !answer.trailing.is_none() {
            let (sender, trailing) = trailer();
            let there = std::mem::replace(&mut answer.trailing, trailing);
            let network = Arc::clone(self);
            self.tasks.spawn(TaskKind::Trailer, async move {
                let Some(trailer) = there.wait().await else { return };
                if let Fate::Delivered { wait, .. } = network.faults.fate(from, to) {
                    network.travel(from, to, wait).await;
                    sender.send_replace(Some(trailer));
                }
            });
        }
        Reply::Answer(answer)
    }
}

impl Carrier for Local {
    fn trip(&self, to: LocationId) -> Option<Trip> {
        self.network.trips.round(self.from, to)
    }

    fn call(
        &self,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        let place = Arc::clone(&self.in_flight[to.index()]).try_acquire_owned();
        Box::pin(async move {
            let place = place.map_err(|_| Error::Overloaded)?;
            let (answer, answered) = oneshot::channel();
            let (network, from, deadline) = (Arc::clone(&self.network), self.from, ctx.deadline);
            // Apart from the caller: a caller that goes away does not take the request back.
            self.network.tasks.spawn(TaskKind::Call, async move {
                let clock = network.clock.clone();
                let delivery = network.deliver(from, to, ctx, request);
                let reply = clock.until(deadline, delivery).await.unwrap_or(Err(Error::Deadline));
                drop(place);
                // The caller may have gone.
                let _ = answer.send(reply);
            });
            answered.await.unwrap_or(Err(Error::Unreachable))
        })
    }
}

#[cfg(test)]
mod tests;
