//! Purges by hand: small numbered records, checked at lookup until a sweep has passed.
//!
//! Each says: what was vouched for before this position is old, whatever its version.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use littoral_store::Scope;
use littoral_types::{Mono, Position, Positions, SpaceId, StoreId, Tag};

/// Told apart from the space itself by these bits: no two ids that are made of hashes differ by them.
const STALE_BITS: u128 = 0x5374_616c_6500_0000_5374_616c_6500_0000;

/// The space whose purges by hand do not take away what stands in `space`, but make it stale: held
/// on, and to be validated. The stores and their streams know no difference.
pub fn stale_in(space: SpaceId) -> SpaceId {
    SpaceId(space.0 ^ STALE_BITS)
}

/// One node's purges by hand.
#[derive(Debug)]
pub(crate) struct HandPurges {
    per_space_max: usize,
    spaces: RwLock<HashMap<SpaceId, SpacePurges>>,
    /// Spaces with any, so that a lookup without purges takes no lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct SpacePurges {
    everything: Positions,
    keys: HashMap<Bytes, Positions>,
    /// By length: a lookup looks once for each length that there is.
    prefixes: BTreeMap<usize, HashMap<Bytes, Positions>>,
    tags: HashMap<Tag, Positions>,
    /// When the first of them came.
    since: Option<Mono>,
}

impl SpacePurges {
    fn len(&self) -> usize {
        self.keys.len() + self.prefixes().count() + self.tags.len()
    }

    fn prefixes(&self) -> impl Iterator<Item = &Positions> {
        self.prefixes.values().flat_map(HashMap::values)
    }

    fn covering(&self, key: &[u8], tags: &[Tag]) -> Positions {
        let keys = self.keys.get(key).into_iter();
        let prefixes = self.prefixes.range(..=key.len());
        let prefixes = prefixes.filter_map(|(len, prefixes)| prefixes.get(&key[..*len]));
        let tags = tags.iter().filter_map(|tag| self.tags.get(tag));
        keys.chain(prefixes).chain(tags).fold(self.everything, |all, at| all.join(*at))
    }

    /// Too many to check one by one: purge the space instead.
    fn merge(&mut self) {
        let each = self.keys.values().chain(self.prefixes()).chain(self.tags.values());
        let all = each.fold(self.everything, |all, at| all.join(*at));
        *self = Self { everything: all, since: self.since, ..Self::default() };
    }
}

impl HandPurges {
    pub(crate) fn new(per_space_max: usize) -> Self {
        Self { per_space_max, spaces: RwLock::default(), count: AtomicUsize::new(0) }
    }

    pub(crate) fn add(
        &self,
        space: SpaceId,
        scope: Scope,
        (store, position): (StoreId, Position),
        now: Mono,
    ) {
        let at = Positions::NONE.with(store, position);
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let purges = spaces.entry(space).or_default();
        purges.since.get_or_insert(now);
        match scope {
            Scope::Everything => purges.everything = purges.everything.join(at),
            Scope::Key(key) => raise(purges.keys.entry(key).or_default(), at),
            Scope::Tag(tag) => raise(purges.tags.entry(tag).or_default(), at),
            Scope::Prefix(prefix) => {
                let same = purges.prefixes.entry(prefix.len()).or_default();
                raise(same.entry(prefix).or_default(), at);
            }
        }
        if purges.len() > self.per_space_max {
            purges.merge();
        }
        self.count.store(spaces.len(), Ordering::Release);
    }

    /// What an answer for this key must have been vouched for after.
    pub(crate) fn covering(&self, space: SpaceId, key: &[u8], tags: &[Tag]) -> Positions {
        if self.count.load(Ordering::Acquire) == 0 {
            return Positions::NONE;
        }
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.get(&space).map_or(Positions::NONE, |purges| purges.covering(key, tags))
    }

