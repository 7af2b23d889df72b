//! Lists: pages of a space in key order, read in stretches so small that their bodies fit memory.

use std::ops::Bound;

use bytes::Bytes;
use littoral_store::shared::Range;
use littoral_store::{Item, List, Listed};
use littoral_types::Body;

use crate::columns::{self, ROW, STREAM, Stored, StoredBody, signed};
use crate::failure::Failure;
use crate::store::Core;

/// Rows with bodies that one query reads: each body is below the size of a large one.
const STRETCH_FIRST: usize = 16;
const STRETCH_MAX: usize = 1000;

/// What is left of a list: keys from `start` on, below `end`.
struct Rest {
    start: Bytes,
    end: Option<Bytes>,
}

impl Core {
    pub(crate) async fn list(&self, list: &List) -> Result<Listed, Failure> {
        let client = self.pool.get().await?;
        let reading = async {
            let stream = client.prepare(STREAM).await?;
            columns::stream(&client.query_one(&stream, &[]).await?)
        };
        let stream = self.limited("a list", reading).await;
        let position = client.after(stream)?.position;
        let mut listed = Listed { items: Vec::new(), more: false, position };
        let Some(mut rest) = Range::of(list).map(Rest::of) else { return Ok(listed) };
        let mut bytes = 0;
        let mut stretch = if list.values { STRETCH_FIRST } else { STRETCH_MAX };
        loop {
            let wanted = stretch.min((list.limit - listed.items.len()).saturating_add(1));
            let rows = self.stretch(list, &rest, wanted).await?;
            let last = rows.len() < wanted;
            for (key, stored) in rows {
                if listed.items.len() >= list.limit || bytes >= self.options.list_bytes_max {
                    listed.more = true;
                    return Ok(listed);
                }
                rest.pass(&key, list.reverse);
                let item = self.item(list, key, stored).await?;
                bytes += item.row.body.weight() + item.row.meta.len() as u64;
                listed.items.push(item);
            }
            if last {
                return Ok(listed);
            }
            let average = (bytes / listed.items.len().max(1) as u64).max(1);
            let left = self.options.list_bytes_max.saturating_sub(bytes) / average;
            stretch = (left as usize).clamp(STRETCH_FIRST, STRETCH_MAX);
        }
    }

    async fn stretch(
        &self,
        list: &List,
        rest: &Rest,
        wanted: usize,
    ) -> Result<Vec<(Bytes, Stored)>, Failure> {
        let client = self.pool.get().await?;
        let reading = async {
            let statement = client.prepare(&sql(list, rest.end.is_some())).await?;
            let (space, wanted) = (list.space.to_bytes(), signed(wanted as u64));
            let (space, start) = (&space[..], &rest.start[..]);
            let rows = match rest.end.as_deref() {
                Some(end) => client.query(&statement, &[&space, &start, &wanted, &end]).await?,
                None => client.query(&statement, &[&space, &start, &wanted]).await?,
            };
            let body = list.values.then_some(9);
            let row =
                |columns| Ok((columns::bytes(columns, 0)?, columns::stored(columns, 1, body)?));
            rows.iter().map(row).collect()
        };
        let rows = self.limited("a list", reading).await;
        client.after(rows)
    }

    async fn item(&self, list: &List, key: Bytes, stored: Stored) -> Result<Item, Failure> {
        if !list.values {
            let live = stored.body != StoredBody::Absent;
            return Ok(Item { key, live, row: stored.into_row(Some(Body::Absent)) });
        }
        let row = self.whole(list.space, &key, stored).await?;
        Ok(Item { key, live: !row.body.is_absent(), row })
    }
}

impl Rest {
    fn of(range: Range) -> Self {
        let start = match range.start {
            Bound::Included(start) => start,
            Bound::Excluded(start) => next(&start),
            Bound::Unbounded => Bytes::new(),
        };
        let end = match range.end {
            Bound::Included(end) => Some(next(&end)),
            Bound::Excluded(end) => Some(end),
            Bound::Unbounded => None,
        };
        Self { start, end }
    }

    fn pass(&mut self, key: &Bytes, reverse: bool) {
        if reverse {
            self.end = Some(key.clone());
        } else {
            self.start = next(key);
        }
    }
}

/// The first key after this one.
fn next(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

fn sql(list: &List, ends: bool) -> String {
    let body = if list.values { ", r.body" } else { "" };
    let end = if ends { "AND r.key < $4" } else { "" };
    let order = if list.reverse { "DESC" } else { "ASC" };
    format!(
        "SELECT r.key, {ROW}{body} FROM littoral_rows r \
         WHERE r.space = $1 AND r.key >= $2 {end} ORDER BY r.key {order} LIMIT $3"
    )
}
