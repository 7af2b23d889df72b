//! A write: to both stores, acknowledged when one has it durably and the other is surely owed it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use littoral_clock::Hlc;
use littoral_peer::Error as PeerError;
use littoral_rules::{self as rules, Rule};
use littoral_store::{Applied, Condition, Debts, Row, Write};
use littoral_tasks::{TaskKind, Tasks};
use littoral_tiers::{Entry, Tiers};
use littoral_topology::key_hash;
use littoral_types::{
    Body, Ctx, Mono, Position, Positions, Space, SpaceId, StoreId, Version, Wall,
};
use tokio::sync::mpsc;

use crate::stores::Stores;
use crate::{Error, KIND, Precondition, Written};

/// How often a write is stamped again because a store held something newer.
const STAMPS_MAX: usize = 8;

/// The second store is awaited this many times as long as the first took before its debt is written
/// down: two disks asked at once are rarely done at once, and a debt costs a third sync.
const PATIENCE: u32 = 3;

/// How long the second store is awaited before its debt is written down, at most.
const OTHER_WAIT_MAX: Duration = Duration::from_millis(2);

/// One node's writer.
pub(crate) struct Writer {
    pub(crate) stores: Stores,
    pub(crate) tiers: Tiers,
    pub(crate) tasks: Tasks,
    pub(crate) hlc: Arc<Hlc>,
    /// Without it, writes wait for both stores.
    pub(crate) owed: Option<Arc<dyn Debts>>,
}

/// What to write where.
pub(crate) struct Order {
    pub(crate) space: SpaceId,
    pub(crate) key: Bytes,
    pub(crate) body: Body,
    pub(crate) meta: Bytes,
    pub(crate) expires_at: Option<Wall>,
    pub(crate) precondition: Precondition,
    /// Every write of the space is decided by the key's home store.
    pub(crate) compare: bool,
}

/// A store that took the write.
struct Taken {
    store: StoreId,
    position: Position,
    sent_at: Mono,
}

type Spoken = (StoreId, Result<Applied, PeerError>);

/// What became of one stamp.
enum Tried {
    Taken(Taken, mpsc::Receiver<Spoken>),
    /// A store holds, or may have collected, something newer.
    Newer(Version),
}

impl Writer {
    /// What the write was given, once it is durable and owed.
    pub(crate) async fn write(&self, ctx: &Ctx, order: Order) -> Result<Written, Error> {
        let decided = order.compare || order.precondition != Precondition::None;
        if decided && !order.compare && rules::holds(Rule::HomeIsLevelled) {
            self.level(ctx, &order).await?;
        }
        let mut earlier = Vec::new();
        for _ in 0..STAMPS_MAX {
            let write = self.stamp(&order);
            let version = write.row.version;
            let tried = if decided {
                self.at_home(ctx, &order, &write).await?
            } else {
                self.at_both(ctx, &write).await?
            };
            match tried {
                Tried::Newer(_) if !rules::holds(Rule::StampedAgain) => {
                    return Ok(Written { version, earlier });
                }
                Tried::Newer(current) => {
                    if !decided {
                        earlier.push(version);
                    }
                    self.follow(current)?;
                }
                Tried::Taken(taken, others) => {
                    self.acknowledge(write, taken, others).await?;
                    return Ok(Written { version, earlier });
                }
            }
        }
        Err(Error::Overloaded {
            what: "other writers keep overtaking this key",
            retry_after: Duration::from_secs(1),
        })
    }

    fn stamp(&self, order: &Order) -> Write {
        let row = Row {
            version: self.hlc.now(),
            body: order.body.clone(),
            meta: order.meta.clone(),
            tags: None,
            expires_at: order.expires_at,
        };
        let condition = match order.precondition {
            Precondition::None => Condition::Newer,
            Precondition::Version(version) => Condition::Version(version),
            Precondition::Present => Condition::Present,
            Precondition::Absent => Condition::Absent,
        };
        let now = self.stores.clock.wall();
        Write { space: order.space, key: order.key.clone(), row, condition, now }
    }

