//! What a node's tiers count. The words are those of spans and `Cache-Status`.

use std::sync::Weak;

use littoral_peer::{Hop, Outcome};
use littoral_telemetry::metrics::{Counter, Metric, Registry};

use crate::lookup::Inner;
use crate::{State, Tiers};

const ANSWERS: Metric = Metric::new("tiers_answers", "Answers by hop and outcome");
const REFRESHES: Metric = Metric::new("tiers_refreshes", "Refreshes begun in the background");
const PURGES: Metric = Metric::new("tiers_purges", "Purges applied, by writes and by hand");
const GAPS: Metric =
    Metric::new("tiers_stream_gaps", "Gaps in a purge stream: what was held became suspect");
const UNKEPT: Metric =
    Metric::new("tiers_unkept", "Answers passed on unkept, mostly because a purge overtook them");
const SHED: Metric = Metric::new("tiers_shed", "Questions refused because a limit was reached");

const PUSHES: Metric = Metric::new("tiers_pushes", "Purges passed on to edges that were filled");
const PUSHES_DROPPED: Metric =
    Metric::new("tiers_pushes_dropped", "Of these, dropped because too many were under way");

const UNSHARED: Metric = Metric::new(
    "tiers_unshared",
    "Writes and purges that another node of this location did not hear of in time",
);

const ENTRIES: Metric = Metric::new("tiers_entries", "Entries in memory");
const ENTRY_BYTES: Metric = Metric::new("tiers_entry_bytes", "Bytes of entries in memory");
const REMEMBERED: Metric = Metric::new("tiers_remembered", "Versions remembered but not held");
const FLIGHTS: Metric = Metric::new("tiers_flights", "Questions under way");
const SILENT: Metric =
    Metric::new("tiers_stream_silent_ms", "Milliseconds since the stream heard last was heard");

/// Gauges, read when somebody looks. A node that is gone shows nothing.
pub(crate) fn measure(registry: &Registry, tiers: &Weak<Inner>) {
    let gauge = |metric: &Metric, read: fn(State) -> u64| {
        let tiers = Weak::clone(tiers);
        registry.measured(metric, move || {
            let state = tiers.upgrade().map(|inner| Tiers::from(inner).state());
            state.map_or(0, |state| i64::try_from(read(state)).unwrap_or(i64::MAX))
        });
    };
    gauge(&ENTRIES, |state| state.entries as u64);
    gauge(&ENTRY_BYTES, |state| state.entry_bytes);
    gauge(&REMEMBERED, |state| state.remembered as u64);
    gauge(&FLIGHTS, |state| state.flights as u64);
    gauge(&SILENT, |state| {
        let longest = state.silent.into_iter().max().unwrap_or_default();
        u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)
    });
}

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
    pub(crate) unshared: Counter,
    pub(crate) pushes: Counter,
    pub(crate) pushes_dropped: Counter,
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
            unshared: registry.counter(&UNSHARED),
            pushes: registry.counter(&PUSHES),
            pushes_dropped: registry.counter(&PUSHES_DROPPED),
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
