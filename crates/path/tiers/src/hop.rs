//! What every hop does: look, join identical questions, ask the next, keep.

use std::sync::Arc;
use std::time::Duration;

use littoral_peer::{Answer, Error, Hop, HopReport, Minimum, Outcome, Question, Reply, Request};
use littoral_peer::{Sibling, Terms, Truth};
use littoral_tasks::TaskKind;
use littoral_types::{Ctx, LocationId, Mono, Positions};

use crate::flight::{Fetched, Flight, Landed, Landing, Seat};
use crate::lookup::Inner;
use crate::receive::{Whose, received};
use crate::regional::{Trust, trust};
use crate::route::{Step, next};
use crate::{Entry, Policy, Tiers, origin};

/// How often a question is asked anew because a purge by hand overtook its answer.
const ASKED_ANEW_MAX: usize = 3;
/// Nodes of this location that are asked for a key, in their rank, before this one walks itself.
const KEEPERS_ASKED_MAX: usize = 2;
/// How often it is looked whether a location that takes its time is still there.
const WELL_EVERY: Duration = Duration::from_millis(500);
/// The longest that one of them is waited for: it may have to ask upward.
const KEEPER_TIME: Duration = Duration::from_secs(1);

impl Tiers {
    /// Answers the question of the location `from`, as its regional or upper tier.
    ///
    /// # Errors
    /// As [`Tiers::get`].
    pub async fn answer(
        &self,
        from: LocationId,
        ctx: Ctx,
        question: Question,
    ) -> Result<Answer, Error> {
        let (space, key) = (question.space, question.key.clone());
        let answer = self.tier(ctx, question).await?;
        self.filled(from, space, &key);
        Ok(answer)
    }

    async fn tier(&self, ctx: Ctx, question: Question) -> Result<Answer, Error> {
        let inner = self.inner();
        let began = inner.clock.mono();
        // Before looking: whatever is applied later may change what is found.
        let applied = inner.streams.applied();
        let held = inner.shelf.look(question.space.id, &question.key, began);
        let mut outcome = Outcome::Miss;
        if let Some(entry) = held.sound() {
            outcome = Outcome::Bypass;
            if meets(&question, entry, applied) && ctx.allowed.contains(inner.here) {
                match trust(inner, question.space, &question.key, entry, began) {
                    Trust::Covered => {
                        return Ok(vouched_answer(inner, &question, entry, applied, began));
                    }
                    Trust::Young if entry.positions.reaches(question.minimum.positions) => {
                        return Ok(held_answer(inner, &question, entry, began));
                    }
                    Trust::Young => {}
                    Trust::Suspect => outcome = Outcome::Suspect,
                }
            }
        }
        let upward = Question {
            held: held.entry.as_ref().map(|entry| entry.version),
            minimum: Minimum {
                client: question.minimum.client,
                own: question.minimum.own.max(held.newest()),
                positions: question.minimum.positions.join(held.purged),
            },
            ..question.clone()
        };
        let asked = ask(self, &ctx, Upward::from(&upward), held.entry.as_ref()).await;
        let policy = &inner.origins.of(question.space.kind)?.policy;
        passed(inner, &question, asked, outcome, (held.sound(), began), policy)
    }
}

/// A question, and the terms of its reader if a keeper should see to it.
#[derive(Clone, Copy)]
pub(crate) struct Upward<'a> {
    question: &'a Question,
    terms: Option<Terms>,
}

impl<'a> From<&'a Question> for Upward<'a> {
    fn from(question: &'a Question) -> Self {
        Self { question, terms: None }
    }
}

impl<'a> Upward<'a> {
    pub(crate) fn by(question: &'a Question, policy: &Policy) -> Self {
        Self { question, terms: Some(policy.into()) }
    }
}

