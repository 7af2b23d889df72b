//! Identical questions are joined into one.
//!
//! A flight belongs to nobody: it runs as a task of its own, so that a reader that goes away takes
//! nobody's answer with it, and each who waits keeps its own deadline.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use littoral_peer::{Error, Hops, Minimum, Question, Sibling, Terms, Trailing};
use littoral_rules::{self as rules, Rule};
use littoral_topology::key_hash;
use littoral_types::{Allowed, LocationId, SpaceId};
use tokio::sync::watch;

use crate::Entry;

/// What a question brought back.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) entry: Arc<Entry>,
    pub(crate) kept: bool,
    /// The best there was, though older than asked for, or past its time: not kept.
    pub(crate) stale: bool,
    pub(crate) hops: Hops,
    pub(crate) trailing: Trailing,
}

pub(crate) type Landed = Result<Arc<Fetched>, Error>;

/// A question under way.
#[derive(Debug)]
pub(crate) struct Flight {
    key: FlightKey,
    minimum: Minimum,
    through: bool,
    allowed: Allowed,
    /// What a keeper was told of its reader.
    terms: Option<Terms>,
    waiters: AtomicUsize,
    landed: watch::Sender<Option<Landed>>,
}

/// Questions for one key that go to the same place can be one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FlightKey {
    space: SpaceId,
    key: Bytes,
    to: Option<LocationId>,
    keeper: Option<Sibling>,
}

/// All questions under way at this node.
pub(crate) struct Flights {
    shards: Vec<Mutex<HashMap<FlightKey, Vec<Arc<Flight>>>>>,
    count: AtomicUsize,
    flights_max: usize,
    waiters_max: usize,
}

const SHARDS: usize = 32;

/// A place on a flight.
pub(crate) enum Seat {
    /// The flight is new: run it.
    Leads(Arc<Flight>),
    Joined(Arc<Flight>),
}

impl Flight {
    /// Whether a question is answered by this flight's answer: it asks for at least as much, and
    /// holds it nowhere the other may not be held. A client's minimum can fail a question, so it
    /// must be the same, and a keeper judges by its reader's terms.
    fn satisfies(&self, question: &Question, allowed: &Allowed, terms: Option<Terms>) -> bool {
        if !rules::holds(Rule::JoinOnlySatisfied) {
            return true;
        }
        self.minimum.client == question.minimum.client
            && self.minimum.own >= question.minimum.own
            && self.minimum.positions.reaches(question.minimum.positions)
            && (self.through || !question.through)
            && self.allowed.within(allowed)
            && self.terms == terms
    }

    /// The answer, once it is there. Cancel-safe.
    pub(crate) async fn wait(&self) -> Landed {
        let mut landed = self.landed.subscribe();
        let answer = landed.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| answer.clone());
        answer.unwrap_or(Err(Error::Unreachable))
    }
}

impl Flights {
    pub(crate) fn new(flights_max: usize, waiters_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, count: AtomicUsize::new(0), flights_max, waiters_max }
    }

    fn shard(&self, key: &FlightKey) -> MutexGuard<'_, HashMap<FlightKey, Vec<Arc<Flight>>>> {
        let at = key_hash(key.space, &key.key).0 as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place on a flight that satisfies the question, or a new one.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when the node's flights, or this one's waiters, are at their limit.
    pub(crate) fn board(
        &self,
        question: &Question,
        allowed: &Allowed,
        to: Option<LocationId>,
        keeper: Option<(Sibling, Terms)>,
    ) -> Result<Seat, Error> {
        let (keeper, terms) = keeper.unzip();
        let key = FlightKey { space: question.space.id, key: question.key.clone(), to, keeper };
        let mut shard = self.shard(&key);
        let flights = shard.entry(key.clone()).or_default();
        if let Some(flight) =
            flights.iter().find(|flight| flight.satisfies(question, allowed, terms))
        {
            if flight.waiters.fetch_add(1, Ordering::Relaxed) >= self.waiters_max {
                return Err(Error::Overloaded);
            }
            return Ok(Seat::Joined(Arc::clone(flight)));
        }
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.flights_max {
            self.count.fetch_sub(1, Ordering::Relaxed);
            if flights.is_empty() {
                shard.remove(&key);
            }
            return Err(Error::Overloaded);
        }
        let flight = Arc::new(Flight {
            key,
            minimum: question.minimum,
            through: question.through,
            allowed: allowed.clone(),
            terms,
            waiters: AtomicUsize::new(0),
            landed: watch::Sender::new(None),
        });
        flights.push(Arc::clone(&flight));
        Ok(Seat::Leads(flight))
    }

    /// The answer is there: nobody boards any more, everybody who waits has it.
    pub(crate) fn land(&self, flight: &Arc<Flight>, landed: Landed) {
        let mut shard = self.shard(&flight.key);
        if let Slot::Occupied(mut slot) = shard.entry(flight.key.clone()) {
            slot.get_mut().retain(|other| !Arc::ptr_eq(other, flight));
            if slot.get().is_empty() {
                slot.remove();
            }
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        drop(shard);
        flight.landed.send_replace(Some(landed));
    }

    pub(crate) fn under_way(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// Lands the flight with an error should its task be dropped.
pub(crate) struct Landing<'a> {
    flights: &'a Flights,
    flight: Option<Arc<Flight>>,
}

impl<'a> Landing<'a> {
    pub(crate) fn new(flights: &'a Flights, flight: Arc<Flight>) -> Self {
        Self { flights, flight: Some(flight) }
    }

    pub(crate) fn with(mut self, landed: Landed) {
        if let Some(flight) = self.flight.take() {
            self.flights.land(&flight, landed);
        }
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            self.flights.land(&flight, Err(Error::Unreachable));
        }
    }
}
