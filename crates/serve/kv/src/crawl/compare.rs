//! Two pages side by side: which keys differ, which rows nobody needs any more.

use std::cmp::Ordering;
use std::time::Duration;

use bytes::Bytes;
use littoral_rules::{self as rules, Rule};
use littoral_store::{Digest, Doomed, Scanned};
use littoral_types::{SpaceId, StoreId, Version, Wall};

pub(super) type Place = (SpaceId, Bytes);

/// What the time is, for a comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) now: Wall,
    /// Since both stores may hold a tombstone until it goes.
    pub(super) grace: Duration,
    /// A row younger than this may be under way.
    pub(super) young: Duration,
}

/// What a pair of pages says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) rows: u64,
    /// Differing keys.
    pub(super) apart: Vec<Apart>,
    /// What may go, by store.
    pub(super) doomed: [Vec<Doomed>; 2],
    /// Where both go on; `None` at the end.
    pub(super) next: Option<Place>,
}

/// A key that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Apart {
    pub(super) place: Place,
    /// The store that has more of it.
    pub(super) newer: StoreId,
    /// It may be under way: it gets a second look.
    pub(super) young: bool,
}

/// Compares as far as both pages reach.
pub(super) fn compare(pages: [Scanned; 2], times: Times) -> Compared {
    let mut compared = Compared { next: decided(&pages), ..Compared::default() };
    let within = |digest: &Digest| match &compared.next {
        Some((space, key)) => match (digest.space, &digest.key).cmp(&(*space, key)) {
            Ordering::Less => true,
            Ordering::Equal => rules::holds(Rule::CrawlSkipsNothing),
            Ordering::Greater => false,
        },
        None => true,
    };
    let marks = [pages[0].mark, pages[1].mark];
    let [mut a, mut b] = pages.map(|page| {
        let digests = page.digests.into_iter().filter(|digest| within(digest));
        digests.collect::<Vec<_>>().into_iter().peekable()
    });
    loop {
        let order = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => (x.space, &x.key).cmp(&(y.space, &y.key)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return compared,
        };
        let pair = match order {
            Ordering::Less => [a.next(), None],
            Ordering::Greater => [None, b.next()],
            Ordering::Equal => [a.next(), b.next()],
        };
        compared.rows += 1;
        compared.judge(pair, marks, times);
    }
}

/// The last key that both pages reach, if anything follows it.
fn decided(pages: &[Scanned; 2]) -> Option<Place> {
    let end = |page: &Scanned| {
        let last = page.digests.last().filter(|_| page.more)?;
        Some((last.space, last.key.clone()))
    };
    match (end(&pages[0]), end(&pages[1])) {
        (Some(x), Some(y)) => Some(x.min(y)),
        (one, other) => one.or(other),
    }
}

impl Compared {
    fn judge(&mut self, pair: [Option<Digest>; 2], marks: [Version; 2], times: Times) {
        match pair {
            [Some(a), Some(b)] if a.version == b.version => {
                if over(&a, times) && !a.version.is_zero() {
                    self.doom(StoreId(0), &a);
                    self.doom(StoreId(1), &b);
                }
            }
            [Some(a), Some(b)] if a.version > b.version => self.differ(a, StoreId(0), times),
            [Some(_), Some(b)] => self.differ(b, StoreId(1), times),
            [Some(a), None] => self.alone(a, StoreId(0), marks[1], times),
            [None, Some(b)] => self.alone(b, StoreId(1), marks[0], times),
            [None, None] => {}
        }
    }

    /// Only `holder` has a row; the other's mark is `mark`.
    fn alone(&mut self, digest: Digest, holder: StoreId, mark: Version, times: Times) {
        // The other has collected it, or never needs it: what it would take is live.
        let refused = digest.version <= mark && !live(&digest, times.now);
        if !refused {
            self.differ(digest, holder, times);
        } else if over(&digest, times) {
            self.doom(holder, &digest);
        }
    }

    fn differ(&mut self, newest: Digest, newer: StoreId, times: Times) {
        if over(&newest, times) && !rules::holds(Rule::CollectionNeedsBoth) {
            return self.doom(newer, &newest);
        }
        let young = newest.version.wall().plus(times.young) > times.now;
        self.apart.push(Apart { place: (newest.space, newest.key), newer, young });
    }

    fn doom(&mut self, store: StoreId, digest: &Digest) {
        let Digest { space, key, version, .. } = digest.clone();
        self.doomed[store.index()].push(Doomed { space, key, version });
    }
}

fn live(digest: &Digest, now: Wall) -> bool {
    digest.live && digest.expires_at.is_none_or(|at| now < at)
}

/// Whether nobody needs the row any more: a tombstone, or expired, and its grace has passed.
fn over(digest: &Digest, times: Times) -> bool {
    let grace = if rules::holds(Rule::CollectionNeedsGrace) { times.grace } else { Duration::ZERO };
    let since = match digest.expires_at {
        _ if !digest.live => digest.version.wall(),
        Some(at) => at.max(digest.version.wall()),
        None => return false,
    };
    since.plus(grace) <= times.now
}
