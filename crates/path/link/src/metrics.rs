//! What a node counts of its links.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use littoral_peer::Error;
use littoral_telemetry::metrics::{Counter, Family, Gauge, Metric, Registry};

const CALLS: Metric = Metric::new("link_calls", "Calls to other nodes, by location and outcome");
const SENT: Metric = Metric::new("link_sent_bytes", "Bytes of messages sent to other nodes");
const RECEIVED: Metric = Metric::new("link_received_bytes", "Bytes of messages received");
const DIALLED: Metric = Metric::new("link_dialled", "Connections to other nodes opened");
const UNREACHED: Metric = Metric::new("link_unreached", "Connections that could not be opened");
const ROUND_TRIP: Metric =
    Metric::new("link_round_trip_us", "Smoothed round trip to a location, in microseconds");
const CONNECTIONS: Metric =
    Metric::new("link_connections", "Connections from other nodes that are open");
const SERVED: Metric = Metric::new("link_served", "Calls of other nodes that were answered");
const REFUSED: Metric =
    Metric::new("link_refused", "Connections refused: no certificate of this network");
const SHED: Metric = Metric::new("link_shed", "Connections or calls refused: there were too many");

/// Locations that have labels of their own; further ones share one.
const LABELS_MAX: usize = 1_024;

/// Counters of the asking side. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Calling {
    calls: Family<2, Counter>,
    round_trips: Family<1, Gauge>,
    pub(crate) sent: Counter,
    pub(crate) received: Counter,
    pub(crate) dialled: Counter,
    pub(crate) unreached: Counter,
}

/// Counters of the answering side. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) connections: Gauge,
    pub(crate) served: Counter,
    pub(crate) refused: Counter,
    pub(crate) shed: Counter,
    pub(crate) sent: Counter,
    pub(crate) received: Counter,
}

/// How calls to one location ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcomes([Counter; OUTCOMES.len()]);

const OUTCOMES: [&str; 6] =
    ["ok", "unreachable", "deadline", "overloaded", "unavailable", "refused"];

impl Calling {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            calls: registry.counters(&CALLS),
            round_trips: registry.gauges(&ROUND_TRIP),
            sent: registry.counter(&SENT),
            received: registry.counter(&RECEIVED),
            dialled: registry.counter(&DIALLED),
            unreached: registry.counter(&UNREACHED),
        }
    }

    pub(crate) fn outcomes(&self, location: &str) -> Outcomes {
        let peer = label(location);
        Outcomes(
            OUTCOMES.map(|outcome| {
                self.calls.get_or_create_owned(&[("peer", peer), ("outcome", outcome)])
            }),
        )
    }

    pub(crate) fn round_trip(&self, location: &str) -> Gauge {
        self.round_trips.get_or_create_owned(&[("peer", label(location))])
    }
}

impl Serving {
    pub(crate) fn new(registry: &Registry) -> Self {
        let calls = |metric: &Metric| registry.counter(metric);
        Self {
            connections: registry.gauge(&CONNECTIONS),
            served: calls(&SERVED),
            refused: calls(&REFUSED),
            shed: calls(&SHED),
            sent: calls(&Metric::new("link_answer_sent_bytes", "Bytes of answers sent")),
            received: calls(&Metric::new("link_call_received_bytes", "Bytes of calls received")),
        }
    }
}

impl Outcomes {
    pub(crate) fn count<T>(&self, reply: &Result<T, Error>) {
        let outcome = match reply {
            Ok(_) => 0,
            Err(Error::Unreachable) => 1,
            Err(Error::Deadline) => 2,
            Err(Error::Overloaded) => 3,
            Err(Error::MinimumUnmet | Error::Unavailable(_)) => 4,
            Err(_) => 5,
        };
        self.0[outcome].inc();
    }
}

/// Labels live as long as the process; there are no more than `LABELS_MAX`.
fn label(location: &str) -> &'static str {
    static LABELS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut labels = LABELS.lock().unwrap_or_else(PoisonError::into_inner);
    let labels = labels.get_or_insert_default();
    if let Some(label) = labels.get(location) {
        return label;
    }
    if labels.len() >= LABELS_MAX {
        return "other";
    }
    let label = Box::leak(location.to_owned().into_boxed_str());
    labels.insert(label);
    label
}
