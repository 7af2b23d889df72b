//! A small store in memory with no threads: what the embedded one is held to, and what tests and
//! the simulation run on.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_types::{Body, Position, SpaceId, Version};
use tokio::sync::watch;

use crate::decide::{Claim, Standing, Verdict, decide};
use crate::range::Range;
use crate::{
    Applied, Collect, Digest, Error, Found, Item, List, Listed, OutboxPage, Purge, Record,
};
use crate::{Row, Scan, Scanned, Scope, Store, Write};

/// A store in memory: every answer is there at once.
#[derive(Debug)]
pub struct Model {
    state: Mutex<State>,
    committed: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<SpaceId, BTreeMap<Bytes, Row>>,
    /// Records with numbers above `forgotten`, in order.
    outbox: Vec<Record>,
    forgotten: u64,
    /// The highest version collected.
    mark: Version,
}

impl Model {
    pub fn new(incarnation: u32) -> Self {
        let committed = watch::Sender::new(Position::new(incarnation, 0));
        Self { state: Mutex::default(), committed }
    }

    /// Forgets outbox records up to this number.
    pub fn forget(&self, through: u64) {
        let mut state = self.state();
        state.outbox.retain(|record| record.number > through);
        state.forgotten = state.forgotten.max(through.min(self.position().number));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn position(&self) -> Position {
        *self.committed.borrow()
    }

    fn number(&self, state: &mut State, space: SpaceId, purge: Purge) -> Position {
        let mut position = self.position();
        position.number += 1;
        state.outbox.push(Record { number: position.number, space, purge });
        self.committed.send_replace(position);
        position
    }

    fn apply_now(&self, write: Write) -> Applied {
        let mut state = self.state();
        let position = self.position();
        let (claim, mark) = (Claim::of(&write), state.mark);
        let Write { space, key, row, .. } = write;
        let rows = state.rows.entry(space).or_default();
        match decide(rows.get(&key).map(Standing::of), claim, mark) {
            Verdict::Already => return Applied::Yes { position },
            Verdict::Newer(current) => return Applied::Newer { current, position },
            Verdict::Mismatch(current) => return Applied::Mismatch { current, position },
            Verdict::Collected(mark) => return Applied::Collected { mark, position },
            Verdict::Apply => {}
        }
        let (version, live) = (row.version, !row.body.is_absent());
        rows.insert(key.clone(), row);
        let position = self.number(&mut state, space, Purge::Write { key, version, live });
        Applied::Yes { position }
    }

    fn list_now(&self, list: &List) -> Listed {
        let state = self.state();
        let mut listed = Listed { items: Vec::new(), more: false, position: self.position() };
        let (Some(rows), Some(range)) = (state.rows.get(&list.space), Range::of(list)) else {
            return listed;
        };
        let mut rows = rows.range((range.start, range.end));
        while let Some((key, row)) = if list.reverse { rows.next_back() } else { rows.next() } {
            if listed.items.len() >= list.limit {
                listed.more = true;
                break;
            }
            let (live, mut row) = (!row.body.is_absent(), row.clone());
            if !list.values {
                row.body = Body::Absent;
            }
            listed.items.push(Item { key: key.clone(), live, row });
        }
        listed
    }

    fn scan_now(&self, scan: &Scan) -> Scanned {
        let state = self.state();
        let spaces =
            state.rows.range(scan.after.as_ref().map_or(SpaceId(0), |(space, _)| *space)..);
        let mut rows = spaces.flat_map(|(space, rows)| {
            let start = match &scan.after {
                Some((last, after)) if last == space => Bound::Excluded(after.clone()),
                _ => Bound::Unbounded,
            };
            rows.range((start, Bound::Unbounded)).map(|row| (*space, row))
        });
        let digest = |(space, (key, row)): (SpaceId, (&Bytes, &Row))| Digest {
            space,
            key: key.clone(),
            version: row.version,
            live: !row.body.is_absent(),
            expires_at: row.expires_at,
        };
        let digests = rows.by_ref().take(scan.limit).map(digest).collect();
        let more = rows.next().is_some();
        Scanned { digests, more, mark: state.mark, position: self.position() }
    }

    fn collect_now(&self, collect: Collect) -> u64 {
        let mut state = self.state();
        let mut collected = 0;
        for doomed in collect.doomed {
            let rows = state.rows.entry(doomed.space).or_default();
            let standing = rows.get(&doomed.key).map(Standing::of);
            if standing.is_some_and(|row| row.collects(doomed.version, collect.now)) {
                rows.remove(&doomed.key);
                state.mark = state.mark.max(doomed.version);
                collected += 1;
            }
        }
        collected
    }

    fn outbox_now(&self, after: u64, limit: usize) -> OutboxPage {
        let state = self.state();
        let mut through = self.position();
        let mut records = state.outbox.iter().filter(|record| record.number > after);
        let page: Vec<_> = records.by_ref().take(limit).cloned().collect();
        if records.next().is_some() {
            through.number = page.last().map_or(after, |record| record.number);
        }
        OutboxPage { records: page, through, forgotten: state.forgotten }
    }
}

impl Store for Model {
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, Error>> {
        Box::pin(async move {
            let state = self.state();
            let row = state.rows.get(&space).and_then(|rows| rows.get(&key)).cloned();
            Ok(Found { row, position: self.position(), mark: state.mark })
        })
    }

    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, Error>> {
        Box::pin(async move { Ok(self.apply_now(write)) })
    }

    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, Error>> {
        Box::pin(async move { Ok(self.list_now(&list)) })
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, Error>> {
        Box::pin(async move { Ok(self.scan_now(&scan)) })
    }

    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move { Ok(self.collect_now(collect)) })
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(async move { Ok(self.number(&mut self.state(), space, Purge::Hand(scope))) })
    }

    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, Error>> {
        Box::pin(async move { Ok(self.outbox_now(after, limit)) })
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.committed.subscribe()
    }
}
