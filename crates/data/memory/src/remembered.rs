//! Versions a node remembers of keys it does not hold: purged, evicted, or just written.
//!
//! Oldest forgotten first. After the keep time nothing depends on a memory any more; only when
//! a younger one had to make room does the node have to ask the origin, for that long, for keys it
//! does not remember.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use littoral_types::{Mono, Position, Positions, SpaceId, StoreId, Version};
use xxhash_rust::xxh3::xxh3_128_with_seed;

#[derive(Clone, Copy, Debug)]
pub struct RememberedLimits {
    /// Memories of the node; about 110 bytes each.
    pub versions_max: usize,
    /// How long one may be needed: silence limit plus hop time.
    pub keep: Duration,
}

/// What is remembered of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memo {
    /// Everything below is old.
    pub version: Version,
    /// The purges that said so.
    pub positions: Positions,
}

/// One node's remembered versions.
#[derive(Debug)]
pub struct Remembered {
    limits: RememberedLimits,
    shards: Vec<Mutex<Shard>>,
    /// [`Mono`] until which keys not remembered are asked for at the origin.
    through_until: AtomicU64,
    /// Highest purge numbers forgotten, per store.
    forgotten: Mutex<Positions>,
}

#[derive(Debug, Default)]
struct Shard {
    memos: HashMap<u128, (Memo, Mono), BuildHasherDefault<Plain>>,
    /// In order of time. A key stands here at most once for each [`Remembered::slack`].
    order: VecDeque<(u128, Mono)>,
}

const SHARDS: usize = 32;

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only u128 keys")
    }

    fn write_u128(&mut self, n: u128) {
        self.0 = n as u64;
    }
}

fn hash(space: SpaceId, key: &[u8]) -> u128 {
    xxh3_128_with_seed(key, space.0 as u64 ^ (space.0 >> 64) as u64)
}

impl Remembered {
    pub fn new(limits: RememberedLimits) -> Self {
        Self {
            limits,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            through_until: AtomicU64::new(0),
            forgotten: Mutex::new(Positions::NONE),
        }
    }

    /// After a restart nothing is remembered: for the keep time every key counts as forgotten.
    pub fn restarted(&self, now: Mono) {
        self.through_until.fetch_max(now.plus(self.limits.keep).0, Ordering::Relaxed);
    }

    /// A memory touched again within this time keeps its place in the order, and so is kept for
    /// this much longer than the keep time.
    fn slack(&self) -> Duration {
        self.limits.keep / 4
    }

    fn shard(&self, hash: u128) -> std::sync::MutexGuard<'_, Shard> {
        let at = (hash >> 64) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Below `version` everything is old, because of a purge at `cause` or something done here.
    pub fn raise(
        &self,
        space: SpaceId,
        key: &[u8],
        version: Version,
        cause: Option<(StoreId, Position)>,
        now: Mono,
    ) {
        let hash = hash(space, key);
        let mut shard = self.shard(hash);
        let (memo, at) = shard.memos.entry(hash).or_default();
        memo.version = memo.version.max(version);
        if let Some((store, position)) = cause {
            memo.positions = memo.positions.with(store, position);
        }
        if *at == Mono::LONG_AGO || now.since(*at) > self.slack() {
            *at = now;
            shard.order.push_back((hash, now));
        }
        self.forget(&mut shard, now);
    }

    /// The memory of a key; [`Version::ZERO`] when there is none.
    pub fn of(&self, space: SpaceId, key: &[u8]) -> Memo {
        let hash = hash(space, key);
        self.shard(hash).memos.get(&hash).map_or_else(Memo::default, |(memo, _)| *memo)
    }

    /// Nothing of this key up to `version` is old any more: it is gone from the stores.
    pub fn forget_through(&self, space: SpaceId, key: &[u8], version: Version) {
        let hash = hash(space, key);
        let mut shard = self.shard(hash);
        if let Some((memo, _)) = shard.memos.get_mut(&hash)
            && memo.version <= version
        {
            memo.version = Version::ZERO;
        }
    }

