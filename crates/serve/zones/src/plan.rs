//! The plan of a rule set: which rules wait for which, made once per version.
//!
//! A rule waits for those before it that give what it needs, and for no other. What rules change is
//! applied in the declared order once all have decided, and of several that answer the first one
//! counts. So a request is answered as if the rules had run one after another.

mod progress;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::condition::Condition;
use crate::rule::{Part, Rule};

pub use progress::{Done, Progress};

/// Rules of a zone: each is a bit of a number.
pub const RULES_MAX: usize = 128;

/// What to do when a rule cannot decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Answer 503: nobody comes in because a check is down.
    #[default]
    Deny,
    /// Go on as if the rule were not there.
    Allow,
}

/// A rule in its place.
#[derive(Clone)]
pub struct Step {
    pub name: Arc<str>,
    pub when: Condition,
    pub rule: Arc<dyn Rule>,
    pub on_error: OnError,
    /// How long it may take.
    pub time_max: Duration,
}

/// Rules in their declared order, and what each waits for.
#[derive(Clone, Default)]
pub struct Plan {
    steps: Vec<Step>,
    /// For each rule those it waits for, a bit each; all are before it.
    after: Vec<u128>,
}

impl Plan {
    /// # Panics
    /// With more than [`RULES_MAX`] rules: the configuration refuses them.
    pub fn new(steps: Vec<Step>) -> Self {
        assert!(steps.len() <= RULES_MAX, "a zone has at most {RULES_MAX} rules");
        let mut gives: Vec<Vec<Part>> = Vec::with_capacity(steps.len());
        let mut after = Vec::with_capacity(steps.len());
        for step in &steps {
            let declares = step.rule.declares();
            let needs = declares.needs.iter().cloned().chain(step.when.needs());
            let needs: Vec<Part> = needs.collect();
            let waits_for = |(at, given): (usize, &Vec<Part>)| {
                let needed = needs.contains(&Part::Verdicts)
                    || given.iter().any(|part| needs.contains(part));
                needed.then_some(1_u128 << at)
            };
            after.push(gives.iter().enumerate().filter_map(waits_for).sum());
            gives.push(declares.gives);
        }
        Self { steps, after }
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The rules that a rule waits for, by their places.
    pub fn waits_for(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let after = self.after[at];
        (0..at).filter(move |earlier| after & (1 << earlier) != 0)
    }

    /// In which round a rule runs: one after the last of those it waits for.
    pub fn stages(&self) -> Vec<usize> {
        let mut stages: Vec<usize> = Vec::with_capacity(self.steps.len());
        for at in 0..self.steps.len() {
            let last = self.waits_for(at).map(|earlier| stages[earlier] + 1).max();
            stages.push(last.unwrap_or(0));
        }
        stages
    }
}
