//! Which edges a tier has filled lately: a purge is passed on to just those, and they refresh what
//! they hold at once instead of at half its period. Readers see no miss for it.
//!
//! A courtesy. Forgotten, lost or late, it changes nothing that is promised. A crowded table forgets,
//! and a push that finds too many under way is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_peer::{Error, Hop, Minimum, Opaque, Push, Question, Reply, Request};
use littoral_store::Row;
use littoral_tasks::TaskKind;
use littoral_topology::{KeyHash, key_hash};
use littoral_types::{Ctx, Kind, LocationId, Mono, Space, SpaceId, Version};
use tokio::sync::Semaphore;

use crate::hop::{self, Upward};
use crate::{Entry, Tiers};

/// Parts of the table, each with its own lock.
const SHARDS: usize = 64;
/// Edges of one key; of more, the first ones are pushed to.
const EDGES_MAX: usize = 24;
/// How long a push may take.
const PUSH_TIME: Duration = Duration::from_secs(2);

/// One tier's table.
#[derive(Debug)]
pub(crate) struct Interest {
    shards: Vec<Mutex<HashMap<KeyHash, Edges>>>,
    keys_per_shard: usize,
    /// An edge that has not asked for this long holds nothing worth a push.
    keep: Duration,
    pushes: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Edges {
    kind: Kind,
    list: Vec<LocationId>,
    asked_at: Mono,
}

impl Interest {
    /// `keys_max`: keys remembered; 0: none, and nothing is pushed.
    pub(crate) fn new(keys_max: usize, pushes_max: usize, keep: Duration) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let pushes = Arc::new(Semaphore::new(pushes_max));
        Self { shards, keys_per_shard: keys_max / SHARDS, keep, pushes }
    }

    /// An edge was given an answer that it will hold.
    fn note(&self, key: KeyHash, kind: Kind, edge: LocationId, now: Mono) {
        if self.keys_per_shard == 0 {
            return;
        }
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= self.keys_per_shard && !shard.contains_key(&key) {
            shard.retain(|_, edges| now.since(edges.asked_at) < self.keep);
            if shard.len() >= self.keys_per_shard {
                shard.clear();
            }
        }
        let edges = shard.entry(key).or_default();
        (edges.kind, edges.asked_at) = (kind, now);
        if !edges.list.contains(&edge) && edges.list.len() < EDGES_MAX {
            edges.list.push(edge);
        }
    }

    /// Who holds the key, as far as is known.
    pub(crate) fn of(&self, key: KeyHash, now: Mono) -> (Kind, Vec<LocationId>) {
        let shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        let edges = shard.get(&key).filter(|edges| now.since(edges.asked_at) < self.keep);
        edges.map(|edges| (edges.kind, edges.list.clone())).unwrap_or_default()
    }

    /// An edge says that it holds the key no more.
    fn forget(&self, key: KeyHash, edge: LocationId) {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(edges) = shard.get_mut(&key) {
            edges.list.retain(|other| *other != edge);
        }
    }

    fn shard(&self, key: KeyHash) -> &Mutex<HashMap<KeyHash, Edges>> {
        &self.shards[key.0 as usize % SHARDS]
    }
}

impl Tiers {
    /// `from` was given an answer for a key by this tier.
    pub(crate) fn filled(&self, from: LocationId, space: Space, key: &[u8]) {
        let inner = self.inner();
        if from != inner.here {
            let (hash, now) = (key_hash(space.id, key), inner.clock.mono());
            inner.interest.note(hash, space.kind, from, now);
        }
    }

    /// Passes a write's purge on to the edges that this tier filled, with the write if it is there.
    pub(crate) fn pass_on(
        &self,
        space: SpaceId,
        key: &Bytes,
        version: Version,
        row: Option<Row>,
        (kind, edges): (Kind, Vec<LocationId>),
    ) {
        let inner = self.inner();
        let space = Space { id: space, kind };
        for edge in edges {
            let Ok(place) = Arc::clone(&inner.interest.pushes).try_acquire_owned() else {
                inner.metrics.pushes_dropped.inc();
                continue;
            };
            inner.metrics.pushes.inc();
            let tiers = self.clone();
            let mut push = Push { space, key: key.clone(), version, drop: false, row: row.clone() };
            inner.tasks.spawn(TaskKind::Call, async move {
                let inner = tiers.inner();
                let ctx = Ctx { deadline: inner.clock.after(PUSH_TIME), ..Ctx::default() };
                let call = |push: &Push| {
                    inner.carrier.call(edge, ctx.clone(), Request::Push(push.clone()))
                };
                let mut told = call(&push).await;
                if matches!(told, Err(Error::Refused(_))) && push.row.take().is_some() {
                    // An older node knows pushes without the write.
                    told = call(&push).await;
                }
                match told {
                    Ok(Reply::Pushed { held: true }) => {}
                    Ok(_) => inner.interest.forget(key_hash(space.id, &push.key), edge),
                    Err(error) => tracing::trace!(%error, edge = edge.0, "a push was lost"),
                }
                drop(place);
            });
        }
    }

