//! Entries in memory. A get takes no allocation and no lock of ours.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use littoral_types::SpaceId;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Lifecycle, OptionsBuilder, Weighter};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What an entry costs in memory beyond its key, in bytes.
pub trait Weigh {
    fn weight(&self) -> u64;
}

impl<V: Weigh> Weigh for Arc<V> {
    fn weight(&self) -> u64 {
        V::weight(self)
    }
}

/// A cache of cheaply cloned values by space and key, bounded by their weight.
pub struct Memory<V> {
    cache: Cache<Key, V, Scale, Seeded, Note>,
}

/// What had to leave to make room.
pub type Evicted<V> = Vec<((SpaceId, Bytes), V)>;

/// Beyond key and value: the slot, the ghost list's share and the reference count.
const SLOT_BYTES: u64 = 64;

/// Few enough shards that a body just below the size of a file fits into one's share.
const SHARD_BYTES_MIN: u64 = 2 * 1024 * 1024;
const SHARDS_MAX: u64 = 64;

/// About what an entry weighs. By it the cache decides how many keys that left it goes on knowing:
/// far too high, and it forgets who comes back; too low costs a little memory.
const ENTRY_BYTES: u64 = 1_280;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    space: SpaceId,
    key: Bytes,
}

struct Look<'a> {
    space: SpaceId,
    key: &'a [u8],
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Look { space: self.space, key: &self.key }.hash(state);
    }
}

impl Hash for Look<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let id = self.space.0;
        state.write_u64(xxh3_64_with_seed(self.key, id as u64 ^ (id >> 64) as u64));
    }
}

impl Equivalent<Key> for Look<'_> {
    fn equivalent(&self, other: &Key) -> bool {
        self.space == other.space && self.key == other.key
    }
}

/// Mixes the seed into a hash that is already good.
#[derive(Clone, Copy)]
struct Seeded(u64);
struct Mixed(u64);

impl BuildHasher for Seeded {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.0)
    }
}

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

#[derive(Clone, Copy)]
struct Scale;

impl<V: Weigh> Weighter<Key, V> for Scale {
    fn weight(&self, key: &Key, value: &V) -> u64 {
        SLOT_BYTES + key.key.len() as u64 + value.weight()
    }
}

#[derive(Clone, Copy)]
struct Note;

impl<V> Lifecycle<Key, V> for Note {
    type RequestState = NoteState<V>;

    fn on_evict(&self, state: &mut NoteState<V>, key: Key, value: V) {
        state.0.push(((key.space, key.key), value));
    }
}

struct NoteState<V>(Evicted<V>);

impl<V> Default for NoteState<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Weigh + Clone> Memory<V> {
    /// `seed` decides who is evicted when hashes tie: from `base`, so that a simulation repeats.
    pub fn new(bytes_max: u64, seed: u64) -> Self {
        let shards = (bytes_max / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX);
        let options = OptionsBuilder::new()
            .shards(usize::try_from(shards).unwrap_or(1))
            .weight_capacity(bytes_max)
            .estimated_items_capacity(
                usize::try_from(bytes_max / ENTRY_BYTES).unwrap_or(16).max(16),
            )
            .build()
            .expect("every option is set");
        Self { cache: Cache::with_options(options, Scale, Seeded(seed), Note) }
    }

    pub fn get(&self, space: SpaceId, key: &[u8]) -> Option<V> {
        self.cache.get(&Look { space, key })
    }

    /// Like [`Memory::get`], but does not count as use.
    pub fn peek(&self, space: SpaceId, key: &[u8]) -> Option<V> {
        self.cache.peek(&Look { space, key })
    }

    /// A value too heavy for its shard's share comes straight back as evicted.
    #[must_use]
    pub fn insert(&self, space: SpaceId, key: Bytes, value: V) -> Evicted<V> {
        let mut state = NoteState::default();
        self.cache.insert_with_lifecycle(Key { space, key }, value, &mut state);
        state.0
    }

    pub fn remove(&self, space: SpaceId, key: &[u8]) -> Option<V> {
        self.cache.remove(&Look { space, key }).map(|(_, value)| value)
    }

    /// Keeps what `keep` says. Slow: visits everything.
    pub fn retain(&self, keep: impl Fn(SpaceId, &[u8], &V) -> bool) {
        self.cache.retain(|key, value| keep(key.space, &key.key, value));
    }

    pub fn len(&self) -> usize {
        self.cache.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cache.is_empty()
    }

    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for Bytes {
        fn weight(&self) -> u64 {
            self.len() as u64
        }
    }

    #[test]
    fn keys_of_two_spaces_do_not_meet() {
        let memory = Memory::new(1 << 20, 1);
        let (a, b) = (SpaceId(1), SpaceId(1 << 64));
        assert!(memory.insert(a, Bytes::from_static(b"k"), Bytes::from_static(b"a")).is_empty());
        assert!(memory.insert(b, Bytes::from_static(b"k"), Bytes::from_static(b"b")).is_empty());
        assert_eq!(memory.get(a, b"k").as_deref(), Some(&b"a"[..]));
        assert_eq!(memory.remove(b, b"k").as_deref(), Some(&b"b"[..]));
        assert_eq!(memory.get(b, b"k"), None);
    }

    #[test]
    fn what_leaves_is_handed_back_and_bytes_stay_bounded() {
        let memory = Memory::new(1 << 20, 1);
        let mut evicted = 0;
        for n in 0..4_096_u32 {
            let value = Bytes::from(vec![0; 1_024]);
            evicted += memory.insert(SpaceId(1), Bytes::from(n.to_string()), value).len();
        }
        assert!(memory.bytes() <= 1 << 20);
        assert_eq!(evicted + memory.len(), 4_096);
        let heavy = Bytes::from(vec![0; 3 << 20]);
        assert!(!memory.insert(SpaceId(1), Bytes::from_static(b"heavy"), heavy).is_empty());
        assert_eq!(memory.get(SpaceId(1), b"heavy"), None);
    }
}
