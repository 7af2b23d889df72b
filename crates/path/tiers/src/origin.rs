//! The end of the walk: whoever holds the truth of a space.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_peer::{Answer, Error, Hop, HopReport, Minimum, Opaque, Outcome, Question};
use littoral_topology::{KeyHash, key_hash};
use littoral_types::{Ctx, Kind, Position, Positions, Space, Version};

use crate::{Entry, Policy, Tiers};

/// Answers for the spaces of one [`Kind`].
///
/// The key-value store races two stores; a gateway asks a site's server; a baker bakes. `tiers`
/// knows one origin per space and nothing of what is behind it. To add one: implement this, choose
/// a [`Kind`], and [register](Tiers::register) it on every node.
pub trait Origin: Send + Sync + 'static {
    /// The newest answer for a key.
    ///
    /// - An origin that numbers its writes gives their version, which never goes back, not for
    ///   *absent* either. Any other gives [`Asked::stamp`], so that a purge during the fetch wins; to
    ///   be able to say "not modified" it may remember the stamp it gave for the present state, and
    ///   give that again while it is at least `minimum.own`.
    /// - An answer older than `minimum.own` is marked `stale`, so that nobody keeps it.
    /// - `positions`: what it knows better than [`Asked::applied`], else that.
    /// - `confirmed` only if every later change of the key is purged through the stores' streams:
    ///   tiers then hold the answer until purged. An origin whose truth changes without a purge
    ///   leaves it false, and tiers validate once the age passes the silence limit. One that asks
    ///   several may confirm or correct afterwards, with [`Answer::trailing`].
    /// - To purge, it sends [`StoreCall::Purge`](littoral_peer::StoreCall::Purge) for its space to
    ///   both stores; every tier follows their streams.
    /// - [`Truth::NotModified`](littoral_peer::Truth::NotModified) only for [`Asked::held`].
    ///
    /// # Errors
    /// [`Error::MinimumUnmet`] when the client's minimum is not met by anybody who answers;
    /// [`Error::Unavailable`] when nobody answers.
    fn fetch(&self, ctx: Ctx, asked: Asked) -> BoxFuture<'_, Result<Answer, Error>>;

    /// For how long after it was vouched for an entry may be handed on to whoever asks from another
    /// location, where answers bring a freshness of their own. `None`: for the silence limit.
    fn fresh_for(&self, _entry: &Arc<Entry>) -> Option<Duration> {
        None
    }

    /// What of a key says which locations are its tiers: keys with the same stand at the same.
    fn place<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        key
    }

    /// How long it may take, where that is longer than a hop is given. Then a hop is waited for as
    /// long as somebody there is well.
    fn time(&self) -> Option<Duration> {
        None
    }

    /// Whether a node that has just started may lack purges that nobody will repeat to it, so that
    /// what it asks must reach the origin.
    fn misses_purges(&self) -> bool {
        true
    }
}

/// A question as it reaches the origin.
#[derive(Clone, Debug)]
pub struct Asked {
    pub space: Space,
    pub key: Bytes,
    pub held: Option<Version>,
    pub minimum: Minimum,
    /// What the space's front wants told. Of those who joined, the first one's.
    pub asked: Opaque,
    /// The version of an answer from an origin that numbers no writes.
    pub stamp: Version,
    /// What the asking node had applied of every stream before it asked.
    pub applied: Positions,
}

/// An origin and the policy of questions that bring none.
pub(crate) struct Registered {
    pub(crate) origin: Arc<dyn Origin>,
    pub(crate) policy: Policy,
}

/// Origins by kind.
#[derive(Default)]
pub(crate) struct Origins(Vec<OnceLock<Registered>>);

impl Origins {
    pub(crate) fn new() -> Self {
        Self((0..=u8::MAX).map(|_| OnceLock::new()).collect())
    }

    pub(crate) fn add(&self, kind: Kind, registered: Registered) -> bool {
        self.0[usize::from(kind.0)].set(registered).is_ok()
    }

    pub(crate) fn of(&self, kind: Kind) -> Result<&Registered, Error> {
        let unknown = || Error::Refused(format!("nothing answers for spaces of kind {}", kind.0));
        self.0[usize::from(kind.0)].get().ok_or_else(unknown)
    }

    fn origin(&self, kind: Kind) -> Option<&dyn Origin> {
        self.0[usize::from(kind.0)].get().map(|registered| &*registered.origin)
    }

    /// By what the tiers of a key are found.
    pub(crate) fn hash(&self, space: Space, key: &[u8]) -> KeyHash {
        key_hash(space.id, self.origin(space.kind).map_or(key, |origin| origin.place(key)))
    }

    pub(crate) fn fresh_for(&self, kind: Kind, entry: &Arc<Entry>) -> Option<Duration> {
        self.origin(kind)?.fresh_for(entry)
    }

    pub(crate) fn time(&self, kind: Kind) -> Option<Duration> {
        self.origin(kind)?.time()
    }

    pub(crate) fn misses_purges(&self, kind: Kind) -> bool {
        self.origin(kind).is_none_or(Origin::misses_purges)
    }
}

/// The origin hop: asks the truth from here.
pub(crate) async fn ask(tiers: &Tiers, ctx: Ctx, question: Question) -> Result<Answer, Error> {
    let inner = tiers.inner();
    let registered = inner.origins.of(question.space.kind)?;
    let applied = inner.streams.applied();
    let began = inner.clock.mono();
    let asked = Asked {
        space: question.space,
        key: question.key,
        held: question.held,
        minimum: question.minimum,
        asked: question.asked,
        stamp: inner.hlc.now(),
        applied,
    };
    let mut answer = registered.origin.fetch(ctx, asked).await?;
    for (store, position) in applied.iter() {
        if answer.positions.of(store) == Position::NONE {
            answer.positions = answer.positions.with(store, position);
        }
    }
    let took = inner.clock.mono().since(began);
    inner.metrics.answered(Hop::Origin, Outcome::Hit);
    answer.hops.push(HopReport {
        location: inner.here,
        hop: Hop::Origin,
        outcome: Outcome::Hit,
        stored: false,
        ttl: None,
        took,
    });
    Ok(answer)
}