    /// Another location says that what is held of a key below a version is old. Whether it is held
    /// here at all.
    pub fn pushed(&self, push: Push) -> bool {
        let inner = self.inner();
        let Push { space, key, version, drop, row } = push;
        if drop {
            inner.shelf.purge(space.id, &key, version, None, inner.clock.mono());
            return true;
        }
        let Some(held) = inner.shelf.peek(space.id, &key) else { return false };
        if held.version >= version {
            return true;
        }
        let now = inner.clock.mono();
        let row = row.filter(|row| row.version == version);
        // As old as what it replaces: nobody knows how long it was on its way.
        let newer = row.map(|row| Arc::new(replaced(&held, row, now)));
        if let Some(newer) = &newer {
            inner.shelf.keep(space.id, &key, Arc::clone(newer), version, now);
        }
        let held = newer.unwrap_or(held);
        let question = Question {
            space,
            key,
            hop: Hop::Edge,
            held: Some(held.version),
            minimum: Minimum { own: version, ..Minimum::default() },
            through: false,
            asked: Opaque::default(),
        };
        let policy = inner.origins.of(space.kind).map(|origin| origin.policy).unwrap_or_default();
        hop::refresh(self, &Ctx::default(), Upward::by(&question, &policy), &held);
        true
    }
}

/// A newer version, which was surely the newest no earlier than the one held: its age is not restarted.
fn replaced(held: &Entry, row: Row, now: Mono) -> Entry {
    Entry::of(row, held.vouched_at, now, held.positions)
}

#[cfg(test)]
mod tests {
    use littoral_types::{Body, Positions};

    use super::*;

    const KIND: Kind = Kind(1);
    const KEEP: Duration = Duration::from_secs(60);

    #[test]
    fn edges_are_known_until_they_hold_nothing_or_their_time_is_up() {
        let interest = Interest::new(1_000, 8, KEEP);
        let (key, at) = (KeyHash(7), Mono(1_000));
        for edge in [1, 2, 1] {
            interest.note(key, KIND, LocationId(edge), at);
        }
        assert_eq!(interest.of(key, at), (KIND, vec![LocationId(1), LocationId(2)]));
        interest.forget(key, LocationId(1));
        assert_eq!(interest.of(key, at).1, [LocationId(2)]);
        interest.note(key, KIND, LocationId(1), at);
        assert!(interest.of(key, at.plus(KEEP)).1.is_empty());
    }

    #[test]
    fn a_write_that_was_pushed_is_as_old_as_what_it_replaces() {
        let held = Entry {
            version: Version::from_parts(5, 1),
            body: Body::Bytes(Bytes::from_static(b"old")),
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
            vouched_at: Mono(1_000),
            copied_at: Mono(1_000),
            positions: Positions::NONE,
            confirmed: true,
            stale_since: None,
        };
        let row = Row { version: Version::from_parts(6, 1), ..Row::default() };
        let new = replaced(&held, row, Mono(9_000));
        assert_eq!((new.version, new.vouched_at), (Version::from_parts(6, 1), Mono(1_000)));
        assert!(!new.confirmed, "one store has said so");
    }

    #[test]
    fn a_crowded_table_forgets_and_never_grows() {
        let interest = Interest::new(SHARDS, 8, KEEP);
        for n in 0..10 * SHARDS as u64 {
            interest.note(KeyHash(n), KIND, LocationId(1), Mono(1_000));
        }
        let held = interest.shards.iter().map(|shard| shard.lock().expect("sound").len());
        assert!(held.sum::<usize>() <= SHARDS);
        let key = KeyHash(3);
        for edge in 0..100 {
            interest.note(key, KIND, LocationId(edge), Mono(1_000));
        }
        assert_eq!(interest.of(key, Mono(1_000)).1.len(), EDGES_MAX);
        let none = Interest::new(0, 8, KEEP);
        none.note(key, KIND, LocationId(1), Mono(1_000));
        assert!(none.of(key, Mono(1_000)).1.is_empty());
    }
}
