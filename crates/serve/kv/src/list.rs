//! A list merges both stores' ordered indexes by version.

use std::cmp::Ordering;

use bytes::Bytes;
use littoral_peer::Error as PeerError;
use littoral_store::{Item, List, Listed};
use littoral_types::{Ctx, SpaceId, StoreId, Wall};

use crate::stores::Stores;
use crate::{Error, ListOptions, Listing, Page};

/// Rows that one list may look at in each store, tombstones and expired ones included. A page
/// that reaches it ends early and says where to go on.
const ROWS_MAX: usize = 10_000;

/// Rows asked for at once beyond the page: tombstones are usual.
const MARGIN: usize = 16;

pub(crate) async fn list(
    stores: &Stores,
    ctx: &Ctx,
    space: SpaceId,
    options: ListOptions,
) -> Result<Page, Error> {
    let now = stores.clock.wall();
    let mut page = Page { keys: Vec::new(), more_after: options.after.clone() };
    let mut looked = 0;
    loop {
        let want = (options.limit - page.keys.len()).saturating_add(MARGIN);
        let list = List {
            space,
            prefix: options.prefix.clone(),
            after: page.more_after.clone(),
            reverse: options.reverse,
            limit: want,
            values: options.values,
        };
        let (merged, more) = both(stores, ctx, list).await?;
        looked += want;
        let last = merged.last().map(|item| item.key.clone());
        for item in merged {
            if !live(&item, now) {
                continue;
            }
            if page.keys.len() == options.limit {
                page.more_after = page.keys.last().map(|listing| listing.key.clone());
                return Ok(page);
            }
            page.keys.push(listing(item, options.values));
        }
        if !more {
            page.more_after = None;
            return Ok(page);
        }
        page.more_after = last.or(page.more_after);
        if looked >= ROWS_MAX {
            return Ok(page);
        }
    }
}

fn live(item: &Item, now: Wall) -> bool {
    item.live && item.row.expires_at.is_none_or(|at| at > now)
}

fn listing(item: Item, values: bool) -> Listing {
    Listing {
        key: item.key,
        version: item.row.version,
        metadata: item.row.meta,
        expires_at: item.row.expires_at,
        body: values.then_some(item.row.body),
    }
}

/// Asks both stores at once and merges; with one silent, the other's alone.
async fn both(stores: &Stores, ctx: &Ctx, list: List) -> Result<(Vec<Item>, bool), Error> {
    let reverse = list.reverse;
    let ask = |store: u8| stores.list(ctx, StoreId(store), list.clone());
    match futures_util::future::join(ask(0), ask(1)).await {
        (Ok(a), Ok(b)) => Ok(merge(a, b, reverse)),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok((one.items, one.more)),
        (Err(PeerError::Damaged(what)), Err(_)) | (Err(_), Err(PeerError::Damaged(what))) => {
            Err(Error::Damaged(what))
        }
        (Err(PeerError::Deadline), Err(_)) => Err(Error::Deadline),
        (Err(error), Err(_)) => Err(Error::Unavailable(error.to_string())),
    }
}

/// The newer row of each key, in order, as far as both pages reach; whether more follow.
fn merge(a: Listed, b: Listed, reverse: bool) -> (Vec<Item>, bool) {
    // Where a page ends early, keys beyond its end are not decided yet.
    let end = |listed: &Listed| {
        listed.more.then(|| listed.items.last().map(|item| item.key.clone())).flatten()
    };
    let nearer = |x: Bytes, y: Bytes| if reverse { x.max(y) } else { x.min(y) };
    let decided = match (end(&a), end(&b)) {
        (Some(x), Some(y)) => Some(nearer(x, y)),
        (one, other) => one.or(other),
    };
    let more = decided.is_some();
    let within = |item: &Item| match (&decided, reverse) {
        (None, _) => true,
        (Some(end), false) => item.key <= *end,
        (Some(end), true) => item.key >= *end,
    };
    let order = |x: &Item, y: &Item| {
        let order = x.key.cmp(&y.key);
        if reverse { order.reverse() } else { order }
    };
    let mut merged = Vec::with_capacity(a.items.len().max(b.items.len()));
    let (mut a, mut b) = (a.items.into_iter().peekable(), b.items.into_iter().peekable());
    loop {
        let item = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => match order(x, y) {
                Ordering::Less => a.next(),
                Ordering::Greater => b.next(),
                Ordering::Equal if x.row.version >= y.row.version => {
                    b.next();
                    a.next()
                }
                Ordering::Equal => {
                    a.next();
                    b.next()
                }
            },
            (Some(_), None) => a.next(),
            (None, _) => b.next(),
        };
        match item {
            Some(item) if within(&item) => merged.push(item),
            Some(_) => return (merged, more),
            None => return (merged, more),
        }
    }
}

#[cfg(test)]
mod tests {
    use littoral_store::Row;
    use littoral_types::{Body, Position, Version};

    use super::*;

    fn page(items: &[(&'static str, u64, bool)], more: bool) -> Listed {
        let item = |(key, version, live): &(&'static str, u64, bool)| Item {
            key: Bytes::from_static(key.as_bytes()),
            live: *live,
            row: Row {
                version: Version::new(Wall(*version), 0, 1),
                body: Body::Absent,
                ..Row::default()
            },
        };
        Listed { items: items.iter().map(item).collect(), more, position: Position::NONE }
    }

    fn merged(a: Listed, b: Listed, reverse: bool) -> (Vec<(String, u64, bool)>, bool) {
        let (items, more) = merge(a, b, reverse);
        let show = |item: &Item| {
            let key = String::from_utf8_lossy(&item.key).into_owned();
            (key, item.row.version.wall().0, item.live)
        };
        (items.iter().map(show).collect(), more)
    }

    #[test]
    fn the_newer_row_of_a_key_wins_even_when_it_is_a_tombstone() {
        let a = page(&[("a", 1, true), ("b", 5, false)], false);
        let b = page(&[("b", 2, true), ("c", 3, true)], false);
        let expected = vec![("a".into(), 1, true), ("b".into(), 5, false), ("c".into(), 3, true)];
        assert_eq!(merged(a, b, false), (expected, false));
    }

    #[test]
    fn nothing_is_decided_beyond_the_end_of_the_shorter_page() {
        let a = page(&[("a", 1, true), ("b", 1, true)], true);
        let b = page(&[("a", 1, true), ("c", 1, true)], true);
        let expected = vec![("a".into(), 1, true), ("b".into(), 1, true)];
        assert_eq!(merged(a, b, false), (expected, true));
        let a = page(&[("z", 1, true), ("y", 1, true)], true);
        let b = page(&[("z", 1, true), ("x", 1, true)], true);
        let expected = vec![("z".into(), 1, true), ("y".into(), 1, true)];
        assert_eq!(merged(a, b, true), (expected, true));
    }
}
