//! Walks both stores side by side, in order of keys: what no read touches is brought together too,
//! and what nobody needs any more is collected.
//!
//! One node does it, where store 0 stands. While that one is away nothing is crawled and nothing is
//! collected, which only delays; whoever begins anew begins at the first key. Two that crawl at once
//! do twice the work and no harm: every repair and every collection is conditional.

mod compare;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use littoral_peer::Error;
use littoral_rules::{self as rules, Rule};
use littoral_store::{Applied, Collect, Condition, Doomed, Scan, Scanned, Write};
use littoral_tasks::{TaskKind, Tasks};
use littoral_telemetry::metrics::Registry;
use littoral_types::{Mono, SpaceId, StoreId, Version};

use crate::insist::Insisted;
use crate::metrics::CrawlMetrics;
use crate::stores::Stores;
use compare::{Apart, Compared, Place, Times, compare};

/// How a node crawls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrawlLimits {
    /// Keys compared in a second; 0: no crawler, and nothing is collected.
    pub crawl_rows_per_second: u64,
    /// Between the end of a crawl and the beginning of the next.
    pub crawl_pause: Duration,
    /// Digests asked of each store at once; at least 1.
    pub crawl_page: usize,
    /// A differing row younger than this may be under way, and is looked at again once it is older.
    pub crawl_young: Duration,
    /// Rows that wait for a second look; more are left to the next crawl.
    pub crawl_young_max: usize,
    /// How long a tombstone stays after its delete, and an expired row after its expiry.
    pub tombstone_grace: Duration,
}