    /// Since when an answer vouched for at `positions` is stale by a purge; at the latest.
    pub(crate) fn stale_since(
        &self,
        space: SpaceId,
        key: &[u8],
        tags: &[Tag],
        positions: Positions,
    ) -> Option<Mono> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        let purges = spaces.get(&stale_in(space))?;
        (!positions.reaches(purges.covering(key, tags))).then_some(purges.since?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Drops what a sweep that began at `applied` has made good; the highest dropped.
    pub(crate) fn drop_through(&self, applied: Positions) -> Positions {
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let mut dropped = Positions::NONE;
        let mut done = |at: &Positions| {
            let passed = applied.reaches(*at);
            if passed {
                dropped = dropped.join(*at);
            }
            passed
        };
        spaces.retain(|_, purges| {
            purges.keys.retain(|_, at| !done(at));
            purges.prefixes.retain(|_, same| {
                same.retain(|_, at| !done(at));
                !same.is_empty()
            });
            purges.tags.retain(|_, at| !done(at));
            purges.len() > 0 || !done(&purges.everything)
        });
        self.count.store(spaces.len(), Ordering::Release);
        dropped
    }
}

fn raise(known: &mut Positions, at: Positions) {
    *known = known.join(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: SpaceId = SpaceId(1);
    const STORE: StoreId = StoreId(0);

    const NOW: Mono = Mono(9);

    fn at(number: u64) -> (StoreId, Position) {
        (STORE, Position::new(1, number))
    }

    fn number(number: u64) -> Positions {
        Positions::NONE.with(STORE, at(number).1)
    }

    #[test]
    fn a_purge_covers_its_scope_and_nothing_else() {
        let purges = HandPurges::new(64);
        purges.add(SPACE, Scope::Prefix(Bytes::from_static(b"a/")), at(5), NOW);
        purges.add(SPACE, Scope::Tag(Tag(9)), at(6), NOW);
        purges.add(SPACE, Scope::Key(Bytes::from_static(b"k")), at(7), NOW);
        let covered = |key: &[u8], tags: &[Tag]| purges.covering(SPACE, key, tags).of(STORE).number;
        assert_eq!(covered(b"a/x", &[]), 5);
        assert_eq!(covered(b"b", &[]), 0);
        assert_eq!(covered(b"b", &[Tag(9)]), 6);
        assert_eq!(covered(b"k", &[]), 7);
        assert_eq!(purges.covering(SpaceId(2), b"a/x", &[]), Positions::NONE);
    }

    #[test]
    fn too_many_become_a_purge_of_the_space() {
        let purges = HandPurges::new(3);
        for n in 1..=4_u8 {
            purges.add(SPACE, Scope::Key(Bytes::from(vec![n])), at(n.into()), NOW);
        }
        assert_eq!(purges.covering(SPACE, b"anything", &[]).of(STORE), at(4).1);
    }

    #[test]
    fn a_sweep_drops_only_what_it_has_passed() {
        let purges = HandPurges::new(64);
        purges.add(SPACE, Scope::Key(Bytes::from_static(b"old")), at(3), NOW);
        purges.add(SPACE, Scope::Key(Bytes::from_static(b"new")), at(8), NOW);
        let dropped = purges.drop_through(number(5));
        assert_eq!(dropped.of(STORE), at(3).1);
        assert_eq!(purges.covering(SPACE, b"old", &[]), Positions::NONE);
        assert_eq!(purges.covering(SPACE, b"new", &[]).of(STORE), at(8).1);
        purges.drop_through(number(8));
        assert!(purges.is_empty());
    }

    #[test]
    fn every_length_of_prefix_is_looked_for() {
        let purges = HandPurges::new(4_096);
        for (prefix, n) in [("", 1), ("a", 2), ("ab", 3), ("b", 4), ("abcd", 5)] {
            purges.add(SPACE, Scope::Prefix(Bytes::from_static(prefix.as_bytes())), at(n), NOW);
        }
        let covered = |key: &[u8]| purges.covering(SPACE, key, &[]).of(STORE).number;
        assert_eq!([covered(b""), covered(b"abc"), covered(b"b"), covered(b"abcd")], [1, 3, 4, 5]);
        purges.drop_through(number(4));
        assert_eq!([covered(b"abc"), covered(b"abcde")], [0, 5]);
    }

    #[test]
    fn what_is_made_stale_is_not_taken_away() {
        let purges = HandPurges::new(64);
        purges.add(stale_in(SPACE), Scope::Tag(Tag(9)), at(5), NOW);
        purges.add(stale_in(SPACE), Scope::Tag(Tag(8)), at(6), Mono(99));
        assert_eq!(purges.covering(SPACE, b"k", &[Tag(9)]), Positions::NONE);
        let since = |tags: &[Tag], n| purges.stale_since(SPACE, b"k", tags, number(n));
        assert_eq!(
            [since(&[Tag(9)], 4), since(&[Tag(9)], 5), since(&[], 0)],
            [Some(NOW), None, None]
        );
        assert_eq!(stale_in(stale_in(SPACE)), SPACE);
    }
}
