//! The way back: purges come down from each store's stream, and what is written here goes first.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Chance;
use littoral_peer::{Error, Filter, Follow, Followed, Reply, Request};
use littoral_rules::{self as rules, Rule};
use littoral_store::Purge;
use littoral_tasks::TaskKind;
use littoral_topology::key_hash;
use littoral_types::{Ctx, Mono, Position, Positions, SpaceId, StoreId, Version};

use crate::{Entry, Tiers};

/// Between two tries at a publisher that does not answer, at most.
const RETRY_MAX: Duration = Duration::from_secs(1);
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// How long a publisher that refused to send rows is not asked for them.
const WITHOUT_ROWS: Duration = Duration::from_secs(60);

impl Tiers {
    /// What has been applied of every store's stream.
    pub fn applied(&self) -> Positions {
        self.inner().streams.applied()
    }

    /// Waits until a purge that the stores have numbered so has been applied here: whoever asks from
    /// then on is not answered with what it covers. Whether that came within the time.
    pub async fn applies(&self, purge: Positions, within: Duration) -> bool {
        let inner = self.inner();
        inner.clock.timeout(within, inner.streams.reach(purge)).await.is_ok()
    }

    /// Since when an entry is stale because somebody purged what [`stale_in`](crate::stale_in) names.
    pub fn stale_since(&self, space: SpaceId, key: &[u8], entry: &Entry) -> Option<Mono> {
        self.inner().shelf.stale_since(space, key, entry)
    }

    /// Follows both stores' streams and sweeps, until the node drains.
    pub fn follow(&self, seed: u64) {
        let inner = self.inner();
        for store in StoreId::all() {
            let chance = Chance::seeded(seed ^ u64::from(store.0));
            inner.tasks.spawn(TaskKind::Follower, follow(self.clone(), store, chance));
        }
        inner.tasks.spawn(TaskKind::Sweep, sweep(self.clone()));
    }

    /// A write accepted here is durable in a store: remembered, and held, before it is
    /// acknowledged. What is held, for [`Tiers::share`].
    pub fn wrote(
        &self,
        space: SpaceId,
        key: &Bytes,
        mut entry: Entry,
        store: StoreId,
    ) -> Arc<Entry> {
        let inner = self.inner();
        for (other, applied) in inner.streams.applied().iter().filter(|(s, _)| *s != store) {
            entry.positions = entry.positions.with(other, applied);
        }
        let entry = Arc::new(entry);
        if rules::holds(Rule::WritesAreRemembered) {
            inner.shelf.wrote(space, key, Arc::clone(&entry), inner.clock.mono());
        }
        entry
    }

    /// The other store holds a write accepted here.
    pub fn confirm(
        &self,
        space: SpaceId,
        key: &Bytes,
        version: Version,
        store: StoreId,
        position: Position,
    ) {
        let inner = self.inner();
        inner.shelf.confirm(space, key, version, (store, position), inner.clock.mono());
    }

    /// Takes a stretch of a store's stream: applies its records, then moves the position.
    /// `before`: what had been applied when it was asked for.
    pub(crate) fn apply(
        &self,
        store: StoreId,
        followed: Followed,
        before: Positions,
        sent_at: Mono,
    ) {
        let inner = self.inner();
        let now = inner.clock.mono();
        let incarnation = followed.through.incarnation;
        let mut rows = followed.rows.into_iter().peekable();
        for record in followed.records {
            let position = Position::new(incarnation, record.number);
            inner.metrics.purges.inc();
            match record.purge {
                Purge::Write { key, version, .. } => {
                    let cause = Some((store, position));
                    while rows.next_if(|(number, _)| *number < record.number).is_some() {}
                    let row = rows.next_if(|(number, _)| *number == record.number);
                    let row = row.map(|(_, row)| row).filter(|row| row.version == version);
                    let held = inner.shelf.holds(record.space, &key);
                    inner.shelf.purge(record.space, &key, version, cause, now);
                    let edges = inner.interest.of(key_hash(record.space, &key), now);
                    if let Some(row) = row.clone().filter(|_| held || !edges.1.is_empty()) {
                        // Surely the newest of its store when its purge was given its number, which was
                        // after the question for it.
                        let entry = Entry::of(row, sent_at, now, before.with(store, position));
                        inner.shelf.keep(record.space, &key, entry.into(), version, now);
                    }
                    self.pass_on(record.space, &key, version, row, edges);
                }
                Purge::Hand(scope) => {
                    inner.shelf.purge_by_hand(record.space, scope, (store, position), now);
                }
            }
        }
        if followed.gap {
            inner.metrics.gaps.inc();
        }
        inner.streams.heard(store, followed.through, followed.gap, sent_at, followed.epoch);
    }
}

async fn follow(tiers: Tiers, store: StoreId, mut chance: Chance) {
    let inner = tiers.inner();
    let mut wait = RETRY_FIRST;
    let mut without_rows = Mono::LONG_AGO;
    loop {
        let rows = inner.clock.mono().since(without_rows) > WITHOUT_ROWS;
        match stretch(&tiers, store, rows).await {
            Ok(()) => wait = RETRY_FIRST,
            // An older node does not know the question.
            Err(Error::Refused(_)) if rows => without_rows = inner.clock.mono(),
            Err(error) => {
                tracing::debug!(store = store.0, %error, "purge stream is silent");
                let jitter = Duration::from_millis(chance.below(wait.as_millis() as u64));
                inner.clock.sleep(wait / 2 + jitter).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

/// One ping and its heartbeat.
async fn stretch(tiers: &Tiers, store: StoreId, rows: bool) -> Result<(), Error> {
    let inner = tiers.inner();
    let hold = inner.limits.heartbeat;
    let sent_at = inner.clock.mono();
    let before = inner.streams.applied();
    let follow = Follow {
        after: before.of(store),
        filter: Filter::Location(inner.here),
        hold,
        limit: inner.limits.stretch,
        rows,
    };
    let ctx = Ctx { deadline: sent_at.plus(hold + inner.limits.hop_time), ..Ctx::default() };
    let site = inner.topology.now().site(store).location;
    match inner.carrier.call(site, ctx, Request::Follow(store, follow)).await? {
        Reply::Followed(followed) => tiers.apply(store, followed, before, sent_at),
        _ => return Err(Error::Refused("not a stretch of a stream".into())),
    }
    Ok(())
}

async fn sweep(tiers: Tiers) {
    let inner = tiers.inner();
    loop {
        inner.clock.sleep(inner.limits.sweep).await;
        let applied = inner.streams.applied();
        if !inner.shelf.has_disk() {
            inner.shelf.sweep(applied, inner.clock.mono());
            continue;
        }
        // Reads the whole index of the disk: not where requests are answered.
        let tiers = tiers.clone();
        let now = inner.clock.mono();
        let sweep = move || tiers.inner().shelf.sweep(applied, now);
        let swept = tokio::task::spawn_blocking(sweep).await;
        if let Err(error) = swept {
            tracing::error!(%error, "a sweep failed; purges by hand stay until the next");
        }
    }
}
