//! What each background task is for, and what ending it means.

/// Every task that runs beside a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// One client connection. Finishes its request, then closes, by the listener's own drain.
    Connection,
    /// Accepts connections. Ends by its own drain, before the node's.
    Listener,
    /// Asks the next hop on behalf of everyone who waits. Cancelling loses only a fill.
    Flight,
    /// Waits for an answer's trailer. Cancelling leaves the entry suspect.
    Trailer,
    /// Follows one store's purge stream. Cancelling leaves what is covered suspect.
    Follower,
    /// Brings a write to the second store. Must finish, or be in the owed queue.
    Write,
    /// Delivers what is owed. The queue is durable: cancelling only delays.
    Owed,
    /// Slow sweeps over what is cached. Cancelling only delays.
    Sweep,
    /// Compares both stores. Cancelling only delays: the next run begins anew.
    Crawl,
    /// A call delivered by a carrier. Its caller has its own deadline.
    Call,
    /// Deletes what a removed namespace held. Cancelling leaves rows nobody can reach.
    Cleanup,
    /// Writes down where the clock stands. Cancelling loses seconds of it.
    Mark,
    /// Trims what has been kept long enough. Cancelling only delays.
    Trim,
    /// Asks another node for a sign of life. Cancelling loses one measurement.
    Probe,
    /// Passes on what is known of epochs. Cancelling only delays.
    Gossip,
    /// Follows the versions of zones. Cancelling only delays.
    Zones,
    /// Writes down or sends off what is told of requests. Ends by itself at a drain, when nothing waits.
    Report,
}

impl TaskKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Listener => "listener",
            Self::Flight => "flight",
            Self::Trailer => "trailer",
            Self::Follower => "follower",
            Self::Write => "write",
            Self::Owed => "owed",
            Self::Sweep => "sweep",
            Self::Crawl => "crawl",
            Self::Call => "call",
            Self::Cleanup => "cleanup",
            Self::Mark => "mark",
            Self::Trim => "trim",
            Self::Probe => "probe",
            Self::Gossip => "gossip",
            Self::Zones => "zones",
            Self::Report => "report",
        }
    }

    /// Whether a drain drops the task at its next await instead of waiting for it.
    pub fn ends_at_shutdown(self) -> bool {
        !matches!(self, Self::Connection | Self::Listener | Self::Write | Self::Report)
    }
}
