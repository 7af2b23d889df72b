//! Whether every promise was kept, over the whole history.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use littoral_kv::ReadOptions;
use littoral_peer::Outcome as HopOutcome;
use littoral_types::{Ctx, Version};

use crate::beside;
use crate::history::{Kind, Operation, Outcome};
use crate::ledger::{By, Inner, Writes};
use crate::report::Report;
use crate::world::{GRACE, POLICY, World};

/// How stale a tier's word may be: the silence limit, and what clocks and rounding add.
const DELIVERY: Duration = Duration::from_millis(5_100);
/// Stamps of blind writes are true to time within twice the skew of the clocks and their jumps.
const STAMP_SLACK: Duration = Duration::from_millis(1_500);
/// Until the crawler has surely met a tombstone past its grace, and repaired what it found young.
const CRAWLED: Duration = Duration::from_secs(45);

/// What everybody sees once everything has worked again for a while.
pub(crate) struct Settled {
    debts: u64,
    /// What a healed network refused.
    refused: Vec<String>,
    /// What each store held when all debts were paid, before anybody read.
    paid: HashMap<(usize, Bytes), [Version; 2]>,
    /// What each store held after everybody had read.
    held: HashMap<(usize, Bytes), [Version; 2]>,
    /// What each location showed.
    shown: HashMap<(usize, Bytes), Vec<Version>>,
}

/// Lets debts be paid, then reads every key everywhere, twice, a refresh period apart.
pub(crate) async fn settle(world: &World) -> Settled {
    for _ in 0..300 {
        if world.debts() == 0 {
            break;
        }
        world.clock.sleep(Duration::from_secs(1)).await;
    }
    let debts = world.debts();
    let paid = rows(world).await;
    let (mut shown, mut refused) = (HashMap::new(), Vec::new());
    if world.crawling {
        world.clock.sleep(GRACE + CRAWLED).await;
        refused.extend(crawled(world).await);
    }
    for _ in 0..3 {
        world.clock.sleep(Duration::from_secs(u64::from(POLICY.cache_ttl_s) + 6)).await;
        shown = read_all(world, &mut refused).await;
    }
    world.clock.sleep(Duration::from_secs(1)).await;
    let held = rows(world).await;
    refused.extend(write_all(world).await);
    Settled { debts, refused, paid, held, shown }
}

