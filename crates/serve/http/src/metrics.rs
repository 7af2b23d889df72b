//! What a listener counts.

use http::StatusCode;
use littoral_telemetry::metrics::{Counter, Gauge, Metric, Registry};

const REQUESTS: Metric = Metric::new("http_requests", "Requests answered, by class of status");
const CONNECTIONS: Metric = Metric::new("http_connections", "Connections that are open");
const SHED: Metric =
    Metric::new("http_connections_shed", "Connections refused because there were too many");
const CUT: Metric = Metric::new("http_connections_cut", "Connections cut by the end of a drain");

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counters of one listener. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    answers: [Counter; CLASSES.len()],
    pub(crate) connections: Gauge,
    pub(crate) shed: Counter,
    pub(crate) cut: Counter,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let family = registry.counters(&REQUESTS);
        Self {
            answers: CLASSES.map(|class| family.get_or_create_owned(&[("status", class)])),
            connections: registry.gauge(&CONNECTIONS),
            shed: registry.counter(&SHED),
            cut: registry.counter(&CUT),
        }
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        self.answers[class - 1].inc();
    }
}
