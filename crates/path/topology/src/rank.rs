//! Weighted rendezvous hashing.
//!
//! Score of a location for a key: `-weight / ln(h)`, `h` uniform in (0, 1) from the key and the
//! location's name (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005; Mosko's
//! logarithmic method). The highest score wins, so that a location that leaves moves its own keys
//! and no others, and shares follow weights.
//!
//! Stable and published: `k = xxh3_64(space id, 16 bytes big-endian, then the key)`,
//! `l = xxh3_64(name)`, `h = (xxh3_64(k then l, little-endian) >> 11 + 0.5) / 2^53`.

use littoral_types::{LocationId, SpaceId, StoreId};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// A key's place in the hash, the same on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub u64);

/// Keys up to this long are hashed in one go.
const KEY_BYTES_USUAL: usize = 512;

pub fn key_hash(space: SpaceId, key: &[u8]) -> KeyHash {
    if key.len() <= KEY_BYTES_USUAL {
        let mut whole = [0; 16 + KEY_BYTES_USUAL];
        whole[..16].copy_from_slice(&space.to_bytes());
        whole[16..16 + key.len()].copy_from_slice(key);
        return KeyHash(xxh3_64(&whole[..16 + key.len()]));
    }
    let mut hasher = Xxh3Default::new();
    hasher.update(&space.to_bytes());
    hasher.update(key);
    KeyHash(hasher.digest())
}

/// The place of a name in the hash.
pub fn name_seed(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

pub(crate) fn store_seed(store: StoreId) -> u64 {
    xxh3_64(&[b's', b't', b'o', b'r', b'e', store.0])
}

/// The rank of whatever has that place, for a key: the highest wins.
pub fn score(key: KeyHash, seed: u64, weight: f64) -> f64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.0.to_le_bytes());
    bytes[8..].copy_from_slice(&seed.to_le_bytes());
    let uniform = ((xxh3_64(&bytes) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -weight / uniform.ln()
}

/// The highest score; weight 0 never wins.
pub(crate) fn first<T: Copy>(scored: impl Iterator<Item = (T, f64)>) -> Option<T> {
    let mut best: Option<(T, f64)> = None;
    for (item, score) in scored {
        if score > best.map_or(0.0, |(_, highest)| highest) {
            best = Some((item, score));
        }
    }
    best.map(|(item, _)| item)
}

/// Locations, highest rank first.
#[derive(Clone, Debug)]
pub struct Ranked(Vec<(LocationId, f64)>);

impl Ranked {
    pub(crate) fn new(scored: impl Iterator<Item = (LocationId, f64)>) -> Self {
        let mut list: Vec<_> = scored.filter(|(_, score)| *score > 0.0).collect();
        list.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        Self(list)
    }

    pub fn iter(&self) -> impl Iterator<Item = LocationId> + '_ {
        self.0.iter().map(|(location, _)| *location)
    }
}
