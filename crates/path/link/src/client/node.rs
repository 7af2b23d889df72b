//! One node of the address book: its connections, its round trip, how it is doing.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use littoral_peer::{Meter, Trip};
use littoral_tasks::Shutdown;
use littoral_telemetry::metrics::Gauge;
use littoral_types::{Mono, Wall};
use tokio::sync::{Semaphore, watch};

use super::book::{Peer, seed};
use super::link::Link;
use super::{Shared, dial, probe};
use crate::life::Life;
use crate::metrics::Outcomes;

pub(super) struct Node {
    pub(super) peer: Peer,
    pub(super) seed: u64,
    /// It left the address book.
    pub(super) gone: Shutdown,
    /// Places for calls under way.
    pub(super) calls: Arc<Semaphore>,
    /// Places for trailers that are awaited.
    pub(super) trailers: Arc<Semaphore>,
    pub(super) outcomes: Outcomes,
    pub(super) shared: Arc<Shared>,
    round_trip: Gauge,
    links: Mutex<Links>,
    /// [`Mono`] when it last answered anything; 0: never.
    heard: AtomicU64,
    round_trips: Meter,
    /// What it said with its last sign of life, and when by our clock.
    life: Mutex<Option<(Life, Wall)>>,
    /// Signs of life missed in a row, and connections not opened.
    missed: AtomicU32,
}

struct Links {
    live: Vec<Link>,
    /// A connection is being opened; tells when that has ended.
    dialling: Option<watch::Receiver<bool>>,
    /// Not before this.
    retry_at: Mono,
    backoff: Duration,
    /// Why the last one could not be opened.
    failed: Option<String>,
}

/// How a node is doing, for people and for whoever decides about health.
#[derive(Clone, Debug)]
pub struct PeerState {
    pub peer: Peer,
    pub connections: usize,
    pub rtt: Option<Duration>,
    /// How long ago it last answered; `None`: never.
    pub heard: Option<Duration>,
    /// Whether it is asked before others of its location.
    pub well: bool,
    /// Why the last connection could not be opened, until one is.
    pub failed: Option<String>,
    /// Its clock less ours, in milliseconds, to half a round trip.
    pub skew_ms: Option<i64>,
    /// The [mark](crate::places_mark) of the places that it knows.
    pub places: Option<String>,
}

/// There is no connection, and none can be had now.
#[derive(Debug)]
pub(super) struct NoLink;

/// A node that missed this many signs of life in a row is asked after the others.
const MISSED_MAX: u32 = 2;
/// Answers after which one that was asked last is asked in its turn again: one may be chance.
const ANSWERS_MIN: u32 = 2;

