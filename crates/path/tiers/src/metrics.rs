//! What a node's tiers count. The words are those of spans and `Cache-Status`.

use littoral_peer::{Hop, Outcome};
use littoral_telemetry::metrics::{Counter, Metric, Registry};

const ANSWERS: Metric = Metric::new("tiers_answers", "Answers by hop and outcome");
const REFRESHES: Metric = Metric::new("tiers_refreshes", "Refreshes begun in the background");
const PURGES: Metric = Metric::new("tiers_purges", "Purges applied, by writes and by hand");
const GAPS: Metric =
    Metric::new("tiers_stream_gaps", "Gaps in a purge stream: what was held became suspect");
const UNKEPT: Metric =
    Metric::new("tiers_unkept", "Answers passed on unkept, mostly because a purge overtook them");
const SHED: Metric = Metric::new("tiers_shed", "Questions refused because a limit was reached");

/// Counters of one node.
#[derive(Debug)]
pub struct Metrics {
    /// By hop, then outcome, as their enums order them.
    answers: Vec<[Counter; Outcome::ALL.len()]>,
    pub(crate) refreshes: Counter,
    pub(crate) purges: Counter,
    pub(crate) gaps: Counter,
    pub(crate) unkept: Counter,
    pub(crate) shed: Counter,
}

impl Metrics {
    pub fn new(registry: &Registry) -> Self {
        let family = registry.counters(&ANSWERS);
        let counter = |hop: Hop, outcome: Outcome| {
            family.get_or_create_owned(&[("hop", hop.name()), ("outcome", outcome.name())])
        };
        let answers = Hop::ALL.map(|hop| Outcome::ALL.map(|outcome| counter(hop, outcome)));
        Self {
            answers: answers.into(),
            refreshes: registry.counter(&REFRESHES),
            purges: registry.counter(&PURGES),
            gaps: registry.counter(&GAPS),
            unkept: registry.counter(&UNKEPT),
            shed: registry.counter(&SHED),
        }
    }

    pub(crate) fn answered(&self, hop: Hop, outcome: Outcome) {
        self.answers[hop as usize][outcome as usize].inc();
    }

    /// How often `hop` had `outcome` here.
    pub fn of(&self, hop: Hop, outcome: Outcome) -> u64 {
        self.answers[hop as usize][outcome as usize].get()
    }
}
