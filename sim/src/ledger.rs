//! Everything that happened, as nobody inside the network could know it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_types::{SpaceId, StoreId, Version, Wall};

use crate::history::Operation;
use crate::report::Tally;
use crate::world::GRACE;

/// How far the clocks of who stamps and who collects may be apart.
const CLOCKS: Duration = Duration::from_millis(1_500);

/// When each version of a key came to each store, in order of versions.
pub(crate) type Writes = BTreeMap<Version, Written>;

/// A version in the stores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) at: [Option<Duration>; 2],
    pub(crate) live: bool,
}

/// How far a store has collected, over time.
type Marks = Vec<(Duration, Version)>;

impl Written {
    /// Since when both stores have had it.
    pub(crate) fn in_both(self) -> Option<Duration> {
        Some(self.at[0]?.max(self.at[1]?))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) operations: Vec<Operation>,
    pub(crate) writes: HashMap<(SpaceId, Bytes), Writes>,
    pub(crate) tally: Tally,
    marks: [Marks; 2],
    /// Places whose node started or was killed, and when.
    pub(crate) came_or_went: Vec<(u16, Duration)>,
    /// What was wrong the moment it happened.
    pub(crate) wrong: Vec<String>,
}

impl Ledger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store collects a row. The other must have it too, or have collected as far.
    pub(crate) fn collected(
        &self,
        store: StoreId,
        (space, key): (SpaceId, Bytes),
        version: Version,
        (now, wall): (Duration, Wall),
    ) {
        let mut inner = self.lock();
        let other = store.other().index();
        let both = inner.mark(other, now) >= version;
        let written = inner.writes.get(&(space, key.clone())).and_then(|w| w.get(&version));
        let what = format!("{key:?} at {version} by store {} at {now:?}", store.0);
        let Some(written) = written.copied() else {
            return inner.wrong.push(format!("collects-what-was-written: {what}"));
        };
        if written.live {
            inner.wrong.push(format!("collects-no-value: {what}"));
        }
        if !both && written.at[other].is_none() {
            inner.wrong.push(format!("collects-what-both-have: {what}"));
        }
        if wall.plus(CLOCKS) < version.wall().plus(GRACE) {
            inner.wrong.push(format!("collects-after-the-grace: {what}"));
        }
        let mark = version.max(inner.mark(store.index(), now));
        inner.marks[store.index()].push((now, mark));
    }

    /// A store refused a tombstone for its mark: it needs it no more.
    pub(crate) fn needless(
        &self,
        store: StoreId,
        place: (SpaceId, Bytes),
        version: Version,
        now: Duration,
    ) {
        let mut inner = self.lock();
        let written = inner.writes.entry(place).or_default().get_mut(&version);
        if let Some(written) = written.filter(|written| !written.live) {
            written.at[store.index()].get_or_insert(now);
        }
    }

    /// A store has a version. One that already held something newer has it by holding that.
    pub(crate) fn stored(
        &self,
        store: StoreId,
        (space, key): (SpaceId, Bytes),
        (version, live): (Version, bool),
        now: Duration,
    ) {
        let mut inner = self.lock();
        let writes = inner.writes.entry((space, key)).or_default();
        let written = writes.entry(version).or_default();
        written.live = live;
        written.at[store.index()].get_or_insert(now);
        for (_, older) in writes.range_mut(..version) {
            older.at[store.index()].get_or_insert(now);
        }
    }
}

/// Who says that there is no row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    One(StoreId),
    /// Whichever answered.
    Either,
    Both,
}

impl Inner {
    /// How far a store had collected by then.
    fn mark(&self, store: usize, then: Duration) -> Version {
        let marks = &self.marks[store];
        let until = marks.partition_point(|(at, _)| *at <= then);
        marks[..until].last().map_or(Version::ZERO, |(_, mark)| *mark)
    }

    /// What *absent* without a row says by then: this key's newest tombstone that may have been
    /// collected by whoever says so.
    pub(crate) fn gone(&self, writes: &Writes, by: By, then: Duration) -> Version {
        let marks = [self.mark(0, then), self.mark(1, then)];
        let mark = match by {
            By::One(store) => marks[store.index()],
            By::Either => marks[0].max(marks[1]),
            By::Both => marks[0].min(marks[1]),
        };
        let newest = writes.range(..=mark).rev().find(|(_, written)| !written.live);
        newest.map_or(Version::ZERO, |(version, _)| *version)
    }
}
