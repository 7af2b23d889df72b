//! One request on its way through a plan.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use http::StatusCode;
use littoral_clock::Clock;
use littoral_types::Mono;

use super::{OnError, Plan, Step};
use crate::error::code;
use crate::means::Means;
use crate::rule::{Asked, Decided, Decision, Outcome, Reply, View};

/// What has been decided of one request so far.
pub struct Progress {
    outcomes: Vec<Option<Outcome>>,
    times: Vec<Option<(Mono, Mono)>>,
    waiting: FuturesUnordered<BoxFuture<'static, (usize, Decided)>>,
    started: u128,
    done: u128,
    /// The first that answers, of those that have decided.
    cut: usize,
}

/// What a plan came to.
pub struct Done {
    /// By place; those that were not needed are missing.
    pub outcomes: Vec<Option<Outcome>>,
    /// When each that was asked began and ended.
    pub times: Vec<Option<(Mono, Mono)>>,
    /// The rule that answered.
    pub answered: Option<usize>,
}

impl Done {
    /// The request as all rules have left it, if none has answered.
    pub fn view<'a>(&'a self, asked: &'a Asked) -> View<'a> {
        View::new(asked, &self.outcomes, all(self.outcomes.len()))
    }

    /// The outcomes that count, in the declared order.
    pub fn counted(&self) -> impl Iterator<Item = &Outcome> {
        let end = self.answered.map_or(self.outcomes.len(), |at| at + 1);
        self.outcomes[..end].iter().flatten()
    }
}

impl Progress {
    pub fn new(plan: &Plan) -> Self {
        let len = plan.steps.len();
        Self {
            outcomes: std::iter::repeat_with(|| None).take(len).collect(),
            times: vec![None; len],
            waiting: FuturesUnordered::new(),
            started: 0,
            done: 0,
            cut: len,
        }
    }

    /// Starts every rule that can be, without waiting. Whether all that counts is decided.
    pub fn advance(&mut self, plan: &Plan, asked: &Asked, means: &Arc<Means>) -> bool {
        // Each waits only for those before it: one pass starts all there are.
        for (at, step) in plan.steps.iter().enumerate() {
            if at >= self.cut {
                break;
            }
            let ready = plan.after[at] & !self.done == 0;
            if self.started & (1 << at) != 0 || !ready {
                continue;
            }
            self.started |= 1 << at;
            let view = View::new(asked, &self.outcomes, plan.after[at]);
            if !step.when.holds(&view) {
                self.decided(at, Outcome::pass("not asked"));
                continue;
            }
            let began = means.clock.mono();
            self.times[at] = Some((began, began));
            match step.rule.decide(&view, means) {
                Decision::Now(decided) => self.judged(at, step, decided, &means.clock),
                Decision::Later(later) => {
                    let (clock, time_max) = (means.clock.clone(), step.time_max);
                    self.waiting.push(Box::pin(async move {
                        let decided = clock.timeout(time_max, later).await;
                        (at, decided.unwrap_or_else(|_| Err("it took too long".into())))
                    }));
                }
            }
        }
        let counts = if self.cut >= 128 { u128::MAX } else { (1 << self.cut) - 1 };
        self.done & counts == counts & all(plan.steps.len())
    }

    /// Waits until all that counts is decided. What is still under way then is dropped.
    pub async fn finish(mut self, plan: &Plan, asked: &Asked, means: &Arc<Means>) -> Done {
        while !self.advance(plan, asked, means) {
            let Some((at, decided)) = self.waiting.next().await else { break };
            self.judged(at, &plan.steps[at], decided, &means.clock);
        }
        self.end()
    }

    /// What it came to, once all that counts is decided.
    pub fn end(self) -> Done {
        let answered = (self.cut < self.outcomes.len()).then_some(self.cut);
        Done { outcomes: self.outcomes, times: self.times, answered }
    }

    fn judged(&mut self, at: usize, step: &Step, decided: Decided, clock: &Clock) {
        if let Some((_, ended)) = &mut self.times[at] {
            *ended = clock.mono();
        }
        let outcome = decided.unwrap_or_else(|why| failed(step, &why));
        self.decided(at, outcome);
    }

    fn decided(&mut self, at: usize, outcome: Outcome) {
        if outcome.answers() {
            self.cut = self.cut.min(at);
        }
        self.outcomes[at] = Some(outcome);
        self.done |= 1 << at;
    }
}

/// A bit for each of so many rules.
fn all(len: usize) -> u128 {
    if len >= 128 { u128::MAX } else { (1 << len) - 1 }
}

fn failed(step: &Step, why: &str) -> Outcome {
    let name = &step.name;
    tracing::warn!(rule = %name, why, "a rule could not decide");
    let note: Cow<'static, str> = format!("failed: {why}").into();
    match step.on_error {
        OnError::Allow => Outcome::pass(note),
        OnError::Deny => {
            let message = format!("the rule {name} cannot decide now");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Outcome::answer(Reply::refusal(status, code::RULE_FAILED, &message), note)
        }
    }
}
