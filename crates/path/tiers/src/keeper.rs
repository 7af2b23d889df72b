//! Inside a location each key has one keeper: the node that ranks first for it among those that are
//! well. It holds the entry as an edge does, and remembers its versions; the other nodes ask it, and
//! serve copies that are a second old at most, so that a hot key is answered where it is read.
//!
//! Who it is, the [carrier](littoral_peer::Carrier::keeps) knows. A new keeper is, for that key, as
//! after a restart: what it held before is validated, and what it does not remember is asked of the
//! origin. A node that is asked as keeper never passes the question on to another.

use std::time::Duration;

use littoral_peer::{Answer, Error, Hop, Minimum, Outcome, Question, Terms};
use littoral_rules::{self as rules, Rule};
use littoral_types::{Ctx, Mono, SpaceId, Wall};

use crate::edge::{self, Verdict};
use crate::hop::{self, Upward};
use crate::lookup::Inner;
use crate::shelf::Held;
use crate::{Entry, Policy, Tiers};

/// How long a node serves what it holds of a key that another one keeps. From half of it on, the
/// keeper is asked beside the readers, so that those of a hot key never wait.
pub(crate) const COPY_TIME: Duration = Duration::from_secs(1);

/// How a node stands to an entry that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Keeps,
    /// A copy, or held since before this node kept the key.
    Copy,
}

/// How this node stands to what it holds of a key.
pub(crate) fn standing(inner: &Inner, space: SpaceId, key: &[u8], entry: &Entry) -> Standing {
    match inner.carrier.keeps(space, key) {
        Some(since) if entry.copied_at >= since => Standing::Keeps,
        _ => Standing::Copy,
    }
}

/// What an edge does with what it holds, as keeper of the key or not.
pub(crate) fn judge(
    inner: &Inner,
    (space, key): (SpaceId, &[u8]),
    entry: &Entry,
    policy: &Policy,
    (now, wall): (Mono, Wall),
) -> Verdict {
    let verdict = edge::judge(entry, policy, now, wall);
    let copied = now.since(entry.copied_at);
    // By far most: a young copy is as good as what the keeper holds.
    if verdict == Verdict::Fresh && copied < COPY_TIME / 2 {
        return verdict;
    }
    match standing(inner, space, key, entry) {
        Standing::Keeps => verdict,
        Standing::Copy => copy(verdict, copied),
    }
}

/// The keeper sees to it that the entry is refreshed in time.
fn copy(verdict: Verdict, copied: Duration) -> Verdict {
    if verdict == Verdict::Beyond || copied >= COPY_TIME && rules::holds(Rule::CopiesAreYoung) {
        Verdict::Beyond
    } else if copied >= COPY_TIME / 2 {
        Verdict::Refresh
    } else {
        Verdict::Fresh
    }
}

/// Whether this node keeps the key since so short a time that it may not know what the one before it
/// acknowledged, and has not asked since.
pub(crate) fn begins(inner: &Inner, space: SpaceId, key: &[u8], held: &Held, now: Mono) -> bool {
    let Some(since) = inner.carrier.keeps(space, key) else { return false };
    let asked = held.entry.as_ref().is_some_and(|entry| entry.copied_at >= since);
    !asked && now.since(since) < inner.limits.silence + inner.limits.hop_time
}

impl Tiers {
    /// Answers another node of this location, as the keeper of the key.
    ///
    /// # Errors
    /// As [`Tiers::get`].
    pub(crate) async fn answer_sibling(
        &self,
        ctx: Ctx,
        question: Question,
        terms: Terms,
    ) -> Result<Answer, Error> {
        let inner = self.inner();
        let (began, wall) = (inner.clock.mono(), inner.clock.wall());
        let question = Question { hop: Hop::Keeper, ..question };
        let policy = Policy::from(terms);
        // Before looking: whatever is applied later may change what is found.
        let applied = inner.streams.applied();
        let (kind, space, key) = (question.space.kind, question.space.id, question.key.clone());
        let held = inner.shelf.look(space, &key, began);
        let gaps = inner.shelf.remembered.gaps(began) || begins(inner, space, &key, &held, began);
        let upward = Question {
            held: held.entry.as_ref().map(|entry| entry.version),
            minimum: Minimum {
                client: question.minimum.client,
                own: question.minimum.own.max(held.newest()),
                positions: question.minimum.positions.join(held.purged),
            },
            through: question.through
                || held.memo.version.is_zero() && gaps && inner.origins.misses_purges(kind),
            ..question.clone()
        };
        let mut outcome = Outcome::Miss;
        if let Some(entry) = held.sound() {
            outcome = Outcome::Bypass;
            if hop::meets(&question, entry, applied) && ctx.allowed.contains(inner.here) {
                outcome = Outcome::Suspect;
                if self.vouches((space, &key), entry, &policy, began) {
                    return Ok(hop::vouched_answer(inner, &question, entry, applied, began));
                }
                let verdict = judge(inner, (space, &key), entry, &policy, (began, wall));
                let whole = entry.positions.reaches(question.minimum.positions);
                if whole && verdict != Verdict::Beyond {
                    if verdict == Verdict::Refresh {
                        hop::refresh(self, &ctx, Upward::from(&upward), entry);
                    }
                    return Ok(hop::held_answer(inner, &question, entry, began));
                }
            }
        }
        let asked = hop::ask(self, &ctx, Upward::from(&upward), held.entry.as_ref()).await;
        hop::passed(inner, &question, asked, outcome, (held.sound(), began), &policy)
    }
}

impl From<Terms> for Policy {
    fn from(terms: Terms) -> Self {
        let Terms { refresh, cache_ttl, absent, stale_if_error } = terms;
        Self { refresh, cache_ttl, absent, stale_if_error }
    }
}

impl From<&Policy> for Terms {
    fn from(policy: &Policy) -> Self {
        let Policy { refresh, cache_ttl, absent, stale_if_error } = *policy;
        Self { refresh, cache_ttl, absent, stale_if_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_served_for_a_second_and_asked_about_from_half_of_it_on() {
        let ms = Duration::from_millis;
        assert_eq!(copy(Verdict::Fresh, ms(499)), Verdict::Fresh);
        assert_eq!(copy(Verdict::Refresh, ms(499)), Verdict::Fresh, "the keeper refreshes it");
        assert_eq!(copy(Verdict::Fresh, ms(500)), Verdict::Refresh);
        assert_eq!(copy(Verdict::Fresh, ms(1_000)), Verdict::Beyond);
        assert_eq!(copy(Verdict::Beyond, ms(1)), Verdict::Beyond, "too old for its reader");
    }
}