    /// Whether something about keys not remembered may have been forgotten too soon.
    pub fn gaps(&self, now: Mono) -> bool {
        now.0 < self.through_until.load(Ordering::Relaxed)
    }

    /// Purges up to here may have been forgotten: an answer vouched for before is not kept.
    pub fn forgotten(&self) -> Positions {
        *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that purges up to `position` are no longer remembered.
    pub fn raise_forgotten(&self, store: StoreId, position: Position) {
        let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        if !forgotten.of(store).reaches(position) {
            *forgotten = forgotten.with(store, position);
        }
    }

    pub fn len(&self) -> usize {
        let size =
            |shard: &Mutex<Shard>| shard.lock().unwrap_or_else(PoisonError::into_inner).memos.len();
        self.shards.iter().map(size).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn forget(&self, shard: &mut Shard, now: Mono) {
        let most = (self.limits.versions_max / SHARDS).max(1);
        while let Some(&(hash, touched)) = shard.order.front() {
            let old = now.since(touched) > self.limits.keep + self.slack();
            if !old && shard.memos.len() <= most {
                break;
            }
            shard.order.pop_front();
            // Touched again since: a later place in the order stands for it.
            if shard.memos.get(&hash).is_none_or(|(_, at)| *at != touched) {
                continue;
            }
            let Some((memo, _)) = shard.memos.remove(&hash) else { continue };
            for (store, position) in memo.positions.iter() {
                self.raise_forgotten(store, position);
            }
            if !old {
                self.through_until.fetch_max(now.plus(self.limits.keep).0, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::Wall;

    use super::*;

    fn version(n: u64) -> Version {
        Version::new(Wall(n), 0, 1)
    }

    fn remembered(versions_max: usize) -> Remembered {
        Remembered::new(RememberedLimits { versions_max, keep: Duration::from_secs(10) })
    }

    const SPACE: SpaceId = SpaceId(3);
    const NOW: Mono = Mono(1_000_000_000);

    #[test]
    fn a_memory_only_grows_newer() {
        let remembered = remembered(1_000);
        remembered.raise(SPACE, b"k", version(5), None, NOW);
        remembered.raise(SPACE, b"k", version(4), None, NOW);
        assert_eq!(remembered.of(SPACE, b"k").version, version(5));
        assert_eq!(remembered.of(SPACE, b"other").version, Version::ZERO);
    }

    #[test]
    fn forgetting_in_time_needs_no_questions_to_the_origin_but_moves_the_floor() {
        let remembered = remembered(1_000);
        let cause = (StoreId(1), Position::new(1, 42));
        remembered.raise(SPACE, b"k", version(5), Some(cause), NOW);
        let later = NOW.plus(Duration::from_secs(13));
        for n in 0..2_000_u32 {
            remembered.raise(SPACE, &n.to_le_bytes(), version(1), None, later);
            if remembered.of(SPACE, b"k").version == Version::ZERO {
                break;
            }
        }
        assert_eq!(remembered.of(SPACE, b"k"), Memo::default());
        assert_eq!(remembered.forgotten().of(StoreId(1)), Position::new(1, 42));
    }

    #[test]
    fn forgetting_too_soon_sends_questions_through_for_the_keep_time() {
        let remembered = remembered(SHARDS * 2);
        assert!(!remembered.gaps(NOW));
        for n in 0..1_000_u32 {
            remembered.raise(SPACE, &n.to_le_bytes(), version(1), None, NOW);
        }
        assert!(remembered.len() <= SHARDS * 2);
        assert!(remembered.gaps(NOW));
        assert!(!remembered.gaps(NOW.plus(Duration::from_secs(11))));
    }

    #[test]
    fn a_key_touched_over_and_over_keeps_the_order_bounded() {
        let remembered = remembered(SHARDS);
        for n in 0..10_000 {
            remembered.raise(SPACE, b"hot", version(n), None, NOW);
        }
        assert_eq!(remembered.of(SPACE, b"hot").version, version(9_999));
        let longest = remembered.shards.iter().map(|s| s.lock().unwrap().order.len()).max();
        assert_eq!(longest, Some(1));
    }
}