impl Default for CrawlLimits {
    fn default() -> Self {
        Self {
            crawl_rows_per_second: 20_000,
            crawl_pause: Duration::from_secs(5 * 60),
            crawl_page: 4_096,
            crawl_young: Duration::from_secs(10),
            crawl_young_max: 4_096,
            tombstone_grace: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Between two tries at a store that does not answer, at most.
const RETRY_MAX: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(100);

pub(crate) fn start(stores: &Stores, tasks: &Tasks, limits: CrawlLimits, metrics: &Registry) {
    let metrics = CrawlMetrics::new(metrics);
    if limits.crawl_rows_per_second == 0 {
        return;
    }
    let stores = stores.clone();
    tasks.spawn(TaskKind::Crawl, async move {
        loop {
            Crawl::new(&stores, limits, &metrics).run().await;
            stores.clock.sleep(limits.crawl_pause).await;
        }
    });
}

/// One walk from the first key to the last.
struct Crawl<'a> {
    stores: &'a Stores,
    limits: CrawlLimits,
    metrics: &'a CrawlMetrics,
    began: Mono,
    /// When the next page is due.
    next: Mono,
    rows: u64,
    different: u64,
    /// Keys for a second look, and when.
    young: VecDeque<(Mono, Place)>,
}

impl<'a> Crawl<'a> {
    fn new(stores: &'a Stores, limits: CrawlLimits, metrics: &'a CrawlMetrics) -> Self {
        let began = stores.clock.mono();
        Self {
            stores,
            limits,
            metrics,
            began,
            next: began,
            rows: 0,
            different: 0,
            young: VecDeque::new(),
        }
    }

    async fn run(mut self) {
        let (stores, limit) = (self.stores, self.limits.crawl_page.max(1));
        let mut page = Some(pages(stores, limit, None).await);
        while let Some(both) = page {
            let compared = compare(both, self.times());
            let next = compared.next.clone();
            let following = async move {
                match next {
                    Some(after) => Some(pages(stores, limit, Some(after)).await),
                    None => None,
                }
            };
            // What a page brings to do and the way to the next one are of different keys.
            page = future::join(following, self.work(compared)).await.0;
        }
        self.look_again(true).await;
        self.finish();
    }

    async fn work(&mut self, compared: Compared) {
        let began = self.stores.clock.mono();
        let Compared { rows, apart, doomed, .. } = compared;
        self.rows += rows;
        self.metrics.rows.inc_by(rows);
        self.metrics.progress.set(signed(self.rows));
        self.bring_together(apart).await;
        self.collect(doomed).await;
        self.look_again(false).await;
        self.keep_pace(began, rows).await;
    }

    fn times(&self) -> Times {
        let Self { stores, limits, .. } = self;
        Times { now: stores.clock.wall(), grace: limits.tombstone_grace, young: limits.crawl_young }
    }

    async fn bring_together(&mut self, apart: Vec<Apart>) {
        let due = self.stores.clock.after(self.limits.crawl_young);
        let (young, old): (Vec<_>, Vec<_>) = apart.into_iter().partition(|apart| apart.young);
        for Apart { place, .. } in young {
            if self.young.len() < self.limits.crawl_young_max {
                self.young.push_back((due, place));
            } else {
                self.metrics.skipped.inc();
            }
        }
        let repairs = old.into_iter().map(|Apart { place, newer, .. }| (place, Some(newer)));
        self.repair(repairs.collect()).await;
    }

    /// What was young, once it no longer is; at the end of the crawl it is waited for.
    async fn look_again(&mut self, last: bool) {
        while let Some((due, _)) = self.young.front() {
            let wait = due.since(self.stores.clock.mono());
            if !wait.is_zero() && !last {
                return;
            }
            if !wait.is_zero() {
                self.stores.clock.sleep(wait).await;
            }
            let now = self.stores.clock.mono();
            let due = self.young.iter().take_while(|(due, _)| *due <= now).count();
            let again = self.young.drain(..due).map(|(_, place)| (place, None)).collect();
            self.repair(again).await;
        }
    }

    /// Repairs keys, a few at once. Of some it is known which store has more.
    async fn repair(&mut self, places: Vec<(Place, Option<StoreId>)>) {
        let (stores, metrics) = (self.stores, self.metrics);
        let at_once = stores.refill.limits().refills_at_once_max.max(1);
        let repairs = places.into_iter().map(|((space, key), newer)| async move {
            match repair(stores, space, &key, newer).await {
                Ok(Repaired::Alike) => 0,
                Ok(Repaired::Apart { brought }) => {
                    brought.into_iter().for_each(|store| metrics.repaired(store));
                    1
                }
                Err(error) => {
                    tracing::debug!(%space, %error, "a repair waits for the next crawl");
                    1
                }
            }
        });
        let different: u64 = stream::iter(repairs)
            .buffer_unordered(at_once)
            .fold(0, |sum, different| future::ready(sum + different))
            .await;
        self.different += different;
        metrics.different.inc_by(different);
    }

    async fn collect(&self, doomed: [Vec<Doomed>; 2]) {
        let now = self.stores.clock.wall();
        for (store, doomed) in StoreId::all().zip(doomed) {
            if doomed.is_empty() {
                continue;
            }
            // What one store alone has collected by now, the next crawl collects in the other.
            match self.stores.collect(store, Collect { doomed, now }).await {
                Ok(collected) => {
                    self.metrics.collected.inc_by(collected);
                }
                Err(error) => tracing::debug!(store = store.0, %error, "not collected yet"),
            }
        }
    }

    /// Waits until the time of a page's rows has passed since it was begun.
    async fn keep_pace(&mut self, began: Mono, rows: u64) {
        let rate = self.limits.crawl_rows_per_second;
        let time = Duration::from_nanos(rows.saturating_mul(1_000_000_000) / rate);
        self.next = self.next.max(began).plus(time);
        let wait = self.next.since(self.stores.clock.mono());
        if !wait.is_zero() {
            self.stores.clock.sleep(wait).await;
        }
    }

    fn finish(&self) {
        let took = self.stores.clock.mono().since(self.began);
        let drift = (self.different * 1_000_000).checked_div(self.rows).unwrap_or(0);
        self.metrics.drift_ppm.set(signed(drift));
        self.metrics.last_ms.set(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        self.metrics.last_rows.set(signed(self.rows));
        self.metrics.progress.set(0);
        self.metrics.finished.inc();
        let (rows, different) = (self.rows, self.different);
        tracing::debug!(rows, different, ?took, "a crawl has come to its end");
    }
}

/// A page of both, however long it takes.
async fn pages(stores: &Stores, limit: usize, after: Option<Place>) -> [Scanned; 2] {
    let mut wait = RETRY_FIRST;
    loop {
        let page = |store| stores.scan(store, Scan { after: after.clone(), limit });
        match future::join(page(StoreId(0)), page(StoreId(1))).await {
            (Ok(a), Ok(b)) => return [a, b],
            (Err(error), _) | (_, Err(error)) => {
                tracing::debug!(%error, "the crawler waits for a store");
                stores.clock.sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

enum Repaired {
    /// Nothing differs by now.
    Alike,
    /// It did; the store that was brought up, if one was.
    Apart { brought: Option<StoreId> },
}

/// Sends the newer row of a key, as it stands now, to the other store.
async fn repair(
    stores: &Stores,
    space: SpaceId,
    key: &Bytes,
    newer: Option<StoreId>,
) -> Result<Repaired, Error> {
    let get = |store| {
        let ctx = stores.ctx();
        async move {
            match stores.get(&ctx, store, space, key.clone()).await {
                Ok(found) => Ok(found.row),
                // Anything is newer than what is damaged.
                Err(Error::Damaged(_)) => Ok(None),
                Err(error) => Err(error),
            }
        }
    };
    let (row, to) = match newer {
        Some(store) => (get(store).await?, store.other()),
        None => {
            let (a, b) = future::try_join(get(StoreId(0)), get(StoreId(1))).await?;
            let version = |row: &Option<_>| row.as_ref().map_or(Version::ZERO, version);
            match version(&a).cmp(&version(&b)) {
                std::cmp::Ordering::Equal => return Ok(Repaired::Alike),
                std::cmp::Ordering::Greater => (a, StoreId(1)),
                std::cmp::Ordering::Less => (b, StoreId(0)),
            }
        }
    };
    let Some(row) = row.filter(|_| rules::holds(Rule::CrawlRepairs)) else {
        return Ok(Repaired::Alike);
    };
    stores.refill.turn(to).await;
    let now = stores.clock.wall();
    let write = Write { space, key: key.clone(), row, condition: Condition::Newer, now };
    match stores.insist(&stores.ctx(), to, write).await {
        Ok(insisted) => {
            stores.refill.answered(to);
            Ok(match insisted {
                Insisted::Said(Applied::Yes { .. }) => Repaired::Apart { brought: Some(to) },
                Insisted::Said(_) => Repaired::Apart { brought: None },
                Insisted::Void => Repaired::Alike,
            })
        }
        Err(error) => {
            stores.refill.failed(to);
            Err(error)
        }
    }
}

fn version(row: &littoral_store::Row) -> Version {
    row.version
}
