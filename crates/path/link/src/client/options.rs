//! The limits of the asking side.

use std::time::Duration;

use crate::format::Formats;

/// Limits and times of a client.
#[derive(Clone, Debug)]
pub struct Options {
    /// Calls under way to one node; more are shed.
    pub in_flight_per_node: usize,
    /// Answers of one node whose trailer is awaited; a further one's is lost.
    pub trailers_per_node: usize,
    /// Connections to one node.
    pub connections_per_node: usize,
    /// Streams on a connection before another is opened beside it.
    pub streams_before_another: usize,
    /// Opening a connection: TCP, TLS and a first answer.
    pub connect_time: Duration,
    /// Pause after a connection that could not be opened; doubled each time up to `backoff_max`.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    /// After this long a connection takes no further calls, so that certificates are checked anew.
    pub connection_age_max: Duration,
    /// How often every node is asked for a sign of life, which also measures the round trip.
    /// `None`: only real calls are made.
    pub probe_every: Option<Duration>,
    /// How long a sign of life may take.
    pub probe_time: Duration,
    /// A connection that is silent for this long is asked whether it is there…
    pub keep_alive_every: Duration,
    /// …and given up when it does not answer for this long.
    pub keep_alive_time: Duration,
    /// How long an answer may pause once it has begun.
    pub pause_max: Duration,
    /// How long a trailer is awaited.
    pub trailer_time: Duration,
    /// How long calls to a node that left the address book may go on.
    pub drain_time: Duration,
    /// Bytes of answers being received that are held in memory; more are shed.
    pub memory_bytes_max: usize,
    pub windows: Windows,
    /// Formats of messages that are written.
    pub formats: Formats,
}

/// What may be on the way, unread: it bounds memory, and speed over distance.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Of one stream: 8 MiB are 80 MiB/s at a round trip of 100 ms.
    pub stream_bytes: u32,
    pub connection_bytes: u32,
    pub frame_bytes: u32,
    /// Written but not yet sent, of one stream.
    pub send_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            in_flight_per_node: 4_096,
            trailers_per_node: 4_096,
            connections_per_node: 4,
            streams_before_another: 64,
            connect_time: Duration::from_secs(3),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(2),
            connection_age_max: Duration::from_secs(30 * 60),
            probe_every: Some(Duration::from_secs(1)),
            probe_time: Duration::from_secs(2),
            keep_alive_every: Duration::from_secs(2),
            keep_alive_time: Duration::from_secs(2),
            pause_max: Duration::from_secs(10),
            trailer_time: Duration::from_secs(10),
            drain_time: Duration::from_secs(10),
            memory_bytes_max: 512 << 20,
            windows: Windows::default(),
            formats: Formats::default(),
        }
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            stream_bytes: 8 << 20,
            connection_bytes: 32 << 20,
            frame_bytes: 256 << 10,
            send_bytes: 1 << 20,
        }
    }
}
