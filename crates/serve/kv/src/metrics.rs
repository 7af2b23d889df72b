//! What the crawler counts.

use littoral_telemetry::metrics::{Counter, Gauge, Metric, Registry};
use littoral_types::{STORES, StoreId};

const ROWS: Metric = Metric::new("kv_crawl_rows", "Keys compared between both stores");
const DIFFERENT: Metric =
    Metric::new("kv_crawl_different", "Keys that differed, also at a second look");
const REPAIRED: Metric =
    Metric::new("kv_crawl_repaired", "Rows brought to the store that lacked them");
const COLLECTED: Metric =
    Metric::new("kv_crawl_collected", "Tombstones and expired rows removed, in each store");
const SKIPPED: Metric =
    Metric::new("kv_crawl_skipped", "Differing keys left to the next crawl: too many were young");
const FINISHED: Metric = Metric::new("kv_crawl_finished", "Crawls that came to the end");
const DRIFT: Metric = Metric::new(
    "kv_crawl_drift_ppm",
    "Of a million keys of the last full crawl, how many differed",
);
const LAST: Metric = Metric::new("kv_crawl_last_ms", "Milliseconds that the last full crawl took");
const PROGRESS: Metric =
    Metric::new("kv_crawl_progress_rows", "Keys compared in this crawl so far");
const EXPECTED: Metric = Metric::new("kv_crawl_last_rows", "Keys of the last full crawl");

/// One node's crawls.
#[derive(Debug)]
pub(crate) struct CrawlMetrics {
    pub(crate) rows: Counter,
    pub(crate) different: Counter,
    /// By the store that was brought up.
    repaired: [Counter; STORES],
    pub(crate) collected: Counter,
    pub(crate) skipped: Counter,
    pub(crate) finished: Counter,
    pub(crate) drift_ppm: Gauge,
    pub(crate) last_ms: Gauge,
    pub(crate) progress: Gauge,
    pub(crate) last_rows: Gauge,
}

impl CrawlMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let repaired = registry.counters(&REPAIRED);
        Self {
            rows: registry.counter(&ROWS),
            different: registry.counter(&DIFFERENT),
            repaired: ["0", "1"].map(|store| repaired.get_or_create_owned(&[("store", store)])),
            collected: registry.counter(&COLLECTED),
            skipped: registry.counter(&SKIPPED),
            finished: registry.counter(&FINISHED),
            drift_ppm: registry.gauge(&DRIFT),
            last_ms: registry.gauge(&LAST),
            progress: registry.gauge(&PROGRESS),
            last_rows: registry.gauge(&EXPECTED),
        }
    }

    pub(crate) fn repaired(&self, store: StoreId) {
        self.repaired[store.index()].inc();
    }
}