/// What came of asking, for who asked here.
pub(crate) fn passed(
    inner: &Inner,
    question: &Question,
    asked: Result<(Arc<Fetched>, bool), Error>,
    outcome: Outcome,
    (held, began): (Option<&Arc<Entry>>, Mono),
    policy: &Policy,
) -> Result<Answer, Error> {
    match asked {
        Ok((fetched, joined)) => {
            let outcome = match outcome {
                _ if fetched.stale => Outcome::Stale,
                outcome => outcome.joined(joined, question.asked.is_empty()),
            };
            Ok(pass_on(inner, question, &fetched, outcome, began))
        }
        Err(error) => stale_if_error(inner, question, (held, began), error, policy),
    }
}

pub(crate) fn meets(question: &Question, entry: &Entry, applied: Positions) -> bool {
    let Minimum { client, own, positions } = question.minimum;
    !question.through
        && entry.version >= own
        && client.is_none_or(|client| entry.version >= client)
        && entry.positions.join(applied).reaches(positions)
}

/// Of an entry that this node vouches for, having applied so much.
pub(crate) fn vouched_answer(
    inner: &Inner,
    question: &Question,
    entry: &Entry,
    applied: Positions,
    began: Mono,
) -> Answer {
    let positions = entry.positions.join(applied);
    let entry = Entry { vouched_at: began, positions, ..Entry::clone(entry) };
    held_answer(inner, question, &entry, began)
}

pub(crate) fn held_answer(
    inner: &Inner,
    question: &Question,
    entry: &Entry,
    began: Mono,
) -> Answer {
    let report = report(inner, question.hop, Outcome::Hit, false, began);
    let mut answer = answer(question, entry, inner.clock.mono());
    answer.hops.push(report);
    answer
}

fn answer(question: &Question, entry: &Entry, now: Mono) -> Answer {
    let truth = if question.held == Some(entry.version) {
        Truth::NotModified
    } else {
        Truth::Whole {
            body: entry.body.clone(),
            meta: entry.meta.clone(),
            tags: entry.tags.clone(),
            expires_at: entry.expires_at,
        }
    };
    Answer {
        version: entry.version,
        truth,
        age: entry.age(now),
        positions: entry.positions,
        confirmed: entry.confirmed,
        stale: false,
        hops: littoral_peer::Hops::default(),
        trailing: littoral_peer::Trailing::NONE,
    }
}

fn pass_on(
    inner: &Inner,
    question: &Question,
    fetched: &Fetched,
    outcome: Outcome,
    began: Mono,
) -> Answer {
    let mut answer = answer(question, &fetched.entry, inner.clock.mono());
    answer.stale = fetched.stale;
    answer.trailing = fetched.trailing.clone();
    answer.hops = fetched.hops;
    answer.hops.push(report(inner, question.hop, outcome, fetched.kept, began));
    answer
}

fn stale_if_error(
    inner: &Inner,
    question: &Question,
    (held, began): (Option<&Arc<Entry>>, Mono),
    error: Error,
    policy: &Policy,
) -> Result<Answer, Error> {
    let now = inner.clock.mono();
    let usable = |entry: &&Arc<Entry>| {
        error != Error::MinimumUnmet
            && question.minimum.client.is_none_or(|client| entry.version >= client)
            && entry.age(now) < policy.stale_if_error
    };
    let Some(entry) = held.filter(usable) else { return Err(error) };
    let mut answer = answer(question, entry, now);
    answer.stale = true;
    answer.hops.push(report(inner, question.hop, Outcome::Stale, false, began));
    Ok(answer)
}

fn report(inner: &Inner, hop: Hop, outcome: Outcome, stored: bool, began: Mono) -> HopReport {
    inner.metrics.answered(hop, outcome);
    let took = inner.clock.mono().since(began);
    HopReport { location: inner.here, hop, outcome, stored, ttl: None, took }
}