    /// The next stamp must be newer than what a store holds.
    fn follow(&self, current: Version) -> Result<(), Error> {
        self.hlc.observe(current).map_err(|error| Error::Skew(error.to_string()))
    }

    /// Sends a write to these stores, each on its own: a caller that goes away takes nothing back.
    fn send(&self, ctx: &Ctx, write: &Write, to: &[StoreId]) -> mpsc::Receiver<Spoken> {
        let (sender, receiver) = mpsc::channel(2);
        for store in to.iter().copied() {
            let (stores, ctx) = (self.stores.clone(), ctx.clone());
            let (write, sender) = (write.clone(), sender.clone());
            self.tasks.spawn(TaskKind::Write, async move {
                let applied = stores.apply(&ctx, store, write).await;
                // The writer may have been answered already.
                let _ = sender.send((store, applied)).await;
            });
        }
        receiver
    }

    async fn at_both(&self, ctx: &Ctx, write: &Write) -> Result<Tried, Error> {
        let sent_at = self.stores.clock.mono();
        let both: Vec<_> = StoreId::all().collect();
        let mut spoken = self.send(ctx, write, &both);
        let mut why = String::from("no store answers");
        while let Some((store, applied)) = spoken.recv().await {
            match applied {
                Ok(Applied::Yes { position }) => {
                    return Ok(Tried::Taken(Taken { store, position, sent_at }, spoken));
                }
                Ok(Applied::Newer { current, .. } | Applied::Collected { mark: current, .. }) => {
                    return Ok(Tried::Newer(current));
                }
                Ok(Applied::Mismatch { .. }) => why = "a plain write met a condition".into(),
                Err(PeerError::Skew(error)) => return Err(Error::Skew(error)),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Error::WriteUnavailable(why))
    }

    /// Decided by the key's home store alone; the other is owed the outcome.
    async fn at_home(&self, ctx: &Ctx, order: &Order, write: &Write) -> Result<Tried, Error> {
        let home = self.home(order);
        let sent_at = self.stores.clock.mono();
        match self.stores.apply(ctx, home, write.clone()).await {
            Ok(Applied::Yes { position }) => {
                let plain = Write { condition: Condition::Newer, ..write.clone() };
                let others = self.send(ctx, &plain, &[home.other()]);
                Ok(Tried::Taken(Taken { store: home, position, sent_at }, others))
            }
            Ok(Applied::Newer { current, .. } | Applied::Collected { mark: current, .. }) => {
                Ok(Tried::Newer(current))
            }
            Ok(Applied::Mismatch { current, .. }) => Err(Error::Precondition { current }),
            Err(PeerError::Skew(error)) => Err(Error::Skew(error)),
            Err(error) => Err(Error::StoreNeeded { store: home.0, why: error.to_string() }),
        }
    }

    fn home(&self, order: &Order) -> StoreId {
        if !rules::holds(Rule::HomeDecides) {
            return StoreId((self.hlc.now().parts().0 & 1) as u8);
        }
        self.stores.topology.now().home(key_hash(order.space, &order.key))
    }

    /// Before a condition is decided at home in a space whose plain writes go to both stores: what
    /// only the other store has is brought home first. Needs both.
    async fn level(&self, ctx: &Ctx, order: &Order) -> Result<(), Error> {
        let home = self.home(order);
        let away = home.other();
        let needed = |store: StoreId| {
            move |error: PeerError| Error::StoreNeeded { store: store.0, why: error.to_string() }
        };
        let found = self.stores.get(ctx, away, order.space, order.key.clone()).await;
        let Some(row) = found.map_err(needed(away))?.row else { return Ok(()) };
        let now = self.stores.clock.wall();
        let (space, key) = (order.space, order.key.clone());
        let write = Write { space, key, row, condition: Condition::Newer, now };
        self.stores.insist(ctx, home, write).await.map_err(needed(home))?;
        Ok(())
    }

    /// One store has it. The other has spoken too, or is owed it durably, before we say so.
    async fn acknowledge(
        &self,
        write: Write,
        taken: Taken,
        others: mpsc::Receiver<Spoken>,
    ) -> Result<(), Error> {
        // A store as near as the first is about to answer: a debt would only be written and struck.
        let took = self.stores.clock.mono().since(taken.sent_at);
        let patience = took.saturating_mul(PATIENCE).min(OTHER_WAIT_MAX);
        let held = self.hold(&write, &taken);
        // Beside what follows: the location's other nodes are near.
        let space = Space { id: write.space, kind: KIND };
        let shared = self.tiers.share(space, &write.key, &held);
        let (settled, ()) = join(self.settle(&write, taken, others, patience), shared).await;
        settled
    }

    /// The other store has it, or is owed it.
    async fn settle(
        &self,
        write: &Write,
        taken: Taken,
        mut others: mpsc::Receiver<Spoken>,
        patience: Duration,
    ) -> Result<(), Error> {
        let other = taken.store.other();
        let owing = async {
            match &self.owed {
                Some(_) if !rules::holds(Rule::DebtBeforeAcknowledgement) => Ok(()),
                Some(owed) => {
                    self.stores.clock.sleep(patience).await;
                    owed.add(other, plain(write)).await.map_err(|e| e.to_string())
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            spoken = others.recv() => match spoken {
                Some((_, Ok(applied))) if holds(&applied) => {
                    self.confirmed(write, other, &applied);
                }
                // It did not take it: owed, or not acknowledged.
                failed => {
                    let Some(owed) = &self.owed else {
                        return self.insist(other, plain(write), failed).await;
                    };
                    let added = owed.add(other, plain(write)).await;
                    added.map_err(|error| Error::Disk(error.to_string()))?;
                }
            },
            owing = owing => {
                owing.map_err(Error::Disk)?;
                self.await_other(write.clone(), other, others);
            }
        }
        Ok(())
    }

    /// Without a queue of debts: what the other store refuses for its mark alone is revived there.
    async fn insist(
        &self,
        other: StoreId,
        write: Write,
        failed: Option<Spoken>,
    ) -> Result<(), Error> {
        let needed = |why: String| Error::StoreNeeded { store: other.0, why };
        match failed {
            Some((_, Ok(_))) => {
                let insisted = self.stores.insist(&self.stores.ctx(), other, write).await;
                insisted.map(drop).map_err(|error| needed(error.to_string()))
            }
            Some((_, Err(error))) => Err(needed(error.to_string())),
            None => Err(needed(String::new())),
        }
    }

    /// Remembered, and held, at this edge before it is acknowledged.
    fn hold(&self, write: &Write, taken: &Taken) -> Arc<Entry> {
        let positions = Positions::NONE.with(taken.store, taken.position);
        let entry = Entry::of(write.row.clone(), taken.sent_at, taken.sent_at, positions);
        self.tiers.wrote(write.space, &write.key, entry, taken.store)
    }

    fn confirmed(&self, write: &Write, store: StoreId, applied: &Applied) {
        if let Applied::Yes { position } = applied {
            self.tiers.confirm(write.space, &write.key, write.row.version, store, *position);
        }
    }

    /// The debt is written down; when the other store takes the write after all, it is settled.
    fn await_other(&self, write: Write, other: StoreId, mut others: mpsc::Receiver<Spoken>) {
        let (tiers, owed) = (self.tiers.clone(), self.owed.clone());
        self.tasks.spawn(TaskKind::Write, async move {
            let Some((_, Ok(applied))) = others.recv().await else { return };
            if !holds(&applied) {
                return;
            }
            let version = write.row.version;
            if let Applied::Yes { position } = applied {
                tiers.confirm(write.space, &write.key, version, other, position);
            }
            if let Some(owed) = owed
                && let Err(error) = owed.settle(other, write.space, &write.key, version).await
            {
                tracing::debug!(%error, "a settled debt stays until it is delivered again");
            }
        });
    }
}

/// Whether the store has the write, or something newer. One that refuses it for its collection mark
/// has neither: it stays owed.
fn holds(applied: &Applied) -> bool {
    !matches!(applied, Applied::Collected { .. })
}

fn plain(write: &Write) -> Write {
    Write { condition: Condition::Newer, ..write.clone() }
}
