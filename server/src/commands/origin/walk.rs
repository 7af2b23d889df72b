//! Two stores side by side, in order of space and key.

use std::cmp::Ordering;
use std::collections::VecDeque;

use bytes::Bytes;
use littoral_store::{Digest, Error, Scan, Store};
use littoral_types::SpaceId;

/// Digests of one page.
const PAGE: usize = 1_000;

/// What stands at one key, in one store or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    First(Digest),
    Second(Digest),
    Both(Digest, Digest),
}

/// Walks two stores; what is written behind it is not seen again.
pub(super) struct Walk<'a> {
    first: Side<'a>,
    second: Side<'a>,
}

struct Side<'a> {
    store: &'a dyn Store,
    page: VecDeque<Digest>,
    after: Option<(SpaceId, Bytes)>,
    more: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(first: &'a dyn Store, second: &'a dyn Store) -> Self {
        Self { first: Side::new(first), second: Side::new(second) }
    }

    /// # Errors
    /// When one of them cannot be read.
    pub(super) async fn next(&mut self) -> Result<Option<Pair>, Error> {
        self.first.fill().await?;
        self.second.fill().await?;
        let order = match (self.first.page.front(), self.second.page.front()) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => (one.space, &one.key).cmp(&(other.space, &other.key)),
        };
        let first = if order.is_le() { self.first.page.pop_front() } else { None };
        let second = if order.is_ge() { self.second.page.pop_front() } else { None };
        Ok(match (first, second) {
            (Some(first), Some(second)) => Some(Pair::Both(first, second)),
            (Some(first), None) => Some(Pair::First(first)),
            (None, second) => second.map(Pair::Second),
        })
    }
}

impl<'a> Side<'a> {
    fn new(store: &'a dyn Store) -> Self {
        Self { store, page: VecDeque::new(), after: None, more: true }
    }

    async fn fill(&mut self) -> Result<(), Error> {
        while self.page.is_empty() && self.more {
            let scanned = self.store.scan(Scan { after: self.after.clone(), limit: PAGE }).await?;
            self.more = scanned.more && !scanned.digests.is_empty();
            if let Some(last) = scanned.digests.last() {
                self.after = Some((last.space, last.key.clone()));
            }
            self.page = scanned.digests.into();
        }
        Ok(())
    }
}

/// Rows of a store, and its collection mark.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn count(store: &dyn Store) -> Result<(u64, littoral_types::Version), Error> {
    let (mut rows, mut after) = (0, None);
    loop {
        let scanned = store.scan(Scan { after, limit: PAGE }).await?;
        rows += scanned.digests.len() as u64;
        match scanned.digests.last() {
            Some(last) if scanned.more => after = Some((last.space, last.key.clone())),
            _ => return Ok((rows, scanned.mark)),
        }
    }
}
