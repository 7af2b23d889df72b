//! What this node holds, and the one place where keeping and purging meet.
//!
//! A fill and a purge of the same key take the same lock, so that an answer overtaken by a purge
//! is never kept: the purge is remembered first, and keeping looks at what is remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use littoral_disk::{Disk, Kept};
use littoral_memory::{Memo, Memory, Remembered};
use littoral_rules::{self as rules, Rule};
use littoral_store::Scope;
use littoral_types::{Body, Mono, Position, Positions, SpaceId, StoreId, Tag, Version};

use crate::Entry;
use crate::hand::HandPurges;

/// Entries in memory and on disk, versions remembered, purges by hand.
pub(crate) struct Shelf {
    memory: Memory<Arc<Entry>>,
    disk: Option<Disk>,
    pub(crate) remembered: Remembered,
    pub(crate) hand: HandPurges,
    stripes: Vec<Mutex<()>>,
}

const STRIPES: usize = 64;

/// What a node knows of a key before it asks anybody.
pub(crate) struct Held {
    pub(crate) entry: Option<Arc<Entry>>,
    /// Everything below is old.
    pub(crate) memo: Memo,
    /// An answer must have been vouched for after these purges by hand.
    pub(crate) purged: Positions,
}

impl Held {
    /// The entry, if no purge disowns it.
    pub(crate) fn sound(&self) -> Option<&Arc<Entry>> {
        let sound = |entry: &&Arc<Entry>| {
            entry.version >= self.memo.version && entry.positions.reaches(self.purged)
        };
        self.entry.as_ref().filter(sound)
    }

    /// The newest version this node holds or remembers.
    pub(crate) fn newest(&self) -> Version {
        if !rules::holds(Rule::OwnMinimum) {
            return Version::ZERO;
        }
        self.entry.as_ref().map_or(Version::ZERO, |entry| entry.version).max(self.memo.version)
    }
}

