//! What nodes say to each other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_store::{
    Applied, Collect, Found, List, Listed, Record, Row, Scan, Scanned, Scope, Write,
};
use littoral_types::{Body, Epoch, LocationId, Position, Positions, Space, SpaceId, StoreId};
use littoral_types::{Tag, Version, Wall};
use tokio::sync::watch;

use crate::Trip;

#[derive(Debug)]
pub enum Request {
    /// A tier asks the next hop.
    Ask(Question),
    /// An origin asks one store.
    Store(StoreId, StoreCall),
    /// A tier, or a watcher, follows one store's purge stream.
    Follow(StoreId, Follow),
    /// Nodes tell each other of newer epochs.
    Epoch(Gossip),
    /// A purge beside the streams: of a tier to an edge that it filled, or of a writer who waits.
    Push(Push),
    /// What has the node measured? For whoever weighs places.
    Measured,
    /// A node asks the one of its location that keeps a key. A node that does not know this refuses
    /// it, and whoever asks then walks itself.
    AskKeeper(Question, Terms),
    /// A node has taken a write, and tells the one of its location that keeps the key.
    Wrote(Wrote),
}

/// How long an edge may hold what it is answered: as a space and its reader ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub refresh: Duration,
    pub cache_ttl: Duration,
    pub absent: Duration,
    pub stale_if_error: Duration,
}

/// A write that is durable in a store.
#[derive(Clone, Debug)]
pub struct Wrote {
    pub space: Space,
    pub key: Bytes,
    pub row: Row,
    /// Since the store was asked.
    pub age: Age,
    /// Per stream, what is surely included.
    pub positions: Positions,
}

/// What one node has measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The round trip to each other location that has answered it.
    pub trips: Vec<(LocationId, Trip)>,
    /// Requests that it has answered as an edge…
    pub answered: u64,
    /// …and for how long it has run.
    pub during: Duration,
}

/// "What is held of this key below this version is old."
#[derive(Clone, Debug)]
pub struct Push {
    pub space: Space,
    pub key: Bytes,
    pub version: Version,
    /// It must not be served any more; otherwise it is refreshed beside its readers.
    pub drop: bool,
    /// The write itself, if it is small: for who holds something older.
    pub row: Option<Row>,
}

/// Which epoch a node knows, and the document of a newer one for who knows an older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gossip {
    pub epoch: Epoch,
    /// Signed by the network's authority; only whoever takes it judges it.
    pub document: Option<Bytes>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most replies are answers, and none waits in a list")]
pub enum Reply {
    Answer(Answer),
    Store(StoreReply),
    Followed(Followed),
    Epoch(Gossip),
    /// Whether the edge holds the key at all.
    Pushed {
        held: bool,
    },
    Measured(Measured),
}

#[derive(Clone, Debug)]
pub enum StoreCall {
    Get { space: SpaceId, key: Bytes },
    Apply(Write),
    List(List),
    Purge { space: SpaceId, scope: Scope },
    Scan(Scan),
    Collect(Collect),
}

#[derive(Debug)]
pub enum StoreReply {
    Found(Found),
    Applied(Applied),
    Listed(Listed),
    Purged(Position),
    Scanned(Scanned),
    /// How many rows went.
    Collected(u64),
}

/// The stages of the walk. The same words stand in spans, metrics and `Cache-Status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hop {
    #[default]
    Edge,
    /// The node of the edge's location that keeps the key, when that is another one.
    Keeper,
    Regional,
    Upper,
    Origin,
}

impl Hop {
    pub const ALL: [Self; 5] =
        [Self::Edge, Self::Keeper, Self::Regional, Self::Upper, Self::Origin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Keeper => "keeper",
            Self::Regional => "regional",
            Self::Upper => "upper",
            Self::Origin => "origin",
        }
    }
}

/// Asked of a hop: the newest answer for a key, or that what the asker holds is still it.
#[derive(Clone, Debug)]
pub struct Question {
    pub space: Space,
    pub key: Bytes,
    /// As which hop the receiver is asked.
    pub hop: Hop,
    /// A version the asker holds whole: "not modified" costs no body.
    pub held: Held,
    pub minimum: Minimum,
    /// Ask the origin whatever the tiers hold: somebody had to forget a purge too soon, or a reader
    /// wants to be sure.
    pub through: bool,
    /// What the space's front wants its origin told besides. No part of what makes two questions the
    /// same: those who join are answered as the first of them asked.
    pub asked: Opaque,
}

/// Bytes that only a space's front and origin read. They may hold what is nobody's business, and so
/// are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Opaque(pub Bytes);

impl Opaque {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opaque({} bytes)", self.0.len())
    }
}

pub type Held = Option<Version>;

/// What an answer must meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minimum {
    /// Shown by the client: unmet, an error.
    pub client: Option<Version>,
    /// The newest version the asker holds, remembers or was purged to; yields when a store does
    /// not answer.
    pub own: Version,
    /// Purges by hand: an answer must have been vouched for after these.
    pub positions: Positions,
}

/// How long ago a store, or a tier that covers the key, vouched for an answer.
pub type Age = Duration;

/// An answer on its way back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub version: Version,
    pub truth: Truth,
    pub age: Age,
    /// Per stream, what is surely included.
    pub positions: Positions,
    /// Whether all stores in service agree.
    pub confirmed: bool,
    /// Served because nobody could be asked; not to be kept.
    pub stale: bool,
    pub hops: Hops,
    /// What may still follow.
    pub trailing: Trailing,
}

