//! What a store keeps and what is asked of it.

use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{Body, Position, SpaceId, Tag, Version, Wall};

/// The newest write of a key. [`Body::Absent`] is a tombstone.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub version: Version,
    pub body: Body,
    /// Opaque to the store; read only by the space's front.
    pub meta: Bytes,
    pub tags: Option<Arc<[Tag]>>,
    /// From here on the row reads as absent, with its version.
    pub expires_at: Option<Wall>,
}

/// The answer to a read.
#[derive(Clone, Debug)]
pub struct Found {
    pub row: Option<Row>,
    pub position: Position,
    /// The store's collection mark, read before the row: without one, a tombstone of this key up to
    /// here may have been collected.
    pub mark: Version,
}

/// One write, conditional on what is there.
#[derive(Clone, Debug)]
pub struct Write {
    pub space: SpaceId,
    pub key: Bytes,
    pub row: Row,
    pub condition: Condition,
    /// The writer's wall time: what has expired by then counts as absent for `condition`.
    pub now: Wall,
}

/// When a write is applied. In every case only if its version is newer than the row's; a condition
/// that does not hold is told first, since stamping the write again would not help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Newer,
    /// The live row has this version.
    Version(Version),
    /// There is no live row.
    Absent,
    /// There is a live row.
    Present,
    /// As [`Condition::Newer`], whatever the collection mark: the other store has it live.
    Revive,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Durable, now or before; the position includes it.
    Yes { position: Position },
    /// The store holds a newer version; nothing changed.
    Newer { current: Version, position: Position },
    /// The condition does not hold; nothing changed. `current` is the live row's version.
    Mismatch { current: Option<Version>, position: Position },
    /// There is no row, and the write is not above the collection mark: a tombstone that was newer
    /// may have been collected. Nothing changed.
    Collected { mark: Version, position: Position },
}

/// A page of every space's rows, by space and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Exclusive; `None` begins with the first row.
    pub after: Option<(SpaceId, Bytes)>,
    /// At most this many digests.
    pub limit: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// In order of space and key.
    pub digests: Vec<Digest>,
    /// Whether rows follow the last digest. A page may end early.
    pub more: bool,
    /// As [`Found::mark`], read before the rows.
    pub mark: Version,
    pub position: Position,
}

/// All of a row that tells whether two stores agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub space: SpaceId,
    pub key: Bytes,
    /// [`Version::ZERO`] for a row that is damaged: the other store's is newer, whatever it is.
    pub version: Version,
    /// False for a tombstone.
    pub live: bool,
    pub expires_at: Option<Wall>,
}

/// Rows to be collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collect {
    pub doomed: Vec<Doomed>,
    /// What has expired by then may go, as a tombstone may.
    pub now: Wall,
}

/// A row that goes if it still has this version and nobody can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    pub space: SpaceId,
    pub key: Bytes,
    pub version: Version,
}

/// A page of a space in key order.
#[derive(Clone, Debug)]
pub struct List {
    pub space: SpaceId,
    pub prefix: Bytes,
    /// Exclusive: strictly after this key in the direction of the listing.
    pub after: Option<Bytes>,
    pub reverse: bool,
    /// At most this many items, tombstones included.
    pub limit: usize,
    /// With bodies, else [`Item::row`] has [`Body::Absent`] and [`Item::live`] tells.
    pub values: bool,
}

#[derive(Clone, Debug)]
pub struct Listed {
    pub items: Vec<Item>,
    /// Whether items follow the last one.
    pub more: bool,
    pub position: Position,
}

#[derive(Clone, Debug)]
pub struct Item {
    pub key: Bytes,
    /// False for a tombstone. Expiry is the reader's business.
    pub live: bool,
    pub row: Row,
}

/// A numbered record of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub number: u64,
    pub space: SpaceId,
    pub purge: Purge,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purge {
    /// By a write: what is held of this key below this version is old. `live`: not a delete.
    Write { key: Bytes, version: Version, live: bool },
    /// By hand: what was vouched for before this record is old, whatever its version.
    Hand(Scope),
}

/// What a purge by hand covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Key(Bytes),
    Prefix(Bytes),
    Tag(Tag),
    Everything,
}

/// A stretch of the outbox.
#[derive(Clone, Debug)]
pub struct OutboxPage {
    pub records: Vec<Record>,
    /// Every record from the asked one up to here is in `records`.
    pub through: Position,
    /// Records up to this number are no longer kept: who asks for older has missed some.
    pub forgotten: u64,
}
