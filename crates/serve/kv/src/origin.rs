//! The key-value store's origin: both stores are asked at once, always.
//!
//! The first good answer is returned at once, unconfirmed; "no row" waits for the other store. When the other store has spoken, a
//! trailer confirms or corrects it, and the older store is brought up, conditionally: only if
//! older, so that repairs can run twice and out of order.
//!
//! When neither has a row, a tombstone may have been collected: their marks then meet a minimum at or
//! below both. The answer keeps version zero all the same, so that it gives no minimum itself, loses
//! to any row, and falls to any purge of its key.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_peer::{Answer, Error, Hops, Trailer, Trailing, Truth, trailer};
use littoral_rules::{self as rules, Rule};
use littoral_store::{Applied, Condition, Found, Row, Write};
use littoral_tasks::{TaskKind, Tasks};
use littoral_tiers::{Asked, Origin};
use littoral_types::{Body, Ctx, Space, StoreId, Version, Wall};
use tokio::sync::{mpsc, watch};

use crate::insist::Insisted;
use crate::patience::WAIT_MAX;
use crate::stores::Stores;

/// Races the two stores.
pub struct KvOrigin {
    stores: Stores,
    tasks: Tasks,
}

type Spoken = (StoreId, Result<Found, Error>);

impl KvOrigin {
    pub fn new(stores: Stores, tasks: Tasks) -> Self {
        Self { stores, tasks }
    }

    /// Asks both; answers come in the order they arrive, also after the caller has gone.
    fn race(&self, ctx: &Ctx, asked: &Asked) -> mpsc::Receiver<Spoken> {
        let (sender, receiver) = mpsc::channel(2);
        for store in StoreId::all() {
            let (stores, ctx, sender) = (self.stores.clone(), ctx.clone(), sender.clone());
            let (space, key) = (asked.space.id, asked.key.clone());
            self.tasks.spawn(TaskKind::Call, async move {
                let found = stores.get(&ctx, store, space, key).await;
                // Nobody listens any more when the node drains.
                let _ = sender.send((store, found)).await;
            });
        }
        receiver
    }

    async fn fetch(&self, ctx: Ctx, asked: Asked) -> Result<Answer, Error> {
        let mut spoken = self.race(&ctx, &asked);
        let (store, found) = match spoken.recv().await {
            Some((store, Ok(found))) if good(&asked, &found) => {
                let (sender, trailing) = trailer();
                let answer = self.answer(&asked, store, &found, trailing);
                self.settle(asked.space, asked.key, (store, found), spoken, sender);
                return Ok(answer);
            }
            Some((store, Ok(found))) => (store, found),
            Some((store, Err(error))) => {
                return self.only(&asked, store, error, spoken.recv().await);
            }
            None => return Err(Error::Unavailable("no store answers".into())),
        };
        // The first does not do: the other may have what is asked for. It is heard out, but not
        // for all the time there is; for longer, where the reader is refused without it.
        let now = self.stores.clock.mono();
        let refused = unmet(&asked, version(&found));
        let wait = if refused { WAIT_MAX } else { self.stores.second_wait(store.other()) };
        let patience = (ctx.deadline.since(now) / 2).min(wait);
        match self.stores.clock.timeout(patience, spoken.recv()).await {
            Ok(Some((other, Ok(second)))) => self.both(&asked, (store, found), (other, second)),
            Ok(Some((other, Err(error @ Error::Damaged(_))))) => {
                self.instead(&asked, other, error, store, &found)
            }
            _ => self.alone(&asked, store, &found),
        }
    }

    /// Both have spoken, and the first did not do.
    fn both(
        &self,
        asked: &Asked,
        first: (StoreId, Found),
        second: (StoreId, Found),
    ) -> Result<Answer, Error> {
        let second_is_newer = version(&second.1) > version(&first.1);
        let (best, other) = if second_is_newer { (second, first) } else { (first, second) };
        let agree = version(&best.1) == version(&other.1);
        // Neither has a row: a tombstone up to both marks may have been.
        let gone = agree && best.1.row.is_none();
        let mark = if gone { best.1.mark.min(other.1.mark) } else { Version::ZERO };
        if unmet(asked, version(&best.1).max(mark)) {
            return Err(Error::MinimumUnmet);
        }
        let (sender, trailing) = trailer();
        let trailing = if agree { Trailing::NONE } else { trailing };
        let mut answer = self.answer(asked, best.0, &best.1, trailing);
        answer.positions = answer.positions.with(other.0, other.1.position);
        answer.confirmed = agree;
        answer.stale = version(&best.1).max(mark) < asked.minimum.own;
        let (told, spoken) = mpsc::channel(1);
        if !agree && told.try_send((other.0, Ok(other.1))).is_ok() {
            self.settle(asked.space, asked.key.clone(), best, spoken, sender);
        }
        Ok(answer)
    }

    /// The first answered with an error: what the other says is all there is.
    fn only(
        &self,
        asked: &Asked,
        failed: StoreId,
        error: Error,
        other: Option<Spoken>,
    ) -> Result<Answer, Error> {
        match other {
            Some((store, Ok(found))) if matches!(error, Error::Damaged(_)) => {
                self.instead(asked, failed, error, store, &found)
            }
            Some((store, Ok(found))) => self.alone(asked, store, &found),
            Some((_, Err(other))) => {
                let first_tells = matches!(error, Error::Overloaded | Error::Damaged(_));
                Err(if first_tells { error } else { other })
            }
            None => Err(error),
        }
    }