impl Node {
    pub(super) fn new(peer: Peer, shared: Arc<Shared>) -> Arc<Self> {
        let location = &peer.identity.location;
        let node = Arc::new(Self {
            seed: seed(&peer.identity),
            gone: Shutdown::new(),
            calls: Arc::new(Semaphore::new(shared.options.in_flight_per_node)),
            trailers: Arc::new(Semaphore::new(shared.options.trailers_per_node)),
            outcomes: shared.metrics.outcomes(location),
            round_trip: shared.metrics.round_trip(location),
            links: Mutex::new(Links {
                live: Vec::new(),
                dialling: None,
                retry_at: Mono::LONG_AGO,
                backoff: shared.options.backoff_min,
                failed: None,
            }),
            heard: AtomicU64::new(0),
            round_trips: Meter::default(),
            life: Mutex::new(None),
            missed: AtomicU32::new(0),
            peer,
            shared,
        });
        probe::begin(&node);
        node
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection with most room, or the one that is being opened.
    pub(super) async fn link(self: &Arc<Self>) -> Result<Link, NoLink> {
        loop {
            let mut dialling = match self.room() {
                Room::Link(link) => return Ok(link),
                Room::Soon(dialling) => dialling,
                Room::None => return Err(NoLink),
            };
            if dialling.wait_for(|done| *done).await.is_err() {
                // Whoever was opening it is no more.
                self.unreached("ended by drain");
                return Err(NoLink);
            }
        }
    }

    fn room(self: &Arc<Self>) -> Room {
        let options = &self.shared.options;
        let now = self.shared.clock.mono();
        let mut links = self.links();
        let young = |link: &Link| now.since(link.opened()) < options.connection_age_max;
        links.live.retain(|link| !link.closed() && young(link));
        let best = links.live.iter().min_by_key(|link| link.streams()).cloned();
        let full = best.as_ref().is_none_or(|l| l.streams() >= options.streams_before_another);
        let more = links.live.len() < options.connections_per_node;
        if full && more && links.dialling.is_none() && now >= links.retry_at {
            links.dialling = Some(dial::begin(self));
        }
        match (best, &links.dialling) {
            (Some(link), _) => Room::Link(link),
            (None, Some(dialling)) => Room::Soon(dialling.clone()),
            (None, None) => Room::None,
        }
    }

    /// A connection was opened, and has answered after `rtt`.
    pub(super) fn reached(&self, link: Link, rtt: Duration) {
        self.shared.metrics.dialled.inc();
        self.answered(Some(rtt));
        let mut links = self.links();
        links.live.push(link);
        links.dialling = None;
        links.backoff = self.shared.options.backoff_min;
        links.failed = None;
    }

    /// A connection could not be opened.
    pub(super) fn unreached(&self, why: &str) {
        self.shared.metrics.unreached.inc();
        self.missed();
        let now = self.shared.clock.mono();
        let mut links = self.links();
        if links.failed.as_deref() != Some(why) {
            let node = &self.peer.identity;
            tracing::warn!(%why, %node, address = %self.peer.address, "node is not reached");
            links.failed = Some(why.to_owned());
        }
        links.dialling = None;
        links.retry_at = now.plus(links.backoff);
        links.backoff = (links.backoff * 2).min(self.shared.options.backoff_max);
    }

    /// It has just connected to us, so it is there: no reason to wait with our own connection.
    pub(super) fn arrived(self: &Arc<Self>) {
        let waits = {
            let mut links = self.links();
            let waits = links.retry_at > self.shared.clock.mono();
            (links.retry_at, links.backoff) = (Mono::LONG_AGO, self.shared.options.backoff_min);
            waits
        };
        if waits {
            // Begins to open one.
            let _ = self.room();
        }
    }

    /// A connection is given up: calls on it end as soon as they notice.
    pub(super) fn give_up(&self, link: &Link) {
        self.links().live.retain(|other| !other.is(link));
    }

    pub(super) fn answered(&self, rtt: Option<Duration>) {
        self.heard.store(self.shared.clock.mono().0, Ordering::Relaxed);
        match self.missed.load(Ordering::Relaxed) {
            0 => {}
            sick @ MISSED_MAX.. => self.missed.store(sick - 1, Ordering::Relaxed),
            _ => self.missed.store(0, Ordering::Relaxed),
        }
        let Some(rtt) = rtt else { return };
        let known = self.round_trips.took(rtt);
        self.round_trip.set(i64::try_from(known.mean.as_micros()).unwrap_or(i64::MAX));
    }

    /// It said this with a sign of life, just now.
    pub(super) fn lives(&self, life: Life) {
        let now = self.shared.clock.wall();
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = Some((life, now));
    }

    /// A sign of life was asked for and did not come.
    pub(super) fn missed(&self) {
        let missed = self.missed.load(Ordering::Relaxed) + 1;
        let sick = MISSED_MAX + ANSWERS_MIN - 1;
        let missed = if missed >= MISSED_MAX { sick } else { missed };
        self.missed.store(missed, Ordering::Relaxed);
    }

    pub(super) fn trip(&self) -> Option<Trip> {
        self.round_trips.trip()
    }

    pub(super) fn well(&self) -> bool {
        self.missed.load(Ordering::Relaxed) < MISSED_MAX
            && self.links().retry_at <= self.shared.clock.mono()
    }

    /// Whether there is a connection to it.
    pub(super) fn linked(&self) -> bool {
        self.links().live.iter().any(|link| !link.closed())
    }

    pub(super) fn state(&self) -> PeerState {
        let heard = match self.heard.load(Ordering::Relaxed) {
            0 => None,
            heard => Some(self.shared.clock.mono().since(Mono(heard))),
        };
        let (rtt, well) = (self.trip().map(|trip| trip.mean), self.well());
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let half = rtt.unwrap_or_default() / 2;
        let skew_ms = life.as_ref().and_then(|(life, at)| life.skew_ms(*at, half));
        let links = self.links();
        PeerState {
            peer: self.peer.clone(),
            connections: links.live.iter().filter(|link| !link.closed()).count(),
            rtt,
            heard,
            well,
            failed: links.failed.clone(),
            skew_ms,
            places: life.and_then(|(life, _)| life.places),
        }
    }
}

enum Room {
    Link(Link),
    Soon(watch::Receiver<bool>),
    None,
}
