//! Bounds of everything a gateway holds or waits for.

use std::time::Duration;

/// A gateway's limits, all named, and the one choice that a site has so far.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body that is kept; longer ones flow through.
    pub body_bytes_max: u64,
    /// Bytes of all bodies that are being read to be kept; past them, bodies flow through.
    pub filling_bytes_max: u64,
    /// Connections to the site at once.
    pub connections_max: usize,
    /// How long a request waits for one of them.
    pub queue_time: Duration,
    /// How long a new connection may take.
    pub connect_time: Duration,
    /// How long the site may take to begin its answer.
    pub answer_time: Duration,
    /// How long it may pause inside of it.
    pub pause_max: Duration,
    /// How long a connection that nobody needs is held.
    pub idle_max: Duration,
    /// How long it is remembered that what stands at a URL cannot be kept.
    pub mark_time: Duration,
    /// Whether an answer of which nobody says how long it is fresh is fresh for a tenth of the time
    /// since its last change, a day at most (RFC 9111, section 4.2.2).
    pub heuristics: bool,
    /// How long a purge may take to come by here, once the stores have it.
    pub purge_time: Duration,
    /// How often a request looks again because what it found was about to change.
    pub rounds_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 8 * 1024 * 1024,
            filling_bytes_max: 256 * 1024 * 1024,
            connections_max: 512,
            queue_time: Duration::from_secs(5),
            connect_time: Duration::from_secs(5),
            answer_time: Duration::from_secs(60),
            pause_max: Duration::from_secs(60),
            idle_max: Duration::from_secs(30),
            mark_time: Duration::from_secs(120),
            heuristics: false,
            purge_time: Duration::from_secs(2),
            rounds_max: 3,
        }
    }
}
