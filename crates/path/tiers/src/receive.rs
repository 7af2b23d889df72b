//! What is done with an answer that came back: it is kept unless something overtook it, and what may
//! still follow it is minded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_peer::{Answer, Error, Question, Trailer, Truth};
use littoral_rules::{self as rules, Rule};
use littoral_tasks::TaskKind;
use littoral_types::{Ctx, Mono, Positions, SpaceId, Tag, Version};

use crate::flight::{Fetched, Landed};
use crate::shelf::Shelf;
use crate::{Entry, Tiers};

/// Who has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Keeper,
    Upward,
}

impl Tiers {
    /// Keeps an answer that came without a question of ours, as old as it says, unless something
    /// overtook it. Whether it was kept.
    pub fn keep(&self, space: SpaceId, key: &Bytes, answer: &Answer) -> bool {
        let inner = self.inner();
        let now = inner.clock.mono();
        let Ok(entry) = entry(answer, None, now) else { return false };
        let version = entry.version;
        inner.shelf.keep(space, key, Arc::new(entry), version, now)
    }

    /// Whether an answer that was stamped so would not be kept any more: a purge has come since.
    pub fn overtaken(
        &self,
        space: SpaceId,
        key: &[u8],
        tags: &[Tag],
        (version, positions): (Version, Positions),
    ) -> bool {
        self.inner().shelf.overtaken(space, key, tags, (version, positions))
    }
}

/// An answer came back: keep it if nothing overtook it, and mind what may still follow.
pub(crate) fn received(
    tiers: &Tiers,
    ctx: &Ctx,
    question: &Question,
    held: Option<Arc<Entry>>,
    answer: Answer,
    (whose, sent_at): (Whose, Mono),
) -> Landed {
    let inner = tiers.inner();
    let entry = Arc::new(entry(&answer, held, sent_at)?);
    let now = inner.clock.mono();
    // Without a row anywhere, it meets what was asked for all the same.
    let gone = entry.version.is_zero() && answer.confirmed;
    let met = if gone { question.minimum.own } else { entry.version };
    let keep = match whose {
        Whose::Keeper => Shelf::keep_copy,
        Whose::Upward => Shelf::keep,
    };
    let (space, key) = (question.space.id, &question.key);
    let kept = !answer.stale
        && ctx.allowed.contains(inner.here)
        && keep(&inner.shelf, space, key, Arc::clone(&entry), met, now);
    if !kept {
        inner.metrics.unkept.inc();
        // It is shown to readers here all the same: nothing older is, from now on.
        inner.shelf.purge(question.space.id, &question.key, entry.version, None, now);
    }
    if kept && !answer.trailing.is_none() {
        mind_trailer(tiers, question, &answer);
    }
    let Answer { stale, hops, trailing, .. } = answer;
    Ok(Arc::new(Fetched { entry, kept, stale, hops, trailing }))
}

/// The answer as this node holds it: its age counts from when the question was sent.
fn entry(answer: &Answer, held: Option<Arc<Entry>>, sent_at: Mono) -> Result<Entry, Error> {
    let vouched_at = match answer.age {
        _ if !rules::holds(Rule::AgeIsHandedDown) => sent_at,
        Duration::MAX => Mono::LONG_AGO,
        age => sent_at.minus(age),
    };
    let (positions, confirmed) = (answer.positions, answer.confirmed);
    match &answer.truth {
        Truth::NotModified => match held {
            Some(held) if held.version == answer.version => {
                let (copied_at, stale_since) = (sent_at, None);
                Ok(Entry {
                    vouched_at,
                    copied_at,
                    positions,
                    confirmed,
                    stale_since,
                    ..Entry::clone(&held)
                })
            }
            _ => Err(Error::Refused("not modified, but not of what is held".into())),
        },
        Truth::Whole { body, meta, tags, expires_at } => Ok(Entry {
            version: answer.version,
            body: body.clone(),
            meta: meta.clone(),
            tags: tags.clone(),
            expires_at: *expires_at,
            vouched_at,
            copied_at: sent_at,
            positions,
            confirmed,
            stale_since: None,
        }),
    }
}

fn mind_trailer(tiers: &Tiers, question: &Question, answer: &Answer) {
    let (space, key, version) = (question.space.id, question.key.clone(), answer.version);
    let (trailing, tiers_too) = (answer.trailing.clone(), tiers.clone());
    tiers.inner().tasks.spawn(TaskKind::Trailer, async move {
        let inner = tiers_too.inner();
        match trailing.wait().await {
            Some(Trailer::Confirmed { store, position }) => {
                let now = inner.clock.mono();
                inner.shelf.confirm(space, &key, version, (store, position), now);
            }
            Some(Trailer::Superseded { version }) => {
                inner.shelf.purge(space, &key, version, None, inner.clock.mono());
            }
            // Lost: the entry stays suspect.
            None => {}
        }
    });
}
