//! What every hop does: look, join identical questions, ask the next, keep.

use std::sync::Arc;
use std::time::Duration;

use littoral_peer::{Answer, Error, Hop, HopReport, Minimum, Outcome, Question, Reply, Request};
use littoral_peer::{Trailer, Truth};
use littoral_rules::{self as rules, Rule};
use littoral_tasks::TaskKind;
use littoral_topology::key_hash;
use littoral_types::{Ctx, LocationId, Mono, Positions};

use crate::flight::{Fetched, Flight, Landed, Landing, Seat};
use crate::hand::join;
use crate::lookup::Inner;
use crate::regional::{Trust, trust};
use crate::route::{Step, next};
use crate::{Entry, Tiers, origin};

/// How often a question is asked anew because a purge by hand overtook its answer.
const ASKED_ANEW_MAX: usize = 3;

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
                        let vouched_at = began;
                        let positions = join(entry.positions, applied);
                        let entry = Entry { vouched_at, positions, ..Entry::clone(entry) };
                        return Ok(held_answer(inner, &question, &entry, began));
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
                positions: join(question.minimum.positions, held.purged),
            },
            ..question.clone()
        };
        match ask(self, &ctx, &upward, held.entry.as_ref()).await {
            Ok((fetched, joined)) => {
                let outcome = match outcome {
                    _ if fetched.stale => Outcome::Stale,
                    Outcome::Miss if joined => Outcome::Collapsed,
                    outcome => outcome,
                };
                Ok(pass_on(inner, &question, &fetched, outcome, began))
            }
            Err(error) => stale_if_error(inner, &question, held.sound(), began, error),
        }
    }
}

fn meets(question: &Question, entry: &Entry, applied: Positions) -> bool {
    let Minimum { client, own, positions } = question.minimum;
    !question.through
        && entry.version >= own
        && client.is_none_or(|client| entry.version >= client)
        && join(entry.positions, applied).reaches(positions)
}

fn held_answer(inner: &Inner, question: &Question, entry: &Entry, began: Mono) -> Answer {
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
    held: Option<&Arc<Entry>>,
    began: Mono,
    error: Error,
) -> Result<Answer, Error> {
    let policy = &inner.origins.of(question.space.kind)?.policy;
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
    question: &Question,
    held: Option<&Arc<Entry>>,
) -> Result<(Arc<Fetched>, bool), Error> {
    let inner = tiers.inner();
    let mut question = question.clone();
    for _ in 0..ASKED_ANEW_MAX {
        let applied = inner.streams.applied();
        let (flight, joined) = board(tiers, ctx, &question, held)?;
        let landed = inner.clock.until(ctx.deadline, flight.wait()).await;
        let fetched = landed.map_err(|_| Error::Deadline)??;
        // A purge by hand that had been applied when we asked must be met; one that came later
        // leaves the answer good for us, though it is not kept.
        let overtaken = overtaken(inner, &question, &fetched.entry, applied);
        if overtaken == Positions::NONE || fetched.stale {
            return Ok((fetched, joined));
        }
        question.minimum.positions = join(question.minimum.positions, overtaken);
    }
    Err(Error::Unavailable("purges by hand keep overtaking the answer".into()))
}

/// Asks upward without waiting: a refresh.
pub(crate) fn refresh(tiers: &Tiers, ctx: &Ctx, question: &Question, held: &Arc<Entry>) {
    tiers.inner().metrics.refreshes.inc();
    // A client's minimum is met already; at a limit the next reader tries again.
    let question =
        Question { minimum: Minimum { client: None, ..question.minimum }, ..question.clone() };
    let _ = board(tiers, ctx, &question, Some(held));
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
    question: &Question,
    held: Option<&Arc<Entry>>,
) -> Result<(Arc<Flight>, bool), Error> {
    let inner = tiers.inner();
    let hash = key_hash(question.space.id, &question.key);
    let steps = next(inner, question.hop, hash, &ctx.allowed);
    let to = steps.first().map(|Step(_, to)| *to);
    match inner.flights.board(question, &ctx.allowed, to)? {
        Seat::Joined(flight) => Ok((flight, true)),
        Seat::Leads(flight) => {
            let (tiers, question) = (tiers.clone(), question.clone());
            let (held, leader) = (held.cloned(), Arc::clone(&flight));
            let ctx = Ctx { deadline: inner.clock.after(inner.limits.hop_time), ..ctx.clone() };
            inner.tasks.spawn(TaskKind::Flight, async move {
                let landing = Landing::new(&tiers.inner().flights, leader);
                let landed = fly(&tiers, ctx, question, steps, held).await;
                landing.with(landed);
            });
            Ok((flight, false))
        }
    }
}

async fn fly(
    tiers: &Tiers,
    ctx: Ctx,
    question: Question,
    steps: Vec<Step>,
    held: Option<Arc<Entry>>,
) -> Landed {
    let inner = tiers.inner();
    let mut last = None;
    for Step(hop, to) in steps {
        let sent_at = inner.clock.mono();
        // Half of what is left: should this one stay silent, another can still be asked.
        let share = ctx.deadline.since(sent_at) / 2;
        let attempt = Ctx { deadline: sent_at.plus(share), ..ctx.clone() };
        let request = Request::Ask(Question { hop, ..question.clone() });
        match inner.carrier.call(to, attempt, request).await {
            Ok(Reply::Answer(answer)) => {
                inner.health.answered(to);
                return received(tiers, &ctx, &question, held, answer, sent_at);
            }
            Ok(_) => return Err(Error::Refused("not an answer to a question".into())),
            Err(Error::MinimumUnmet) => return Err(Error::MinimumUnmet),
            Err(error) => {
                if matches!(error, Error::Unreachable | Error::Deadline) {
                    inner.health.failed(to, inner.clock.mono());
                }
                tracing::debug!(hop = hop.name(), %error, "next hop did not answer");
                last = Some(error);
            }
        }
    }
    let sent_at = inner.clock.mono();
    match Box::pin(origin::ask(tiers, ctx.clone(), question.clone())).await {
        Ok(answer) => received(tiers, &ctx, &question, held, answer, sent_at),
        Err(Error::MinimumUnmet) => Err(Error::MinimumUnmet),
        Err(error) => Err(last.filter(|e| *e == Error::Overloaded).unwrap_or(error)),
    }
}

/// An answer came back: keep it if nothing overtook it, and mind what may still follow.
fn received(
    tiers: &Tiers,
    ctx: &Ctx,
    question: &Question,
    held: Option<Arc<Entry>>,
    answer: Answer,
    sent_at: Mono,
) -> Landed {
    let inner = tiers.inner();
    let entry = Arc::new(entry(&answer, held, sent_at)?);
    let now = inner.clock.mono();
    // Without a row anywhere, it meets what was asked for all the same.
    let gone = entry.version.is_zero() && answer.confirmed;
    let met = if gone { question.minimum.own } else { entry.version };
    let kept = !answer.stale
        && ctx.allowed.contains(inner.here)
        && inner.shelf.keep(question.space.id, &question.key, Arc::clone(&entry), met, now);
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
                Ok(Entry { vouched_at, positions, confirmed, ..Entry::clone(&held) })
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
            positions,
            confirmed,
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
