//! The walk of one read: memory, disk, then upward.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::{Clock, Hlc};
use littoral_disk::Disk;
use littoral_memory::{Memory, Remembered, RememberedLimits};
use littoral_peer::{Carrier, Error, Hop, HopReport, Hops, Minimum, Opaque, Outcome, Question};
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_topology::{Health, HealthLimits, Known, key_hash};
use littoral_types::{Ctx, Kind, LocationId, Mono, STORES, Space, SpaceId, Wall};

use crate::edge::{self, Verdict};
use crate::flight::Flights;
use crate::hand::HandPurges;
use crate::hop::{self, Upward};
use crate::interest::Interest;
use crate::keeper::{self, Standing};
use crate::origin::{Origin, Origins, Registered};
use crate::shelf::{Held, Shelf};
use crate::streams::Streams;
use crate::{Entry, Limits, Metrics, Policy, metrics, regional};

/// One node's tiers: any hop for any key. Cheap to clone.
#[derive(Clone)]
pub struct Tiers(Arc<Inner>);

/// What a node's tiers are made of.
pub struct Parts {
    pub here: LocationId,
    pub clock: Clock,
    pub tasks: Tasks,
    pub hlc: Arc<Hlc>,
    pub topology: Known,
    pub carrier: Arc<dyn Carrier>,
    /// Without it, nothing outlives the process.
    pub disk: Option<Disk>,
    pub limits: Limits,
    /// Seed of everything that is random here.
    pub seed: u64,
    /// Whether this node has lived before: it may have forgotten what it acknowledged.
    pub restarted: bool,
    pub metrics: Registry,
}

pub(crate) struct Inner {
    pub(crate) here: LocationId,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) hlc: Arc<Hlc>,
    pub(crate) topology: Known,
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) limits: Limits,
    pub(crate) health: Health,
    pub(crate) shelf: Shelf,
    pub(crate) streams: Streams,
    pub(crate) flights: Flights,
    pub(crate) origins: Origins,
    pub(crate) interest: Interest,
    pub(crate) metrics: Metrics,
}

/// An answer for a reader at this edge.
#[derive(Clone, Debug)]
pub struct Served {
    pub entry: Arc<Entry>,
    /// Never written, deleted, or expired.
    pub absent: bool,
    /// Since a store, or a tier that covers the key, vouched for it.
    pub age: Duration,
    pub hops: Hops,
}

/// How a reader asks, besides what for.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// What the origin is told: for a space whose origin needs more than the key.
    pub asked: Opaque,
    /// Nothing that any tier holds will do.
    pub through: bool,
}

/// A node's tiers at a glance.
#[derive(Clone, Copy, Debug)]
pub struct State {
    pub entries: usize,
    pub entry_bytes: u64,
    pub remembered: usize,
    pub flights: usize,
    /// How long each store's stream has been silent.
    pub silent: [Duration; STORES],
}

impl From<Arc<Inner>> for Tiers {
    fn from(inner: Arc<Inner>) -> Self {
        Self(inner)
    }
}

