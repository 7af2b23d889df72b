//! Purges by hand: small numbered records, checked at lookup until a sweep has passed.
//!
//! Each says: what was vouched for before this position is old, whatever its version.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use littoral_store::Scope;
use littoral_types::{Position, Positions, SpaceId, StoreId, Tag};

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
    prefixes: Vec<(Bytes, Positions)>,
    tags: HashMap<Tag, Positions>,
}

impl SpacePurges {
    fn len(&self) -> usize {
        self.keys.len() + self.prefixes.len() + self.tags.len()
    }

    fn covering(&self, key: &[u8], tags: &[Tag]) -> Positions {
        let keys = self.keys.get(key).into_iter();
        let prefixes = self.prefixes.iter().filter(|(p, _)| key.starts_with(p)).map(|(_, at)| at);
        let tags = tags.iter().filter_map(|tag| self.tags.get(tag));
        keys.chain(prefixes).chain(tags).fold(self.everything, |all, at| join(all, *at))
    }

    /// Too many to check one by one: purge the space instead.
    fn merge(&mut self) {
        let each = self.keys.values().chain(self.prefixes.iter().map(|(_, at)| at));
        let all = each.chain(self.tags.values()).fold(self.everything, |all, at| join(all, *at));
        *self = Self { everything: all, ..Self::default() };
    }
}

/// The later of both, per stream. A new incarnation replaces an old one.
pub(crate) fn join(a: Positions, b: Positions) -> Positions {
    b.iter().fold(
        a,
        |all, (store, position)| {
            if all.of(store).reaches(position) { all } else { all.with(store, position) }
        },
    )
}

impl HandPurges {
    pub(crate) fn new(per_space_max: usize) -> Self {
        Self { per_space_max, spaces: RwLock::default(), count: AtomicUsize::new(0) }
    }

    pub(crate) fn add(&self, space: SpaceId, scope: Scope, store: StoreId, position: Position) {
        let at = Positions::NONE.with(store, position);
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let purges = spaces.entry(space).or_default();
        match scope {
            Scope::Everything => purges.everything = join(purges.everything, at),
            Scope::Key(key) => raise(purges.keys.entry(key).or_default(), at),
            Scope::Tag(tag) => raise(purges.tags.entry(tag).or_default(), at),
            Scope::Prefix(prefix) => match purges.prefixes.iter_mut().find(|(p, _)| *p == prefix) {
                Some((_, known)) => raise(known, at),
                None => purges.prefixes.push((prefix, at)),
            },
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
                dropped = join(dropped, *at);
            }
            passed
        };
        spaces.retain(|_, purges| {
            purges.keys.retain(|_, at| !done(at));
            purges.prefixes.retain(|(_, at)| !done(at));
            purges.tags.retain(|_, at| !done(at));
            purges.len() > 0 || !done(&purges.everything)
        });
        self.count.store(spaces.len(), Ordering::Release);
        dropped
    }
}

fn raise(known: &mut Positions, at: Positions) {
    *known = join(*known, at);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: SpaceId = SpaceId(1);
    const STORE: StoreId = StoreId(0);

    fn at(number: u64) -> Position {
        Position::new(1, number)
    }

    #[test]
    fn a_purge_covers_its_scope_and_nothing_else() {
        let purges = HandPurges::new(64);
        purges.add(SPACE, Scope::Prefix(Bytes::from_static(b"a/")), STORE, at(5));
        purges.add(SPACE, Scope::Tag(Tag(9)), STORE, at(6));
        purges.add(SPACE, Scope::Key(Bytes::from_static(b"k")), STORE, at(7));
        let number = |key: &[u8], tags: &[Tag]| purges.covering(SPACE, key, tags).of(STORE).number;
        assert_eq!(number(b"a/x", &[]), 5);
        assert_eq!(number(b"b", &[]), 0);
        assert_eq!(number(b"b", &[Tag(9)]), 6);
        assert_eq!(number(b"k", &[]), 7);
        assert_eq!(purges.covering(SpaceId(2), b"a/x", &[]), Positions::NONE);
    }

    #[test]
    fn too_many_become_a_purge_of_the_space() {
        let purges = HandPurges::new(3);
        for n in 1..=4_u8 {
            purges.add(SPACE, Scope::Key(Bytes::from(vec![n])), STORE, at(n.into()));
        }
        assert_eq!(purges.covering(SPACE, b"anything", &[]).of(STORE), at(4));
    }

    #[test]
    fn a_sweep_drops_only_what_it_has_passed() {
        let purges = HandPurges::new(64);
        purges.add(SPACE, Scope::Key(Bytes::from_static(b"old")), STORE, at(3));
        purges.add(SPACE, Scope::Key(Bytes::from_static(b"new")), STORE, at(8));
        let dropped = purges.drop_through(Positions::NONE.with(STORE, at(5)));
        assert_eq!(dropped.of(STORE), at(3));
        assert_eq!(purges.covering(SPACE, b"old", &[]), Positions::NONE);
        assert_eq!(purges.covering(SPACE, b"new", &[]).of(STORE), at(8));
        purges.drop_through(Positions::NONE.with(STORE, at(8)));
        assert!(purges.is_empty());
    }
}