impl Shelf {
    pub(crate) fn new(
        memory: Memory<Arc<Entry>>,
        disk: Option<Disk>,
        remembered: Remembered,
        hand: HandPurges,
    ) -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::new(())).collect();
        Self { memory, disk, remembered, hand, stripes }
    }

    fn stripe(&self, space: SpaceId, key: &[u8]) -> MutexGuard<'_, ()> {
        let hash = littoral_topology::key_hash(space, key).0;
        self.stripes[hash as usize % STRIPES].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sound entry in memory: the hot path. No lock of ours, no allocation.
    pub(crate) fn peek(&self, space: SpaceId, key: &[u8]) -> Option<Arc<Entry>> {
        let entry = self.memory.get(space, key)?;
        let tags = entry.tags.as_deref().unwrap_or_default();
        entry.positions.reaches(self.hand.covering(space, key, tags)).then_some(entry)
    }

    /// Whether memory has an entry, of whatever worth.
    pub(crate) fn holds(&self, space: SpaceId, key: &[u8]) -> bool {
        self.memory.peek(space, key).is_some()
    }

    /// Everything known of a key; an entry on disk comes up into memory.
    pub(crate) fn look(&self, space: SpaceId, key: &Bytes, now: Mono) -> Held {
        let entry = self.memory.get(space, key).or_else(|| self.lift(space, key, now));
        let memo = self.remembered.of(space, key);
        let tags = entry.as_ref().and_then(|entry| entry.tags.as_deref()).unwrap_or_default();
        let purged = self.hand.covering(space, key, tags);
        Held { entry, memo, purged }
    }

    fn lift(&self, space: SpaceId, key: &Bytes, now: Mono) -> Option<Arc<Entry>> {
        let kept = self.disk.as_ref()?.get(space, key)?;
        let _stripe = self.stripe(space, key);
        if self.remembered.of(space, key).version > kept.version {
            return None;
        }
        if let Some(entry) = self.memory.get(space, key) {
            return Some(entry);
        }
        let entry = Arc::new(from_disk(kept));
        self.place(space, key, &entry, now);
        Some(entry)
    }

    /// Keeps an answer unless a purge disowns it, something newer is held, or a purge that could
    /// have disowned it was forgotten. Whether it was kept; an answer for the version already held
    /// brings its news.
    ///
    /// `met`: the minimum that it met. Where no store has a row any more, that is above its version:
    /// what is known of the key up to there is then forgotten, since so have the stores.
    pub(crate) fn keep(
        &self,
        space: SpaceId,
        key: &Bytes,
        entry: Arc<Entry>,
        met: Version,
        now: Mono,
    ) -> bool {
        let complete = entry.positions.reaches(self.remembered.forgotten());
        self.keep_if(complete, (space, key), entry, met, now)
    }

    /// As [`Shelf::keep`], of the keeper's answer: a purge that was forgotten here has been applied
    /// there, and a copy is old in a second.
    pub(crate) fn keep_copy(
        &self,
        space: SpaceId,
        key: &Bytes,
        entry: Arc<Entry>,
        met: Version,
        now: Mono,
    ) -> bool {
        self.keep_if(true, (space, key), entry, met, now)
    }

    fn keep_if(
        &self,
        complete: bool,
        (space, key): (SpaceId, &Bytes),
        entry: Arc<Entry>,
        met: Version,
        now: Mono,
    ) -> bool {
        let _stripe = self.stripe(space, key);
        let met = met.max(entry.version);
        let overtaken = !complete || self.disowned(space, key, &entry, met);
        if overtaken && rules::holds(Rule::FillYieldsToPurge) {
            return false;
        }
        let entry = match self.memory.peek(space, key) {
            Some(held) if held.version > met => return false,
            Some(held) if held.version == entry.version => merged(&held, entry),
            _ => entry,
        };
        if met > entry.version {
            self.remembered.forget_through(space, key, met);
        }
        self.place(space, key, &entry, now);
        if let Some(disk) = &self.disk {
            match to_disk(&entry) {
                Some(kept) => disk.keep(space, key.clone(), kept),
                None => disk.forget(space, key),
            }
        }
        true
    }

    fn disowned(&self, space: SpaceId, key: &[u8], entry: &Entry, met: Version) -> bool {
        let tags = entry.tags.as_deref().unwrap_or_default();
        self.overtaken(space, key, tags, (met, entry.positions))
    }

    /// Whether a purge has come since an answer for this key was stamped so.
    pub(crate) fn overtaken(
        &self,
        space: SpaceId,
        key: &[u8],
        tags: &[Tag],
        (version, positions): (Version, Positions),
    ) -> bool {
        self.remembered.of(space, key).version > version
            || !positions.reaches(self.hand.covering(space, key, tags))
    }

    /// Into memory; what has to leave leaves its version behind.
    fn place(&self, space: SpaceId, key: &Bytes, entry: &Arc<Entry>, now: Mono) {
        for ((space, key), left) in self.memory.insert(space, key.clone(), Arc::clone(entry)) {
            self.remembered.raise(space, &key, left.version, None, now);
        }
    }

    /// A write made here: remembered before it is acknowledged.
    pub(crate) fn wrote(&self, space: SpaceId, key: &Bytes, entry: Arc<Entry>, now: Mono) {
        self.remembered.raise(space, key, entry.version, None, now);
        let version = entry.version;
        if !self.keep(space, key, entry, version, now) {
            self.drop_below(space, key, version);
        }
    }

    /// A purge by a write: what is held below `version` is old.
    pub(crate) fn purge(
        &self,
        space: SpaceId,
        key: &[u8],
        version: Version,
        cause: Option<(StoreId, Position)>,
        now: Mono,
    ) {
        if rules::holds(Rule::PurgesAreRemembered) {
            self.remembered.raise(space, key, version, cause, now);
        }
        if rules::holds(Rule::PurgeDrops) {
            self.drop_below(space, key, version);
        }
    }

    fn drop_below(&self, space: SpaceId, key: &[u8], version: Version) {
        let _stripe = self.stripe(space, key);
        if self.memory.peek(space, key).is_some_and(|held| held.version < version) {
            self.memory.remove(space, key);
        }
        if let Some(disk) = &self.disk
            && disk.get(space, key).is_some_and(|kept| kept.version < version)
        {
            disk.forget(space, key);
        }
    }

    /// The other store agrees about what is held.
    pub(crate) fn confirm(
        &self,
        space: SpaceId,
        key: &Bytes,
        version: Version,
        (store, position): (StoreId, Position),
        now: Mono,
    ) {
        let _stripe = self.stripe(space, key);
        let Some(held) = self.memory.peek(space, key) else { return };
        if held.version != version || !position.reaches(self.remembered.forgotten().of(store)) {
            return;
        }
        let mut entry = Entry::clone(&held);
        entry.positions = entry.positions.join(Positions::NONE.with(store, position));
        entry.confirmed = true;
        self.place(space, key, &Arc::new(entry), now);
    }

    /// A purge by hand arrived.
    pub(crate) fn purge_by_hand(
        &self,
        space: SpaceId,
        scope: Scope,
        cause: (StoreId, Position),
        now: Mono,
    ) {
        self.hand.add(space, scope, cause, now);
    }

    /// Since when an entry is stale by a purge by hand.
    pub(crate) fn stale_since(&self, space: SpaceId, key: &[u8], entry: &Entry) -> Option<Mono> {
        let tags = entry.tags.as_deref().unwrap_or_default();
        let stale = || self.hand.stale_since(space, key, tags, entry.positions);
        entry.stale_since.or_else(stale)
    }

    /// Drops everything that purges by hand, applied up to `applied`, made old, and marks what they
    /// made stale; then the records go. What is dropped leaves its version behind: it may have been
    /// shown here, and another node of this location may hold something older that is sound.
    pub(crate) fn sweep(&self, applied: Positions, now: Mono) {
        if self.hand.is_empty() {
            return;
        }
        let sound = |space, key: &[u8], tags: Option<&[_]>, positions: Positions| {
            positions.reaches(self.hand.covering(space, key, tags.unwrap_or_default()))
        };
        let stale = Mutex::new(Vec::new());
        self.memory.retain(|space, key, entry| {
            let sound = sound(space, key, entry.tags.as_deref(), entry.positions);
            if let Some(since) = self.stale_since(space, key, entry).filter(|_| sound)
                && entry.stale_since.is_none()
            {
                let mut stale = stale.lock().unwrap_or_else(PoisonError::into_inner);
                stale.push((space, Bytes::copy_from_slice(key), Arc::clone(entry), since));
            }
            if !sound {
                self.remembered.raise(space, key, entry.version, None, now);
            }
            sound
        });
        for (space, key, entry, since) in stale.into_inner().unwrap_or_else(PoisonError::into_inner)
        {
            self.mark(space, &key, &entry, since, now);
        }
        if let Some(disk) = &self.disk {
            // It has no place for a mark: what is stale is fetched anew once memory has let it go.
            disk.each(|space, key, kept| {
                let tags = kept.tags.as_deref();
                let stale = || {
                    let tags = tags.unwrap_or_default();
                    self.hand.stale_since(space, key, tags, kept.positions)
                };
                let stays = sound(space, key, tags, kept.positions) && stale().is_none();
                if !stays {
                    self.remembered.raise(space, key, kept.version, None, now);
                }
                stays
            });
        }
        for (store, position) in self.hand.drop_through(applied).iter() {
            self.remembered.raise_forgotten(store, position);
        }
    }

    /// Says of an entry, if it is still held, since when it is stale.
    fn mark(&self, space: SpaceId, key: &Bytes, entry: &Arc<Entry>, since: Mono, now: Mono) {
        let _stripe = self.stripe(space, key);
        if self.memory.peek(space, key).is_some_and(|held| Arc::ptr_eq(&held, entry)) {
            let marked = Entry { stale_since: Some(since), ..Entry::clone(entry) };
            self.place(space, key, &Arc::new(marked), now);
        }
    }

    pub(crate) fn has_disk(&self) -> bool {
        self.disk.is_some()
    }

    /// Waits until what was kept is on the disk. Blocks.
    pub(crate) fn flush(&self) {
        if let Some(disk) = &self.disk {
            disk.flush();
        }
    }

    pub(crate) fn entries(&self) -> usize {
        self.memory.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.memory.bytes()
    }
}