impl Tiers {
    pub fn new(parts: Parts) -> Self {
        let Parts { here, clock, tasks, hlc, topology, carrier, disk, limits, .. } = parts;
        let remembered = Remembered::new(RememberedLimits {
            versions_max: limits.remembered_versions,
            keep: limits.silence + limits.hop_time,
        });
        if parts.restarted {
            remembered.restarted(clock.mono());
        }
        let memory = Memory::new(limits.memory_bytes, parts.seed);
        let hand = HandPurges::new(limits.hand_purges_per_space);
        let inner = Arc::new(Inner {
            here,
            health: Health::new(topology.now().locations().count(), HealthLimits::default()),
            shelf: Shelf::new(memory, disk, remembered, hand),
            streams: Streams::default(),
            flights: Flights::new(limits.flights, limits.waiters_per_key),
            origins: Origins::new(),
            interest: Interest::new(limits.interests, limits.pushes, limits.interest_time),
            metrics: Metrics::new(&parts.metrics),
            clock,
            tasks,
            hlc,
            topology,
            carrier,
            limits,
        });
        metrics::measure(&parts.metrics, &Arc::downgrade(&inner));
        Self(inner)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Makes `origin` answer for the spaces of a kind, once. `policy` holds for questions from
    /// other locations, which bring none. Whether the kind was still free.
    pub fn register(&self, kind: Kind, origin: Arc<dyn Origin>, policy: Policy) -> bool {
        self.0.origins.add(kind, Registered { origin, policy })
    }

    /// Waits until what was kept is on the disk, before a graceful end. Blocks.
    pub fn flush(&self) {
        self.0.shelf.flush();
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub fn state(&self) -> State {
        let inner = self.inner();
        State {
            entries: inner.shelf.entries(),
            entry_bytes: inner.shelf.bytes(),
            remembered: inner.shelf.remembered.len(),
            flights: inner.flights.under_way(),
            silent: inner.streams.silent(inner.clock.mono()),
        }
    }

    /// An answer from memory that is fresh, or that this location as a tier of the key vouches for,
    /// without waiting or allocating. `None`: [`Tiers::get`] it.
    pub fn peek(&self, ctx: &Ctx, space: Space, key: &[u8], policy: &Policy) -> Option<Served> {
        let inner = self.inner();
        let entry = inner.shelf.peek(space.id, key)?;
        let (now, wall) = (inner.clock.mono(), inner.clock.wall());
        if !edge::meets(&entry, ctx.minimum) || !ctx.allowed.contains(inner.here) {
            return None;
        }
        let place = (space.id, key);
        if keeper::judge(inner, place, &entry, policy, (now, wall)) == Verdict::Fresh {
            let age = entry.age(now);
            return Some(self.hit(entry, age, policy, wall));
        }
        let sound = entry.version >= inner.shelf.remembered.of(space.id, key).version;
        let vouched = sound && self.vouches(place, &entry, policy, now);
        vouched.then(|| self.hit(entry, Duration::ZERO, policy, wall))
    }

    /// What is held of a key, in memory or on the disk, however old; nobody is asked. Reads the disk.
    pub fn held(&self, space: Space, key: &Bytes) -> Option<Served> {
        let inner = self.inner();
        let (now, wall) = (inner.clock.mono(), inner.clock.wall());
        let held = inner.shelf.look(space.id, key, now);
        let entry = Arc::clone(held.sound()?);
        let age = entry.age(now);
        let report = HopReport {
            location: inner.here,
            hop: Hop::Edge,
            outcome: Outcome::Hit,
            stored: false,
            ttl: None,
            took: Duration::ZERO,
        };
        Some(served(entry, age, wall, Hops::default(), report))
    }

    /// The answer for a key: held here if it may be served, else asked for upward.
    ///
    /// # Errors
    /// [`Error::MinimumUnmet`] for `ctx.minimum`; [`Error::Unavailable`] and the like when nobody
    /// can be asked and nothing held may be served; [`Error::Deadline`]; [`Error::Overloaded`].
    pub async fn get(
        &self,
        ctx: &Ctx,
        space: Space,
        key: Bytes,
        policy: &Policy,
    ) -> Result<Served, Error> {
        self.get_as(ctx, space, key, policy, Manner::default()).await
    }

    /// As [`Tiers::get`], in a manner of its own.
    ///
    /// # Errors
    /// As [`Tiers::get`].
    pub async fn get_as(
        &self,
        ctx: &Ctx,
        space: Space,
        key: Bytes,
        policy: &Policy,
        manner: Manner,
    ) -> Result<Served, Error> {
        let inner = self.inner();
        let began = inner.clock.mono();
        let held = inner.shelf.look(space.id, &key, began);
        let plain = manner.asked.is_empty();
        let question = self.question(ctx, space, key, &held, manner);
        if let Some(served) = self.serve_held(ctx, &question, &held, policy, began) {
            return Ok(served);
        }
        let outcome = miss(&held, ctx);
        let upward = Upward::by(&question, policy);
        let landed = hop::ask(self, ctx, upward, held.entry.as_ref()).await;
        let (now, wall) = (inner.clock.mono(), inner.clock.wall());
        match landed {
            Ok((fetched, joined)) => {
                let outcome = match outcome {
                    _ if fetched.stale => Outcome::Stale,
                    outcome => outcome.joined(joined, plain),
                };
                let entry = Arc::clone(&fetched.entry);
                let (age, took) = (entry.age(now), now.since(began));
                let ttl = edge::ttl(&entry, age, policy, wall);
                let report = self.report(outcome, fetched.kept, ttl, took);
                Ok(served(entry, age, wall, fetched.hops, report))
            }
            Err(error) => self.stale_if_error(ctx, &held, policy, began, error),
        }
    }

    fn question(
        &self,
        ctx: &Ctx,
        space: Space,
        key: Bytes,
        held: &Held,
        manner: Manner,
    ) -> Question {
        let (inner, now) = (self.inner(), self.0.clock.mono());
        let gaps =
            inner.shelf.remembered.gaps(now) || keeper::begins(inner, space.id, &key, held, now);
        let misses = held.memo.version.is_zero() && gaps;
        Question {
            space,
            key,
            hop: Hop::Edge,
            held: held.entry.as_ref().map(|entry| entry.version),
            minimum: Minimum { client: ctx.minimum, own: held.newest(), positions: held.purged },
            through: manner.through || misses && inner.origins.misses_purges(space.kind),
            asked: manner.asked,
        }
    }

    fn serve_held(
        &self,
        ctx: &Ctx,
        question: &Question,
        held: &Held,
        policy: &Policy,
        now: Mono,
    ) -> Option<Served> {
        let inner = self.inner();
        let entry = held.sound()?;
        if !edge::meets(entry, ctx.minimum) || !ctx.allowed.contains(inner.here) {
            return None;
        }
        let wall = inner.clock.wall();
        let place = (question.space.id, &question.key[..]);
        let verdict = keeper::judge(inner, place, entry, policy, (now, wall));
        if verdict != Verdict::Fresh {
            if self.vouches(place, entry, policy, now) {
                return Some(self.hit(Arc::clone(entry), Duration::ZERO, policy, wall));
            }
            if verdict == Verdict::Beyond {
                return None;
            }
            hop::refresh(self, ctx, Upward::by(question, policy), entry);
        }
        Some(self.hit(Arc::clone(entry), entry.age(now), policy, wall))
    }

    /// Whether this edge is a tier of the key and its keeper, and so would vouch for the entry to
    /// anybody.
    pub(crate) fn vouches(
        &self,
        (space, key): (SpaceId, &[u8]),
        entry: &Entry,
        policy: &Policy,
        now: Mono,
    ) -> bool {
        let inner = self.inner();
        policy.cache_ttl > Duration::ZERO
            && keeper::standing(inner, space, key, entry) == Standing::Keeps
            && regional::covers(inner, key_hash(space, key), entry, now)
    }

    /// Nobody could be asked: what is held, within its bound, marked.
    fn stale_if_error(
        &self,
        ctx: &Ctx,
        held: &Held,
        policy: &Policy,
        began: Mono,
        error: Error,
    ) -> Result<Served, Error> {
        let now = self.0.clock.mono();
        let usable = |entry: &&Arc<Entry>| {
            error != Error::MinimumUnmet
                && edge::meets(entry, ctx.minimum)
                && ctx.allowed.contains(self.0.here)
                && entry.age(now) < policy.stale_if_error
        };
        let Some(entry) = held.sound().filter(usable) else {
            if error == Error::Overloaded {
                self.0.metrics.shed.inc();
            }
            return Err(error);
        };
        let (age, wall) = (entry.age(now), self.0.clock.wall());
        let ttl = edge::ttl(entry, age, policy, wall);
        let report = self.report(Outcome::Stale, false, ttl, now.since(began));
        Ok(served(Arc::clone(entry), age, wall, Hops::default(), report))
    }

    fn hit(&self, entry: Arc<Entry>, age: Duration, policy: &Policy, wall: Wall) -> Served {
        let ttl = edge::ttl(&entry, age, policy, wall);
        let report = self.report(Outcome::Hit, false, ttl, Duration::ZERO);
        served(entry, age, wall, Hops::default(), report)
    }

    fn report(&self, outcome: Outcome, stored: bool, ttl: i64, took: Duration) -> HopReport {
        let inner = self.inner();
        inner.metrics.answered(Hop::Edge, outcome);
        let location = inner.here;
        HopReport { location, hop: Hop::Edge, outcome, stored, ttl: Some(ttl), took }
    }
}

fn served(
    entry: Arc<Entry>,
    age: Duration,
    wall: Wall,
    mut hops: Hops,
    report: HopReport,
) -> Served {
    hops.push(report);
    Served { absent: entry.absent(wall), age, entry, hops }
}

/// Why what is held does not do.
fn miss(held: &Held, ctx: &Ctx) -> Outcome {
    match held.sound() {
        None => Outcome::Miss,
        Some(entry) if !edge::meets(entry, ctx.minimum) => Outcome::Bypass,
        Some(_) => Outcome::Suspect,
    }
}