#[derive(Clone, Debug)]
pub enum Truth {
    /// The asker's held version is the newest.
    NotModified,
    Whole {
        body: Body,
        meta: Bytes,
        tags: Option<Arc<[Tag]>>,
        expires_at: Option<Wall>,
    },
}

/// What follows an answer once the other store has spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailer {
    /// The other store agrees; its position, read before its row.
    Confirmed { store: StoreId, position: Position },
    /// The other store had this newer version.
    Superseded { version: Version },
}

/// The receiving end of an answer's trailer. May end without one: the answer stays unconfirmed.
#[derive(Clone, Debug, Default)]
pub struct Trailing(Option<watch::Receiver<Option<Trailer>>>);

impl Trailing {
    pub const NONE: Self = Self(None);

    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// The trailer, once it is there; `None` if it was lost.
    pub async fn wait(self) -> Option<Trailer> {
        let mut receiver = self.0?;
        *receiver.wait_for(Option::is_some).await.ok()?
    }
}

/// A trailer's two ends. Dropping the sender loses it.
pub fn trailer() -> (watch::Sender<Option<Trailer>>, Trailing) {
    let (sender, receiver) = watch::channel(None);
    (sender, Trailing(Some(receiver)))
}

/// What one hop did with a question: a member of `Cache-Status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HopReport {
    pub location: LocationId,
    pub hop: Hop,
    pub outcome: Outcome,
    pub stored: bool,
    /// Freshness left, in seconds; negative when stale.
    pub ttl: Option<i64>,
    /// From being asked to having the answer.
    pub took: Duration,
}

/// What each hop did, nearest the origin first. Never allocates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hops {
    len: usize,
    list: [HopReport; HOPS_MAX],
}

/// Edge, keeper, regional, upper, origin.
pub(crate) const HOPS_MAX: usize = 5;

impl Hops {
    pub fn one(report: HopReport) -> Self {
        let mut hops = Self::default();
        hops.push(report);
        hops
    }

    /// Adds the hop next nearer to the user. A walk is never longer than there is room.
    pub fn push(&mut self, report: HopReport) {
        if self.len < HOPS_MAX {
            self.list[self.len] = report;
            self.len += 1;
        }
    }
}

impl std::ops::Deref for Hops {
    type Target = [HopReport];

    fn deref(&self) -> &[HopReport] {
        &self.list[..self.len]
    }
}

/// The words of `Cache-Status`, spans and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    #[default]
    Hit,
    /// Served past its time, because nobody could be asked.
    Stale,
    Miss,
    /// A miss that joined another's question.
    Collapsed,
    /// Held, but had to be validated.
    Suspect,
    /// Asked for something newer, or elsewhere, than what is held.
    Bypass,
}

impl Outcome {
    /// What it is of a hop that joined another's question. `plain`: nothing but the key was asked;
    /// otherwise its front must know that the answer was another's, whatever was held.
    #[must_use]
    pub fn joined(self, joined: bool, plain: bool) -> Self {
        match self {
            Self::Miss if joined => Self::Collapsed,
            Self::Suspect | Self::Bypass if joined && !plain => Self::Collapsed,
            outcome => outcome,
        }
    }

    pub const ALL: [Self; 6] =
        [Self::Hit, Self::Stale, Self::Miss, Self::Collapsed, Self::Suspect, Self::Bypass];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Suspect => "suspect",
            Self::Bypass => "bypass",
        }
    }
}

/// "I have applied everything up to `after`; give me what follows, or beat within `hold`."
#[derive(Clone, Debug)]
pub struct Follow {
    pub after: Position,
    pub filter: Filter,
    /// How long the publisher may wait for news before it answers with a heartbeat.
    pub hold: Duration,
    pub limit: usize,
    /// Small rows are wanted along with their records.
    pub rows: bool,
}

/// Which records a follower is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Purges of the keys for which this location is a regional or upper tier, and all by hand.
    Location(LocationId),
    /// Writes of one space under a prefix: a watch.
    Prefix { space: SpaceId, prefix: Bytes },
}

/// A stretch of a purge stream, complete from `after` (of the question) to `through`.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The epoch by which records were routed.
    pub epoch: Epoch,
    pub records: Vec<Record>,
    /// Read under the publisher's fence after the question came: the heartbeat.
    pub through: Position,
    /// Small rows that records speak of, each with its record's number, in their order; none is
    /// promised.
    pub rows: Vec<(u64, Row)>,
    /// Records between `after` and `through` are missing: another incarnation, or past retention.
    pub gap: bool,
}

impl Request {
    /// A second copy, for a network that delivers twice.
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Ask(question) => Self::Ask(question.clone()),
            Self::Store(store, call) => Self::Store(*store, call.clone()),
            Self::Follow(store, follow) => Self::Follow(*store, follow.clone()),
            Self::Epoch(gossip) => Self::Epoch(gossip.clone()),
            Self::Push(push) => Self::Push(push.clone()),
            Self::Measured => Self::Measured,
            Self::AskKeeper(question, terms) => Self::AskKeeper(question.clone(), *terms),
            Self::Wrote(wrote) => Self::Wrote(wrote.clone()),
        }
    }
}
