//! The in-process carrier: the same typed message, bodies uncopied, after the modelled trip. It can
//! be told to encode and decode what it carries, as a carrier between machines must.
//!
//! Nodes stand at **places**, numbered like locations: the first of each location has its number,
//! [further ones](Network::several) follow after all locations. Trips and faults are between places.

mod several;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Ctx, LocationId, Mono, SpaceId};
use tokio::sync::{Semaphore, oneshot};

use self::several::ranked;
use crate::faults::{Fate, Faults};
use crate::parcel::{Parcel, through_wire};
use crate::{Carrier, Error, Reply, Request, Service, Sibling, StoreReply, Trip, trailer};

/// A network in one process: who is where, and how long a trip between them takes.
pub struct Network {
    clock: Clock,
    tasks: Tasks,
    trips: Trips,
    pub faults: Faults,
    encoding: AtomicBool,
    sound_within: AtomicBool,
    places: Vec<Mutex<Place>>,
    /// The location of each place.
    locations: Vec<LocationId>,
}

/// Where a node stands, or could.
#[derive(Default)]
pub(crate) struct Place {
    service: Option<Weak<dyn Service>>,
    /// When one came, or went.
    changed_at: Mono,
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
    /// The other places of this location.
    others: Vec<LocationId>,
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
        let locations = (0..).map(LocationId).take(trips.0.len()).collect();
        Self::several(clock, tasks, trips, faults, locations)
    }

    /// With several places in some locations: `locations[p]` is that of place `p`. Trips and faults
    /// are between places.
    pub fn several(
        clock: Clock,
        tasks: Tasks,
        trips: Trips,
        faults: Faults,
        locations: Vec<LocationId>,
    ) -> Arc<Self> {
        let places = locations.iter().map(|_| Mutex::default()).collect();
        let encoding = AtomicBool::new(false);
        let sound_within = AtomicBool::new(false);
        Arc::new(Self { clock, tasks, trips, faults, encoding, sound_within, places, locations })
    }

    pub fn trips(&self) -> &Trips {
        &self.trips
    }

    /// Whether every call goes through its wire form on the way, to prove that nothing is lost
    /// there. Off at first.
    pub fn encoding(&self, on: bool) {
        self.encoding.store(on, Ordering::Relaxed);
    }

    /// Whether no fault is injected between the nodes of a location. Off at first.
    pub fn sound_within(&self, on: bool) {
        self.sound_within.store(on, Ordering::Relaxed);
    }

    fn fate(&self, from: LocationId, to: LocationId) -> Fate {
        let beside = from != to && self.locations[from.index()] == self.locations[to.index()];
        if beside && self.sound_within.load(Ordering::Relaxed) {
            return Fate::Delivered { wait: Duration::ZERO, twice: false };
        }
        self.faults.fate(from, to)
    }

    /// Puts a node at its place, instead of one that stood there. One that is dropped is
    /// unreachable.
    pub fn attach(&self, at: LocationId, service: &Arc<dyn Service>) {
        let changed_at = self.clock.mono();
        *self.place(at) = Place { service: Some(Arc::downgrade(service)), changed_at };
    }

    /// Takes a node from its place, and everybody knows.
    pub fn detach(&self, at: LocationId) {
        *self.place(at) = Place { service: None, changed_at: self.clock.mono() };
    }

    pub(crate) fn place(&self, at: LocationId) -> MutexGuard<'_, Place> {
        self.places[at.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A location's places, highest rank for a key first.
    pub fn ranked(&self, at: LocationId, space: SpaceId, key: &[u8]) -> Vec<LocationId> {
        ranked(self.places_at(at).collect(), space, key)
    }

    fn places_at(&self, at: LocationId) -> impl Iterator<Item = LocationId> {
        let places = (0..).map(LocationId).zip(&self.locations);
        places.filter(move |(_, location)| **location == at).map(|(place, _)| place)
    }

    /// The node of a location that is asked for this.
    fn asked(&self, to: LocationId, request: &Request) -> LocationId {
        let key = match request {
            Request::Ask(question) => (question.space.id, &question.key),
            Request::Push(push) => (push.space.id, &push.key),
            _ => return to,
        };
        let well = self.places_at(to).filter(|place| self.place(*place).service.is_some());
        ranked(well.collect(), key.0, key.1).first().copied().unwrap_or(to)
    }

    /// The end of the network at `from`.
    pub fn end(self: &Arc<Self>, from: LocationId, limits: Limits) -> Arc<Local> {
        let in_flight =
            self.places.iter().map(|_| Arc::new(Semaphore::new(limits.in_flight_per_peer)));
        let here = self.locations[from.index()];
        let others = self.places_at(here).filter(|place| *place != from).collect();
        Arc::new(Local { from, network: Arc::clone(self), in_flight: in_flight.collect(), others })
    }

    fn service(&self, at: LocationId) -> Result<Arc<dyn Service>, Error> {
        self.place(at).service.as_ref().and_then(Weak::upgrade).ok_or(Error::Unreachable)
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
        let (wait, twice) = match self.fate(from, to) {
            Fate::Cut => return Err(Error::Unreachable),
            Fate::Lost => return std::future::pending().await,
            Fate::Delivered { wait, twice } => (wait, twice),
        };
        let encoding = self.encoding.load(Ordering::Relaxed);
        let parcel = Parcel::pack(ctx, request, encoding, self.clock.mono());
        self.travel(from, to, wait).await;
        let (service, location) = (self.service(to)?, self.locations[from.index()]);
        if twice {
            let (ctx, copy) = parcel.copy().open(self.clock.mono())?;
            let service = Arc::clone(&service);
            self.tasks.spawn(TaskKind::Call, async move {
                // Nobody waits for the answer of the second delivery.
                let _ = service.handle(location, ctx, copy).await;
            });
        }
        let (ctx, request) = parcel.open(self.clock.mono())?;
        let mut reply = service.handle(location, ctx, request).await;
        if encoding {
            reply = through_wire(reply);
        }
        match self.fate(to, from) {
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
                if let Fate::Delivered { wait, .. } = network.fate(from, to) {
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
        self.send(self.network.asked(to, &request), ctx, request)
    }

    fn keeps(&self, space: SpaceId, key: &[u8]) -> Option<Mono> {
        self.keeps_since(space, key)
    }

    fn keepers(&self, space: SpaceId, key: &[u8]) -> Vec<Sibling> {
        self.before_this_one(space, key)
    }

    fn siblings(&self) -> Vec<Sibling> {
        self.others_well()
    }

    fn call_sibling(
        &self,
        to: Sibling,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        match u16::try_from(to.0).map(LocationId) {
            Ok(place) if self.others.contains(&place) => self.send(place, ctx, request),
            _ => Box::pin(async { Err(Error::Unreachable) }),
        }
    }
}

impl Local {
    fn send(
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