fn keys(world: &World) -> Vec<(usize, Bytes)> {
    let inner = world.ledger.lock();
    let mut keys: Vec<_> = inner.operations.iter().map(|o| (o.space, o.key.clone())).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// What both stores hold of every key.
async fn rows(world: &World) -> HashMap<(usize, Bytes), [Version; 2]> {
    use littoral_store::Store as _;
    let mut all = HashMap::new();
    for (space, key) in keys(world) {
        let mut rows = [Version::ZERO; 2];
        for (row, store) in rows.iter_mut().zip(&world.stores) {
            let found = store.model().get(world.namespaces[space].id, key.clone()).await;
            let found = found.expect("a model answers");
            *row = found
                .row
                .map_or_else(|| world.gone(space, &key, By::One(store.id())), |row| row.version);
        }
        all.insert((space, key), rows);
    }
    all
}

/// What the crawler has left, though nobody read: nothing that differs, nothing that is over.
async fn crawled(world: &World) -> Vec<String> {
    use littoral_store::{Scan, Store as _};
    let mut pages = Vec::new();
    for store in &world.stores {
        let scan = Scan { after: None, limit: usize::MAX };
        pages.push(store.model().scan(scan).await.expect("a model answers").digests);
    }
    let differing = pages[0].iter().filter(|digest| !pages[1].contains(digest));
    let more = pages[1].iter().filter(|digest| !pages[0].contains(digest));
    let differing = differing.chain(more).map(|digest| format!("crawl-levels: {digest:?}"));
    let over = pages.iter().flatten().filter(|digest| !digest.live);
    differing.chain(over.map(|digest| format!("tombstones-go: {digest:?}"))).collect()
}

/// A healed network takes every write.
async fn write_all(world: &World) -> Vec<String> {
    let mut refused = Vec::new();
    for (n, (space, key)) in keys(world).into_iter().enumerate() {
        let count = world.places.count();
        let mut at = n as u16 % count;
        while world.far(at) {
            at = (at + 1) % count;
        }
        let running = world.running(at).expect("healed");
        let deadline = running.kv.clock().after(Duration::from_secs(20));
        let ctx = Ctx { deadline, ..Ctx::default() };
        let put = littoral_kv::Put {
            body: littoral_types::Body::Bytes(Bytes::from_static(b"last")),
            ..Default::default()
        };
        let written = running.kv.put(&ctx, &world.namespaces[space], key.clone(), put).await;
        if let Err(error) = written {
            refused.push(format!("writes-go-on: {key:?}: {error}"));
        }
    }
    refused
}

async fn read_all(
    world: &World,
    trouble: &mut Vec<String>,
) -> HashMap<(usize, Bytes), Vec<Version>> {
    let mut all = HashMap::new();
    for (space, key) in keys(world) {
        let mut versions = Vec::new();
        for at in 0..world.places.count() {
            let running = world.running(at).expect("healed");
            let deadline = running.kv.clock().after(Duration::from_secs(20));
            let ctx = Ctx { deadline, ..Ctx::default() };
            let namespace = &world.namespaces[space];
            let read = running.kv.get(&ctx, namespace, key.clone(), ReadOptions::default()).await;
            match read {
                Ok(value) if value.hops.iter().any(|hop| hop.outcome == HopOutcome::Stale) => {
                    trouble.push(format!("reads-go-on: {key:?} is stale at {at}"));
                }
                Ok(value) if value.version.is_zero() => {
                    versions.push(world.gone(space, &key, By::Both));
                }
                Ok(value) => versions.push(value.version),
                Err(error) => trouble.push(format!("reads-go-on: {key:?} at {at}: {error}")),
            }
        }
        all.insert((space, key), versions);
    }
    all
}

pub(crate) fn judge(world: &World, seed: u64, settled: Settled) -> Report {
    let inner = world.ledger.lock();
    let mut found = Vec::new();
    if settled.debts > 0 {
        found.push(format!("debts-are-paid: {} are still owed", settled.debts));
    }
    found.extend(settled.refused.iter().chain(&inner.wrong).cloned());
    let mut by_key: HashMap<(usize, Bytes), Vec<&Operation>> = HashMap::new();
    for operation in &inner.operations {
        by_key.entry((operation.space, operation.key.clone())).or_default().push(operation);
    }
    let none = Writes::new();
    for ((space, key), mut operations) in by_key {
        operations.sort_by_key(|operation| operation.start);
        let id = world.namespaces[space].id;
        let writes = inner.writes.get(&(id, key.clone())).unwrap_or(&none);
        let home = world.home(space, &key).index();
        let of =
            Judged { operations: &operations, writes, inner: &inner, strict: space == 1, home };
        of.reads_show_what_was_written(&mut found);
        of.minimums_are_met(&mut found);
        of.ages_are_honest(&mut found);
        of.nobody_goes_back(&mut found);
        beside::judge(world, &inner, &operations, of.reads(), &mut found);
        of.stamps_follow_time(&mut found);
        of.conditions_were_true(&mut found);
        let place = (space, key);
        of.debts_were_paid(settled.paid[&place], &mut found);
        of.all_agree_in_the_end(&settled.shown[&place], settled.held[&place], &mut found);
    }
    found.extend(crate::record::judge(world, &inner, STAMP_SLACK));
    found.sort();
    Report {
        seed,
        operations: inner.operations.len(),
        fingerprint: fingerprint(&inner),
        violations: found,
        tally: inner.tally,
    }
}

fn fingerprint(inner: &Inner) -> u64 {
    use std::hash::{Hash as _, Hasher as _};
    // A fixed hasher: the number is compared between runs.
    #[expect(deprecated, reason = "the only fixed hasher of std")]
    let mut hasher = std::hash::SipHasher::new();
    for operation in &inner.operations {
        format!("{operation:?}").hash(&mut hasher);
    }
    hasher.finish()
}

/// One key's history.
struct Judged<'a> {
    /// In order of start.
    operations: &'a [&'a Operation],
    writes: &'a Writes,
    inner: &'a Inner,
    strict: bool,
    home: usize,
}

