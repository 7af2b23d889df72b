//! How far this node has applied each store's purge stream, and when it last heard it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use littoral_rules::{self as rules, Rule};
use littoral_types::{Epoch, Mono, Position, Positions, STORES, StoreId};

use tokio::sync::watch;

use crate::Entry;

/// One node's place in every stream.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: Mutex<[Stream; STORES]>,
    /// Counts up with each heartbeat.
    news: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// Everything up to here has been applied.
    applied: Position,
    /// No record after this one was missed. What was vouched for earlier is not covered.
    complete_since: Position,
    /// When the question was sent that the last heartbeat answered.
    heard_at: Mono,
    /// By which epoch the publisher routes what comes after which record: now, and before.
    routed: [Routed; 2],
}

/// From when on records have been routed by an epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Routed {
    epoch: Epoch,
    since: Position,
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, [Stream; STORES]> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything up to these positions has been applied.
    pub(crate) async fn reach(&self, positions: Positions) {
        let mut news = self.news.subscribe();
        while !self.applied().reaches(positions) {
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn applied(&self) -> Positions {
        let streams = self.lock();
        StoreId::all()
            .fold(Positions::NONE, |all, store| all.with(store, streams[store.index()].applied))
    }

    /// A heartbeat: everything through `through` has been applied. `gap`: but not what was before.
    pub(crate) fn heard(
        &self,
        store: StoreId,
        through: Position,
        gap: bool,
        sent_at: Mono,
        epoch: Epoch,
    ) {
        let mut streams = self.lock();
        let stream = &mut streams[store.index()];
        if stream.routed[0].epoch != epoch {
            // The stretch begins where the last one ended.
            stream.routed = [Routed { epoch, since: stream.applied }, stream.routed[0]];
        }
        if gap || stream.applied.incarnation != through.incarnation {
            stream.complete_since = through;
            stream.routed = [Routed { epoch, since: Position::NONE }, Routed::default()];
            stream.applied = through;
        } else if through.number > stream.applied.number {
            stream.applied = through;
        }
        stream.heard_at = stream.heard_at.max(sent_at);
        drop(streams);
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Whether nothing can have changed the entry unheard: every store agreed, and every stream
    /// has been heard within `silence`, is complete since, and was routed here since. The caller
    /// knows that the epoch gives this location the key; `held_before`: whether this earlier one
    /// did too.
    pub(crate) fn cover(
        &self,
        entry: &Entry,
        now: Mono,
        silence: Duration,
        epoch: Epoch,
        held_before: impl Fn(Epoch) -> bool,
    ) -> bool {
        let streams = self.lock();
        (entry.confirmed || !rules::holds(Rule::CoverNeedsConfirmation))
            && entry.positions.iter().all(|(store, vouched)| {
                let stream = &streams[store.index()];
                vouched != Position::NONE
                    && vouched.reaches(stream.complete_since)
                    && stream.applied.incarnation == vouched.incarnation
                    && (now.since(stream.heard_at) <= silence
                        || !rules::holds(Rule::CoverNeedsHearing))
                    && stream.routed[0].epoch == epoch
                    && stream.routed_here(vouched, &held_before)
            })
    }

    /// How long each stream has been silent.
    pub(crate) fn silent(&self, now: Mono) -> [Duration; STORES] {
        self.lock().map(|stream| now.since(stream.heard_at))
    }
}

impl Stream {
    /// Whether the publisher sent this location the key's records after `vouched`.
    fn routed_here(&self, vouched: Position, held_before: impl Fn(Epoch) -> bool) -> bool {
        let [now, before] = self.routed;
        vouched.reaches(now.since) || (vouched.reaches(before.since) && held_before(before.epoch))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use littoral_types::{Body, Version, Wall};

    use super::*;

    const SILENCE: Duration = Duration::from_secs(5);
    const EPOCH: Epoch = Epoch(1);

    fn entry(numbers: [u64; 2], confirmed: bool) -> Entry {
        let position = |store: u8| Position::new(1, numbers[usize::from(store)]);
        Entry {
            version: Version::new(Wall(1), 0, 1),
            body: Body::Bytes(Bytes::new()),
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
            vouched_at: Mono(1),
            copied_at: Mono(1),
            positions: StoreId::all()
                .fold(Positions::NONE, |all, store| all.with(store, position(store.0))),
            confirmed,
            stale_since: None,
        }
    }

    fn heard(numbers: [u64; 2], at: Mono) -> Streams {
        let streams = Streams::default();
        for store in StoreId::all() {
            streams.heard(store, Position::new(1, 10), true, at, EPOCH);
            let through = Position::new(1, numbers[store.index()]);
            streams.heard(store, through, false, at, EPOCH);
        }
        streams
    }

    #[test]
    fn an_entry_is_covered_only_while_every_condition_holds() {
        let (at, streams) = (Mono(1_000), heard([20, 20], Mono(1_000)));
        let cover = |entry: &Entry, now| streams.cover(entry, now, SILENCE, EPOCH, |_| false);
        assert!(cover(&entry([15, 10], true), at));
        assert!(!cover(&entry([15, 10], false), at), "a store has not spoken");
        assert!(!cover(&entry([15, 9], true), at), "something may have been missed");
        assert!(!cover(&entry([15, 10], true), at.plus(SILENCE * 2)), "silence");
        assert!(
            !streams.cover(&entry([15, 10], true), at, SILENCE, Epoch(2), |_| true),
            "another epoch"
        );
    }

    #[test]
    fn a_new_incarnation_uncovers_everything_before() {
        let (at, streams) = (Mono(1_000), heard([20, 20], Mono(1_000)));
        streams.heard(StoreId(1), Position::new(2, 50), true, at, EPOCH);
        assert!(!streams.cover(&entry([15, 15], true), at, SILENCE, EPOCH, |_| false));
        assert_eq!(streams.applied().of(StoreId(1)), Position::new(2, 50));
    }

    #[test]
    fn a_new_epoch_uncovers_what_was_vouched_for_before_it_unless_the_key_was_here_already() {
        let (at, streams) = (Mono(1_000), heard([20, 20], Mono(1_000)));
        let next = Epoch(2);
        let cover = |numbers, held| {
            streams.cover(&entry(numbers, true), at, SILENCE, next, |epoch| epoch == EPOCH && held)
        };
        assert!(!cover([20, 20], true), "the publishers have not heard of it");
        for store in StoreId::all() {
            streams.heard(store, Position::new(1, 30), false, at, next);
        }
        assert!(cover([20, 25], false), "vouched for since");
        assert!(!cover([19, 25], false), "its purge may have gone elsewhere");
        assert!(cover([19, 15], true), "it was sent here all the time");
        assert!(!cover([9, 15], true), "something may have been missed");
        for store in StoreId::all() {
            streams.heard(store, Position::new(1, 40), false, at, Epoch(3));
        }
        let of = |numbers| streams.cover(&entry(numbers, true), at, SILENCE, Epoch(3), |_| true);
        assert!(of([20, 20]) && !of([19, 20]), "two epochs are remembered, no more");
    }

    #[test]
    fn an_older_heartbeat_takes_nothing_back() {
        let streams = heard([20, 20], Mono(1_000));
        streams.heard(StoreId(0), Position::new(1, 12), false, Mono(500), EPOCH);
        assert_eq!(streams.applied().of(StoreId(0)).number, 20);
        assert!(streams.cover(
            &entry([15, 15], true),
            Mono(1_000).plus(SILENCE),
            SILENCE,
            EPOCH,
            |_| false
        ));
    }
}
