//! A node's metrics, shown in the OpenMetrics text format.
//!
//! Each crate names its metrics as constants in its own `metrics.rs`, registers them once and
//! keeps the handles: counting costs one atomic addition. Labels are words from closed lists.
//!
//! ```
//! use littoral_telemetry::metrics::{Metric, Registry};
//!
//! const ANSWERS: Metric = Metric::new("tiers_answers", "Answers by hop and outcome");
//!
//! let registry = Registry::new("ams");
//! let answers = registry.counters(&ANSWERS);
//! let hits = answers.get_or_create_owned(&[("hop", "edge"), ("outcome", "hit")]);
//! hits.inc();
//! let line = r#"littoral_tiers_answers_total{location="ams",hop="edge",outcome="hit"} 1"#;
//! assert!(registry.encode().contains(line));
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;

/// The content type of [`Registry::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of a histogram of seconds, from a memory hit to a request given up.
pub const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
];

/// A name without `littoral_` and `_total`, and what a person reads about it.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub help: &'static str,
}

impl Metric {
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help }
    }
}

/// Names and values, all from closed lists.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The same metric once per set of labels. Look one up once and keep it: the lookup takes a lock.
pub type Family<const N: usize, M> =
    prometheus_client::metrics::family::Family<Labels<N>, M, fn() -> M>;

/// One node's metrics. Clones share them.
#[derive(Clone)]
pub struct Registry(Arc<Mutex<registry::Registry>>);

impl Registry {
    /// Every metric carries the node's location.
    pub fn new(location: &str) -> Self {
        let label = ("location".into(), location.to_owned().into());
        let inner = registry::Registry::with_prefix_and_labels("littoral", [label].into_iter());
        Self(Arc::new(Mutex::new(inner)))
    }

    pub fn counter(&self, metric: &Metric) -> Counter {
        self.register(metric, Counter::default())
    }

    pub fn counters<const N: usize>(&self, metric: &Metric) -> Family<N, Counter> {
        self.register(metric, Family::new_with_constructor(Counter::default))
    }

    pub fn gauge(&self, metric: &Metric) -> Gauge {
        self.register(metric, Gauge::default())
    }

    pub fn gauges<const N: usize>(&self, metric: &Metric) -> Family<N, Gauge> {
        self.register(metric, Family::new_with_constructor(Gauge::default))
    }

    /// A histogram of seconds, with the bounds [`SECONDS`].
    pub fn seconds(&self, metric: &Metric) -> Histogram {
        self.register(metric, seconds())
    }

    pub fn seconds_by<const N: usize>(&self, metric: &Metric) -> Family<N, Histogram> {
        self.register(metric, Family::new_with_constructor(seconds))
    }

    /// A gauge that is read only when somebody looks.
    pub fn measured(&self, metric: &Metric, read: impl Fn() -> i64 + Send + Sync + 'static) {
        let measured = Measured { metric: *metric, read: Box::new(read) };
        self.locked(|inner| inner.register_collector(Box::new(measured)));
    }

    /// Everything, in the text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        self.locked(|inner| prometheus_client::encoding::text::encode(&mut text, inner))
            .expect("a string takes all");
        text
    }

    fn register<M>(&self, metric: &Metric, handle: M) -> M
    where
        M: registry::Metric + Clone,
    {
        self.locked(|inner| inner.register(metric.name, metric.help, handle.clone()));
        handle
    }

    fn locked<T>(&self, work: impl FnOnce(&mut registry::Registry) -> T) -> T {
        // Registering leaves nothing half done, so a panic elsewhere does not spoil it.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS.iter().copied())
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}

struct Measured {
    metric: Metric,
    read: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metric.fmt(f)
    }
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauge = ConstGauge::new((self.read)());
        let Metric { name, help } = self.metric;
        gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_measured_gauge_shows_the_value_of_the_moment() {
        let registry = Registry::new("ams");
        let bytes = Arc::new(AtomicI64::new(1));
        let read = Arc::clone(&bytes);
        let metric = Metric::new("memory_bytes", "Bytes held in memory");
        registry.measured(&metric, move || read.load(Ordering::Relaxed));
        bytes.store(42, Ordering::Relaxed);
        let text = registry.encode();
        assert!(text.contains("# HELP littoral_memory_bytes Bytes held in memory"), "{text}");
        assert!(text.contains("littoral_memory_bytes{location=\"ams\"} 42\n"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_family_counts_per_set_of_labels() {
        let registry = Registry::new("ams");
        let waits = registry.seconds_by(&Metric::new("hop_seconds", "Time of a hop"));
        waits.get_or_create(&[("hop", "edge")]).observe(0.0002);
        waits.get_or_create(&[("hop", "upper")]).observe(0.3);
        let text = registry.encode();
        for part in [
            "littoral_hop_seconds_bucket{location=\"ams\",le=\"0.00025\",hop=\"edge\"} 1",
            "littoral_hop_seconds_bucket{location=\"ams\",le=\"0.25\",hop=\"upper\"} 0",
            "littoral_hop_seconds_count{location=\"ams\",hop=\"upper\"} 1",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