/// Asks upward, together with whoever asks the same, and waits. Also says whether it joined.
pub(crate) async fn ask(
    tiers: &Tiers,
    ctx: &Ctx,
    upward: Upward<'_>,
    held: Option<&Arc<Entry>>,
) -> Result<(Arc<Fetched>, bool), Error> {
    let inner = tiers.inner();
    let mut question = upward.question.clone();
    for _ in 0..ASKED_ANEW_MAX {
        let applied = inner.streams.applied();
        let (flight, joined) = board(tiers, ctx, (&question, upward.terms), held)?;
        let landed = inner.clock.until(ctx.deadline, flight.wait()).await;
        let fetched = landed.map_err(|_| Error::Deadline)??;
        // A purge by hand that had been applied when we asked must be met; one that came later
        // leaves the answer good for us, though it is not kept.
        let overtaken = overtaken(inner, &question, &fetched.entry, applied);
        if overtaken == Positions::NONE || fetched.stale {
            return Ok((fetched, joined));
        }
        question.minimum.positions = question.minimum.positions.join(overtaken);
    }
    Err(Error::Unavailable("purges by hand keep overtaking the answer".into()))
}

/// Asks upward without waiting: a refresh.
pub(crate) fn refresh(tiers: &Tiers, ctx: &Ctx, upward: Upward<'_>, held: &Arc<Entry>) {
    tiers.inner().metrics.refreshes.inc();
    // A client's minimum is met already; at a limit the next reader tries again.
    let minimum = Minimum { client: None, ..upward.question.minimum };
    let question = Question { minimum, ..upward.question.clone() };
    let _ = board(tiers, ctx, (&question, upward.terms), Some(held));
}

fn overtaken(inner: &Inner, question: &Question, entry: &Entry, asked: Positions) -> Positions {
    let tags = entry.tags.as_deref().unwrap_or_default();
    let covering = inner.shelf.hand.covering(question.space.id, &question.key, tags);
    covering.iter().fold(Positions::NONE, |all, (store, purge)| {
        let met = entry.positions.of(store).reaches(purge);
        if met || !asked.of(store).reaches(purge) { all } else { all.with(store, purge) }
    })
}

fn board(
    tiers: &Tiers,
    ctx: &Ctx,
    (question, terms): (&Question, Option<Terms>),
    held: Option<&Arc<Entry>>,
) -> Result<(Arc<Flight>, bool), Error> {
    let inner = tiers.inner();
    let hash = inner.origins.hash(question.space, &question.key);
    // A keeper asks as the edge that it is; only an edge that is none asks it.
    let asks_as = if question.hop == Hop::Keeper { Hop::Edge } else { question.hop };
    let steps = next(inner, asks_as, hash, &ctx.allowed);
    let to = steps.first().map(|Step(_, to)| *to);
    let keepers = terms.filter(|_| question.hop == Hop::Edge).map(|terms| {
        let mut nodes = inner.carrier.keepers(question.space.id, &question.key);
        nodes.truncate(KEEPERS_ASKED_MAX);
        Keepers { nodes, terms }
    });
    let keepers = keepers.filter(|keepers| !keepers.nodes.is_empty());
    let keeper = keepers.as_ref().map(|keepers| (keepers.nodes[0], keepers.terms));
    match inner.flights.board(question, &ctx.allowed, to, keeper)? {
        Seat::Joined(flight) => Ok((flight, true)),
        Seat::Leads(flight) => {
            let (tiers, question) = (tiers.clone(), question.clone());
            let (held, leader) = (held.cloned(), Arc::clone(&flight));
            let time = inner.origins.time(question.space.kind).unwrap_or(inner.limits.hop_time);
            let ctx = Ctx { deadline: inner.clock.after(time), ..ctx.clone() };
            inner.tasks.spawn(TaskKind::Flight, async move {
                let landing = Landing::new(&tiers.inner().flights, leader);
                let landed = match keepers {
                    Some(keepers) => {
                        ask_keeper(&tiers, &ctx, &question, keepers, held.as_ref()).await
                    }
                    None => None,
                };
                let landed = match landed {
                    Some(landed) => landed,
                    None => fly(&tiers, ctx, question, steps, held).await,
                };
                landing.with(landed);
            });
            Ok((flight, false))
        }
    }
}

