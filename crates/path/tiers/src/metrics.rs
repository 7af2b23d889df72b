//! What a node's tiers count. The words are those of spans and `Cache-Status`.

use std::sync::atomic::{AtomicU64, Ordering};

use littoral_peer::{Hop, Outcome};

/// Counters of one node, only growing.
#[derive(Debug, Default)]
pub struct Metrics {
    hops: [[AtomicU64; Outcome::ALL.len()]; Hop::ALL.len()],
    /// Refreshes begun in the background.
    pub refreshes: AtomicU64,
    /// Purges applied, by writes and by hand.
    pub purges: AtomicU64,
    /// Gaps found in a stream: what was held before became suspect.
    pub gaps: AtomicU64,
    /// Answers not kept because a purge had overtaken them.
    pub overtaken: AtomicU64,
    /// Questions refused because a limit was reached.
    pub shed: AtomicU64,
}

impl Metrics {
    pub(crate) fn hop(&self, hop: Hop, outcome: Outcome) {
        self.hops[hop as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often `hop` had `outcome` here.
    pub fn of(&self, hop: Hop, outcome: Outcome) -> u64 {
        self.hops[hop as usize][outcome as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
