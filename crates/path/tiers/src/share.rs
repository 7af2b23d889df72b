//! What the nodes of a location tell each other: a write before it is acknowledged, a purge from
//! elsewhere. And what a node answers when others speak to it.
//!
//! The keeper of the key is given the write whole; the others learn that what they hold is old. Whoever
//! cannot be reached makes no write fail: a copy is served for a second, and the next in rank stands
//! in for a keeper.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use littoral_peer::{Error, Push, Reply, Request, Sibling, Wrote};
use littoral_rules::{self as rules, Rule};
use littoral_store::Row;
use littoral_types::{Body, Ctx, LocationId, Space};

use crate::{Entry, Tiers};

/// The longest that a write waits for the location's other nodes.
const SHARE_TIME: Duration = Duration::from_secs(1);
/// Nodes told at once.
const AT_ONCE: usize = 32;

impl Tiers {
    /// Answers what others ask of a node's tiers.
    ///
    /// # Errors
    /// As [`Tiers::get`]; [`Error::Refused`] what is not for tiers, or only for the nodes of a
    /// location among themselves.
    pub async fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> Result<Reply, Error> {
        let sibling = from == self.inner().here;
        match request {
            Request::Ask(question) => self.answer(from, ctx, question).await.map(Reply::Answer),
            Request::Push(push) => {
                let held = self.pushed(push.clone());
                if push.drop && !sibling {
                    self.tell_siblings(&ctx, &push).await;
                }
                Ok(Reply::Pushed { held })
            }
            Request::AskKeeper(question, terms) if sibling => {
                self.answer_sibling(ctx, question, terms).await.map(Reply::Answer)
            }
            Request::Wrote(wrote) if sibling => {
                self.heard(wrote);
                Ok(Reply::Pushed { held: true })
            }
            Request::AskKeeper(..) | Request::Wrote(_) => {
                Err(Error::Refused("only nodes of one location ask each other".into()))
            }
            Request::Measured => Ok(Reply::Measured(self.measured())),
            Request::Store(..) | Request::Follow(..) | Request::Epoch(_) => {
                Err(Error::Refused("not for tiers".into()))
            }
        }
    }

    /// Tells the location's other nodes of a write that is held here, before it is acknowledged.
    pub async fn share(&self, space: Space, key: &Bytes, entry: &Entry) {
        if !rules::holds(Rule::KeeperHasWrites) {
            return;
        }
        let inner = self.inner();
        let keeper = inner.carrier.keepers(space.id, key).first().copied();
        let version = entry.version;
        let push = Push { space, key: key.clone(), version, drop: true, row: None };
        let ctx = Ctx { deadline: inner.clock.after(SHARE_TIME), ..Ctx::default() };
        let tell = |to: Sibling| {
            let wrote = (Some(to) == keeper).then(|| self.whole(space, key, entry)).flatten();
            let (ctx, push) = (ctx.clone(), push.clone());
            async move {
                if let Some(wrote) = wrote {
                    let request = Request::Wrote(wrote);
                    match inner.carrier.call_sibling(to, ctx.clone(), request).await {
                        // An older node knows a purge.
                        Err(Error::Refused(_)) => {}
                        told => return self.told(told),
                    }
                }
                let told = inner.carrier.call_sibling(to, ctx, Request::Push(push)).await;
                self.told(told);
            }
        };
        stream::iter(inner.carrier.siblings()).map(tell).buffer_unordered(AT_ONCE).collect().await
    }

    /// A large body stays where it is: the keeper asks for it when somebody reads it.
    fn whole(&self, space: Space, key: &Bytes, entry: &Entry) -> Option<Wrote> {
        if matches!(entry.body, Body::File(_)) {
            return None;
        }
        let row = Row {
            version: entry.version,
            body: entry.body.clone(),
            meta: entry.meta.clone(),
            tags: entry.tags.clone(),
            expires_at: entry.expires_at,
        };
        let age = entry.age(self.inner().clock.mono());
        Some(Wrote { space, key: key.clone(), row, age, positions: entry.positions })
    }

    /// Another node of this location has taken a write of a key that this one keeps.
    fn heard(&self, wrote: Wrote) {
        let inner = self.inner();
        let Wrote { space, key, row, age, positions } = wrote;
        let now = inner.clock.mono();
        let entry = Entry::of(row, now.minus(age), now, positions);
        inner.shelf.wrote(space.id, &key, entry.into(), now);
    }

    /// A purge that came to this node is for all nodes of the location.
    pub(crate) async fn tell_siblings(&self, ctx: &Ctx, push: &Push) {
        let inner = self.inner();
        let tell = |to: Sibling| async move {
            let request = Request::Push(push.clone());
            self.told(inner.carrier.call_sibling(to, ctx.clone(), request).await);
        };
        stream::iter(inner.carrier.siblings()).map(tell).buffer_unordered(AT_ONCE).collect().await
    }

    fn told(&self, told: Result<Reply, Error>) {
        if let Err(error) = told {
            self.inner().metrics.unshared.inc();
            tracing::debug!(%error, "a node of this location was not told");
        }
    }
}