impl Judged<'_> {
    fn reads(&self) -> impl Iterator<Item = (&Operation, Version)> {
        let reads = self.operations.iter().filter(|operation| operation.kind == Kind::Get);
        reads.filter_map(|read| {
            let version = read.version?;
            // Without a row, *absent* is the tombstone that was collected. Only to meet a minimum does
            // it take both to say so.
            let by = if read.minimum.is_some() { By::Both } else { By::Either };
            let gone = || self.inner.gone(self.writes, by, read.end);
            Some((*read, if version.is_zero() { gone() } else { version }))
        })
    }

    fn acknowledged(&self) -> impl Iterator<Item = (&Operation, Version)> {
        let writes = self.operations.iter().filter(|o| o.kind != Kind::Get);
        writes
            .filter(|o| o.outcome == Outcome::Ok)
            .filter_map(|write| Some((*write, write.version?)))
    }

    fn reads_show_what_was_written(&self, found: &mut Vec<String>) {
        let bodies: HashMap<Version, (&Operation, Option<&Bytes>)> = self
            .acknowledged()
            .map(|(write, version)| {
                let body = write.body.as_ref().filter(|_| write.kind != Kind::Delete);
                (version, (write, body))
            })
            .collect();
        for (read, version) in self.reads().filter(|(_, version)| !version.is_zero()) {
            let wrong = match bodies.get(&version) {
                Some((_, body)) => read.body.as_ref() != *body,
                None => !self.writes.contains_key(&version),
            };
            if wrong {
                found.push(format!("values-are-whole: {read:?}"));
            }
        }
    }

    fn minimums_are_met(&self, found: &mut Vec<String>) {
        for (read, version) in self.reads() {
            if read.minimum.is_some_and(|minimum| version < minimum) {
                found.push(format!("minimum: {read:?}"));
            }
        }
    }

    /// Since when both stores have had something newer.
    fn overwritten(&self, version: Version) -> Option<Duration> {
        use std::ops::Bound::{Excluded, Unbounded};
        let newer = self.writes.range((Excluded(version), Unbounded));
        newer.filter_map(|(_, written)| written.in_both()).min()
    }

    /// A read says how old its answer is; at that age, less what a tier may not have heard yet,
    /// it was the newest that both stores had. And it is not older than `cacheTtl`.
    fn ages_are_honest(&self, found: &mut Vec<String>) {
        let most = Duration::from_secs(POLICY.cache_ttl_s.into()) + DELIVERY;
        for (read, version) in self.reads().filter(|(read, _)| !read.marked) {
            if read.age > most {
                found.push(format!("cache-ttl: {read:?}"));
            }
            let Some(overwritten) = self.overwritten(version) else { continue };
            // The answer was vouched for no later than the read's end, less its age.
            let vouched = read.end.saturating_sub(read.age);
            if read.start.saturating_sub(read.age).min(vouched) > overwritten + DELIVERY {
                found.push(format!("age-is-honest: overwritten at {overwritten:?}: {read:?}"));
            }
        }
    }

    /// Reads at one node never go back behind what it showed or acknowledged, in one life; nor
    /// over a restart behind what both stores had when the answer was vouched for.
    fn nobody_goes_back(&self, found: &mut Vec<String>) {
        let mut known: HashMap<u16, Vec<(Duration, u32, Version)>> = HashMap::new();
        for operation in self.operations {
            let write = operation.kind != Kind::Get && operation.outcome == Outcome::Ok;
            let read = operation.kind == Kind::Get && !operation.marked;
            if let Some(version) = operation.version.filter(|_| write || read) {
                let place = known.entry(operation.location).or_default();
                place.push((operation.end, operation.life, version));
            }
        }
        for (read, version) in self.reads().filter(|(read, _)| !read.marked) {
            let earlier = known[&read.location]
                .iter()
                .filter(|(end, _, newer)| *end < read.start && *newer > version);
            let broken = earlier.into_iter().find(|(_, life, newer)| {
                let both = self.writes.get(newer).and_then(|written| written.in_both());
                // What was forgotten may be fetched again from a store that lags, and served by its age.
                let vouched = read.start.saturating_sub(read.age);
                let settled = both.is_some_and(|both| both + DELIVERY < vouched);
                settled || (*life == read.life && self.remembered(read, *newer))
            });
            if let Some((end, life, newer)) = broken {
                found.push(format!(
                    "nobody-goes-back: {newer} known at {end:?} in life {life}: {read:?}"
                ));
            }
        }
    }

    /// Whether the node surely still remembers: it was told within the time memories are kept.
    fn remembered(&self, read: &Operation, newer: Version) -> bool {
        let keep = Duration::from_secs(10);
        self.operations.iter().any(|known| {
            known.location == read.location
                && known.life == read.life
                && known.version == Some(newer)
                && known.end < read.start
                && read.start - known.end < keep
        })
    }

    fn stamps_follow_time(&self, found: &mut Vec<String>) {
        let mut newest: Option<(Duration, Version)> = None;
        let mut ended: Vec<_> = self.acknowledged().collect();
        ended.sort_by_key(|(write, _)| write.start);
        let mut by_end: Vec<_> = ended.iter().map(|(write, v)| (write.end, *v)).collect();
        by_end.sort();
        let mut done = by_end.into_iter().peekable();
        for (write, version) in ended {
            while let Some((end, earlier)) =
                done.next_if(|(end, _)| *end + STAMP_SLACK < write.start)
            {
                if newest.is_none_or(|(_, newest)| earlier > newest) {
                    newest = Some((end, earlier));
                }
            }
            if let Some((end, newest)) = newest.filter(|(_, newest)| *newest > version) {
                found.push(format!("stamps-follow-time: {newest} ended at {end:?}: {write:?}"));
            }
        }
    }

    /// What a compare-and-set replaced was the newest when it was decided: of all that the home
    /// store took in a strict space, of all acknowledged before it began in a plain one.
    fn conditions_were_true(&self, found: &mut Vec<String>) {
        let sets = self.acknowledged().filter(|(set, _)| set.kind == Kind::CompareAndSet);
        for (set, version) in sets {
            let broken = if self.strict {
                self.broken_at_home(set, version)
            } else {
                self.broken_before(set, version)
            };
            if let Some(newer) = broken {
                found.push(format!("conditions-are-true: {newer} stands between: {set:?}"));
            }
        }
    }

    /// In a strict space: the home store's row just before was the one replaced.
    fn broken_at_home(&self, set: &Operation, version: Version) -> Option<Version> {
        let mut before = self.writes.range(..version).rev();
        let (newest, written) = before.find(|(_, written)| written.at[self.home].is_some())?;
        let right = match set.replaces {
            Some(replaced) => *newest == replaced,
            None => !written.live,
        };
        (!right).then_some(*newest)
    }

    /// In a plain space: nothing acknowledged before it began stands between.
    fn broken_before(&self, set: &Operation, version: Version) -> Option<Version> {
        let replaced = set.replaces.unwrap_or(Version::ZERO);
        let deleted_since = |newer: Version| {
            let mut since = self.writes.range(newer..version);
            set.replaces.is_none() && since.any(|(_, written)| !written.live)
        };
        let mut before = self.acknowledged().filter(|(write, _)| write.end < set.start);
        let between = before
            .find(|(_, newer)| *newer > replaced && *newer < version && !deleted_since(*newer));
        between.map(|(_, newer)| newer)
    }

    /// What was acknowledged is in both stores once debts are paid, without anybody reading it.
    fn debts_were_paid(&self, rows: [Version; 2], found: &mut Vec<String>) {
        let key = &self.operations[0].key;
        let newest = self.acknowledged().map(|(_, version)| version).max();
        if let Some(version) = newest.filter(|version| rows.iter().any(|row| row < version)) {
            found.push(format!("debts-are-paid: {key:?} at {version}, stores hold {rows:?}"));
        }
    }

    fn all_agree_in_the_end(&self, shown: &[Version], rows: [Version; 2], found: &mut Vec<String>) {
        let key = &self.operations[0].key;
        let acknowledged = self.acknowledged().map(|(_, version)| version).max();
        if rows[0] != rows[1] {
            found.push(format!("stores-agree: {key:?} is {} and {}", rows[0], rows[1]));
        }
        if let Some(version) = acknowledged.filter(|version| rows.iter().any(|row| row < version)) {
            found.push(format!("no-lost-write: {key:?} at {version}, stores hold {rows:?}"));
        }
        if let Some(version) = shown.iter().find(|version| **version != rows[0].max(rows[1])) {
            found.push(format!("all-agree: {key:?} is shown at {version}, stores hold {rows:?}"));
        }
    }
}