/// Two answers for one version: the later vouch, and whatever either knows of the streams.
fn merged(held: &Entry, new: Arc<Entry>) -> Arc<Entry> {
    let same_streams = held
        .positions
        .iter()
        .all(|(store, position)| position.incarnation == new.positions.of(store).incarnation);
    if !same_streams {
        return new;
    }
    let mut entry = Entry::clone(&new);
    entry.vouched_at = held.vouched_at.max(new.vouched_at);
    entry.copied_at = held.copied_at.max(new.copied_at);
    entry.positions = held.positions.join(new.positions);
    entry.confirmed = held.confirmed || new.confirmed;
    Arc::new(entry)
}

fn to_disk(entry: &Entry) -> Option<Kept> {
    let body = match &entry.body {
        Body::Absent => None,
        Body::Bytes(bytes) => Some(bytes.clone()),
        // Already a file, and its owner's.
        Body::File(_) => return None,
    };
    Some(Kept {
        version: entry.version,
        body,
        meta: entry.meta.clone(),
        tags: entry.tags.clone(),
        expires_at: entry.expires_at,
        vouched_at: entry.vouched_at,
        positions: entry.positions,
        confirmed: entry.confirmed,
    })
}

fn from_disk(kept: Kept) -> Entry {
    Entry {
        version: kept.version,
        body: kept.body.map_or(Body::Absent, Body::Bytes),
        meta: kept.meta,
        tags: kept.tags,
        expires_at: kept.expires_at,
        vouched_at: kept.vouched_at,
        copied_at: kept.vouched_at,
        positions: kept.positions,
        confirmed: kept.confirmed,
        stale_since: None,
    }
}