/// Who is asked in this node's location before it walks itself.
struct Keepers {
    nodes: Vec<Sibling>,
    terms: Terms,
}

/// `None`: none of them answers, and this node stands in for them.
async fn ask_keeper(
    tiers: &Tiers,
    ctx: &Ctx,
    question: &Question,
    keepers: Keepers,
    held: Option<&Arc<Entry>>,
) -> Option<Landed> {
    let inner = tiers.inner();
    for to in keepers.nodes {
        let sent_at = inner.clock.mono();
        let half = ctx.deadline.since(sent_at) / 2;
        let patient = inner.origins.time(question.space.kind).is_some();
        let wait = if patient { half } else { KEEPER_TIME.min(half) };
        let attempt = Ctx { deadline: sent_at.plus(wait), ..ctx.clone() };
        let asked = Question { hop: Hop::Keeper, ..question.clone() };
        let request = Request::AskKeeper(asked, keepers.terms);
        match inner.carrier.call_sibling(to, attempt, request).await {
            Ok(Reply::Answer(answer)) => {
                let of = (Whose::Keeper, sent_at);
                return Some(received(tiers, ctx, question, held.cloned(), answer, of));
            }
            Ok(_) => return Some(Err(Error::Refused("not an answer to a question".into()))),
            Err(Error::MinimumUnmet) => return Some(Err(Error::MinimumUnmet)),
            Err(error) => tracing::debug!(%error, "the key's keeper did not answer"),
        }
    }
    None
}

async fn fly(
    tiers: &Tiers,
    ctx: Ctx,
    question: Question,
    steps: Vec<Step>,
    held: Option<Arc<Entry>>,
) -> Landed {
    let inner = tiers.inner();
    let patient = inner.origins.time(question.space.kind).is_some();
    let mut last = None;
    for Step(hop, to) in steps {
        let sent_at = inner.clock.mono();
        // Half of what is left: should this one stay silent, another can still be asked.
        let share = ctx.deadline.since(sent_at) / 2;
        let attempt = Ctx { deadline: sent_at.plus(share), ..ctx.clone() };
        let request = Request::Ask(Question { hop, ..question.clone() });
        match call(inner, to, attempt, request, patient).await {
            Ok(Reply::Answer(answer)) => {
                inner.health.answered(to);
                let of = (Whose::Upward, sent_at);
                return received(tiers, &ctx, &question, held, answer, of);
            }
            Ok(_) => return Err(Error::Refused("not an answer to a question".into())),
            Err(Error::MinimumUnmet) => return Err(Error::MinimumUnmet),
            Err(error) => {
                // That an origin takes its time is not the fault of who asks it.
                if error == Error::Unreachable || error == Error::Deadline && !patient {
                    inner.health.failed(to, inner.clock.mono());
                }
                tracing::debug!(hop = hop.name(), %error, "next hop did not answer");
                last = Some(error);
            }
        }
    }
    let sent_at = inner.clock.mono();
    match Box::pin(origin::ask(tiers, ctx.clone(), question.clone())).await {
        Ok(answer) => {
            let of = (Whose::Upward, sent_at);
            received(tiers, &ctx, &question, held, answer, of)
        }
        Err(Error::MinimumUnmet) => Err(Error::MinimumUnmet),
        Err(error) => Err(last.filter(|e| *e == Error::Overloaded).unwrap_or(error)),
    }
}

/// Calls another location: patiently, for as long as somebody there is well.
async fn call(
    inner: &Inner,
    to: LocationId,
    ctx: Ctx,
    request: Request,
    patient: bool,
) -> Result<Reply, Error> {
    let mut answer = inner.carrier.call(to, ctx, request);
    if !patient {
        return answer.await;
    }
    loop {
        match inner.clock.timeout(WELL_EVERY, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) if inner.carrier.well(to) => {}
            Err(_) => return Err(Error::Unreachable),
        }
    }
}
