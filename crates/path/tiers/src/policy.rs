//! What a space asks of the cache, and what a node can bear.

use std::time::Duration;

/// How long an edge serves what it holds. Given with each read, applied at lookup: readers with
/// different policies share an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often an edge asks upward for news of a key that is read.
    pub refresh: Duration,
    /// How long an edge may serve an answer, counted in its age.
    pub cache_ttl: Duration,
    /// The same for *absent*; never longer than `cache_ttl`.
    pub absent: Duration,
    /// How old an answer may be that is served because nobody can be asked.
    pub stale_if_error: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(60),
            cache_ttl: Duration::from_secs(60),
            absent: Duration::from_secs(10),
            stale_if_error: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Policy {
    /// How long an answer may be served without waiting.
    pub(crate) fn keep(&self, absent: bool) -> Duration {
        if absent { self.absent.min(self.cache_ttl) } else { self.cache_ttl }
    }
}

/// One node's limits, all named. Past one: shed, never grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of entries in memory.
    pub memory_bytes: u64,
    /// Memories of versions not held; about 110 bytes each.
    pub remembered_versions: usize,
    /// Readers that wait for one question.
    pub waiters_per_key: usize,
    /// Questions under way at this node.
    pub flights: usize,
    /// The longest a hop may take to answer.
    pub hop_time: Duration,
    /// How often a publisher beats when it has no news.
    pub heartbeat: Duration,
    /// A stream not heard for this long leaves what it covers suspect.
    pub silence: Duration,
    /// Records in one stretch of a stream.
    pub stretch: usize,
    /// Purges by hand kept apart in one space; more become a purge of the space.
    pub hand_purges_per_space: usize,
    /// Keys of which a tier remembers the edges it filled, so as to pass purges on to them; 0: none.
    pub interests: usize,
    /// For how long: as an edge holds what it was given.
    pub interest_time: Duration,
    /// Such purges under way at once; more are dropped.
    pub pushes: usize,
    /// How often a sweep drops what purges by hand made old.
    pub sweep: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            remembered_versions: 1_000_000,
            waiters_per_key: 1_024,
            flights: 65_536,
            hop_time: Duration::from_secs(5),
            heartbeat: Duration::from_secs(1),
            silence: Duration::from_secs(5),
            stretch: 4_096,
            hand_purges_per_space: 4_096,
            interests: 16_384,
            interest_time: Duration::from_secs(60),
            pushes: 1_024,
            sweep: Duration::from_secs(60),
        }
    }
}