    /// One store's row is damaged: it is answered from the other, and healed. That the other has
    /// none proves nothing.
    fn instead(
        &self,
        asked: &Asked,
        damaged: StoreId,
        error: Error,
        store: StoreId,
        found: &Found,
    ) -> Result<Answer, Error> {
        let Some(row) = found.row.clone() else { return Err(error) };
        self.heal(asked.space, asked.key.clone(), damaged, row);
        self.alone(asked, store, found)
    }

    fn heal(&self, space: Space, key: Bytes, damaged: StoreId, row: Row) {
        let stores = self.stores.clone();
        self.tasks.spawn(TaskKind::Trailer, async move {
            repair(&stores, space, key, damaged, Some(row)).await;
        });
    }

    /// One store does not answer: a client's minimum fails, the asker's own yields, marked.
    fn alone(&self, asked: &Asked, store: StoreId, found: &Found) -> Result<Answer, Error> {
        if unmet(asked, version(found)) {
            return Err(Error::MinimumUnmet);
        }
        let mut answer = self.answer(asked, store, found, Trailing::NONE);
        answer.stale = version(found) < asked.minimum.own;
        Ok(answer)
    }

    fn answer(&self, asked: &Asked, store: StoreId, found: &Found, trailing: Trailing) -> Answer {
        let version = version(found);
        let truth = if asked.held == Some(version) {
            Truth::NotModified
        } else {
            whole(found.row.as_ref(), self.stores.clock.wall())
        };
        Answer {
            version,
            truth,
            age: Duration::ZERO,
            positions: asked.applied.with(store, found.position),
            confirmed: false,
            stale: false,
            hops: Hops::default(),
            trailing,
        }
    }

    /// Hears the other store out: confirms, or corrects, and brings the older one up.
    fn settle(
        &self,
        space: Space,
        key: Bytes,
        first: (StoreId, Found),
        mut spoken: mpsc::Receiver<Spoken>,
        trailer: watch::Sender<Option<Trailer>>,
    ) {
        let stores = self.stores.clone();
        self.tasks.spawn(TaskKind::Trailer, async move {
            let (other, second) = match spoken.recv().await {
                Some((other, Ok(second))) => (other, second),
                // Healed, it agrees.
                Some((other, Err(Error::Damaged(_)))) => {
                    if let Some(said) = repair(&stores, space, key, other, first.1.row).await {
                        trailer.send_replace(Some(said));
                    }
                    return;
                }
                _ => return,
            };
            let (ours, theirs) = (version(&first.1), version(&second));
            let said = if ours == theirs {
                Some(Trailer::Confirmed { store: other, position: second.position })
            } else if ours < theirs {
                // Corrected at once; the repair's purge follows like any write's.
                trailer.send_replace(Some(Trailer::Superseded { version: theirs }));
                repair(&stores, space, key, first.0, second.row).await;
                None
            } else {
                repair(&stores, space, key, other, first.1.row).await
            };
            if let Some(said) = said {
                trailer.send_replace(Some(said));
            }
        });
    }
}

/// Brings `store` up to `row`, if it is older. What follows for who was answered with `row`.
async fn repair(
    stores: &Stores,
    space: Space,
    key: Bytes,
    store: StoreId,
    row: Option<Row>,
) -> Option<Trailer> {
    let row = row.filter(|_| rules::holds(Rule::ReadRepairs))?;
    let now = stores.clock.wall();
    let write = Write { space: space.id, key, row, condition: Condition::Newer, now };
    match stores.insist(&stores.ctx(), store, write).await {
        Ok(Insisted::Said(Applied::Yes { position })) => {
            Some(Trailer::Confirmed { store, position })
        }
        Ok(Insisted::Said(Applied::Newer { current, .. })) => {
            Some(Trailer::Superseded { version: current })
        }
        Ok(Insisted::Said(_) | Insisted::Void) => None,
        Err(error) => {
            tracing::debug!(store = store.0, %error, "repair waits for the next read");
            None
        }
    }
}

impl Origin for KvOrigin {
    fn fetch(&self, ctx: Ctx, asked: Asked) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.fetch(ctx, asked))
    }
}

fn version(found: &Found) -> Version {
    found.row.as_ref().map_or(Version::ZERO, |row| row.version)
}

/// Whether the first answer may go at once. That a store has no row says little while the other
/// may have one: a key just written elsewhere would seem absent.
fn good(asked: &Asked, found: &Found) -> bool {
    let version = version(found);
    found.row.is_some() && version >= asked.minimum.own && !unmet(asked, version)
}

fn unmet(asked: &Asked, version: Version) -> bool {
    rules::holds(Rule::ClientMinimum) && asked.minimum.client.is_some_and(|client| version < client)
}

/// The row as an answer. An expired row is absent, with its version.
fn whole(row: Option<&Row>, now: Wall) -> Truth {
    let absent =
        Truth::Whole { body: Body::Absent, meta: Bytes::new(), tags: None, expires_at: None };
    match row {
        Some(row) if row.expires_at.is_none_or(|at| at > now) => Truth::Whole {
            body: row.body.clone(),
            meta: row.meta.clone(),
            tags: row.tags.clone(),
            expires_at: row.expires_at,
        },
        _ => absent,
    }
}
