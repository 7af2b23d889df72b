//! The limits of the answering side.

use std::time::Duration;

use crate::client;
use crate::format::Formats;

/// Limits and times of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections at once; further ones are closed.
    pub connections_max: usize,
    /// Streams at once on a connection: calls, and answers whose trailer is still to come.
    pub streams_max: u32,
    /// Calls at once on all connections; further ones are shed.
    pub calls_max: usize,
    /// Bytes of a call's headers.
    pub header_bytes_max: u32,
    /// How long a new connection may take to show a certificate.
    pub handshake_time: Duration,
    /// How long a caller may pause inside a message.
    pub pause_max: Duration,
    /// How long an answer stays open for its trailer.
    pub trailer_time: Duration,
    /// How long a connection may last, so that certificates are checked anew. It ends no later
    /// than its certificate.
    pub connection_age_max: Duration,
    pub keep_alive_every: Duration,
    pub keep_alive_time: Duration,
    /// How long a drain waits for calls that have begun.
    pub drain_time: Duration,
    /// Bytes of calls being received that are held in memory; more are shed.
    pub memory_bytes_max: usize,
    pub windows: client::Windows,
    /// Formats of messages that are read.
    pub formats: Formats,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            streams_max: 8_192,
            calls_max: 16_384,
            header_bytes_max: 16 << 10,
            handshake_time: Duration::from_secs(5),
            pause_max: Duration::from_secs(10),
            trailer_time: Duration::from_secs(10),
            connection_age_max: Duration::from_secs(60 * 60),
            keep_alive_every: Duration::from_secs(10),
            keep_alive_time: Duration::from_secs(5),
            drain_time: Duration::from_secs(10),
            memory_bytes_max: 512 << 20,
            windows: client::Windows::default(),
            formats: Formats::default(),
        }
    }
}
