//! Rows and outbox records as they stand on disk, apart from the domain's types.

use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{Body, SpaceId, Tag, Version, Wall};
use serde::{Deserialize, Serialize};

use crate::blobs::Reference;
use crate::envelope::{self, Damage, run};
use crate::{Purge, Record, Row, Scope};

/// Formats are never reused: a new shape gets a new number.
const ROW: u8 = 1;
const RECORD: u8 = 1;

/// Records below this are copied when read, so that a small value never pins the engine's block.
const SHARED_BYTES_MIN: usize = 1024;

/// A row read from disk, its large body still a reference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredRow {
    pub(crate) version: Version,
    pub(crate) expires_at: Option<Wall>,
    pub(crate) meta: Bytes,
    pub(crate) tags: Option<Vec<Tag>>,
    pub(crate) body: StoredBody,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredBody {
    Absent,
    Bytes(Bytes),
    File(Reference),
}

/// An outbox record with the time at which it was committed, for trimming.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredRecord {
    pub(crate) at: Wall,
    pub(crate) space: SpaceId,
    pub(crate) purge: Purge,
}

#[derive(Serialize, Deserialize)]
struct RowOnDisk<'a> {
    time: u64,
    writer: u64,
    expires_at: Option<u64>,
    #[serde(borrow, serialize_with = "run")]
    meta: &'a [u8],
    tags: Option<Vec<u64>>,
    #[serde(borrow)]
    body: BodyOnDisk<'a>,
}

#[derive(Serialize, Deserialize)]
enum BodyOnDisk<'a> {
    Absent,
    Bytes(#[serde(borrow, serialize_with = "run")] &'a [u8]),
    File { id: u64, len: u64, checksum: u64 },
}

#[derive(Serialize, Deserialize)]
struct RecordOnDisk<'a> {
    at: u64,
    space: u128,
    #[serde(borrow)]
    purge: PurgeOnDisk<'a>,
}

#[derive(Serialize, Deserialize)]
enum PurgeOnDisk<'a> {
    Write {
        #[serde(borrow, serialize_with = "run")]
        key: &'a [u8],
        time: u64,
        writer: u64,
        live: bool,
    },
    #[serde(borrow)]
    Hand(ScopeOnDisk<'a>),
}

#[derive(Serialize, Deserialize)]
pub(crate) enum ScopeOnDisk<'a> {
    Key(#[serde(borrow, serialize_with = "run")] &'a [u8]),
    Prefix(#[serde(borrow, serialize_with = "run")] &'a [u8]),
    Tag(u64),
    Everything,
}

impl StoredRow {
    /// `body` stands for one that is in a file.
    pub(crate) fn into_row(self, body: Option<Body>) -> Row {
        let Self { version, expires_at, meta, tags, body: stored } = self;
        let body = body.unwrap_or(match stored {
            StoredBody::Bytes(bytes) => Body::Bytes(bytes),
            StoredBody::Absent | StoredBody::File(_) => Body::Absent,
        });
        Row { version, body, meta, tags: tags.map(Arc::from), expires_at }
    }
}

/// `file` stands for the body where that is in a file.
pub(crate) fn encode_row(row: &Row, file: Option<Reference>) -> Vec<u8> {
    let (time, writer) = row.version.parts();
    let body = match (file, &row.body) {
        (Some(Reference { id, len, checksum }), _) => BodyOnDisk::File { id, len, checksum },
        (None, Body::Bytes(bytes)) => BodyOnDisk::Bytes(bytes),
        (None, Body::Absent) => BodyOnDisk::Absent,
        (None, Body::File(_)) => unreachable!("a body in a file was copied before it is encoded"),
    };
    let row = RowOnDisk {
        time,
        writer,
        expires_at: row.expires_at.map(|Wall(at)| at),
        meta: &row.meta,
        tags: row.tags.as_ref().map(|tags| tags.iter().map(|Tag(tag)| *tag).collect()),
        body,
    };
    envelope::seal(ROW, &row)
}

pub(crate) fn decode_row(record: Bytes) -> Result<StoredRow, Damage> {
    let record = match record.len() {
        len if len < SHARED_BYTES_MIN => Bytes::copy_from_slice(&record),
        _ => record,
    };
    let row: RowOnDisk<'_> = envelope::open(ROW, &record)?;
    Ok(StoredRow {
        version: Version::from_parts(row.time, row.writer),
        expires_at: row.expires_at.map(Wall),
        meta: record.slice_ref(row.meta),
        tags: row.tags.map(|tags| tags.into_iter().map(Tag).collect()),
        body: match row.body {
            BodyOnDisk::Absent => StoredBody::Absent,
            BodyOnDisk::Bytes(bytes) => StoredBody::Bytes(record.slice_ref(bytes)),
            BodyOnDisk::File { id, len, checksum } => {
                StoredBody::File(Reference { id, len, checksum })
            }
        },
    })
}

pub(crate) fn encode_record(at: Wall, record: &Record) -> Vec<u8> {
    let purge = match &record.purge {
        Purge::Write { key, version, live } => {
            let (time, writer) = version.parts();
            PurgeOnDisk::Write { key, time, writer, live: *live }
        }
        Purge::Hand(scope) => PurgeOnDisk::Hand(ScopeOnDisk::from(scope)),
    };
    envelope::seal(RECORD, &RecordOnDisk { at: at.0, space: record.space.0, purge })
}

pub(crate) fn decode_record(bytes: &[u8]) -> Result<StoredRecord, Damage> {
    let record: RecordOnDisk<'_> = envelope::open(RECORD, bytes)?;
    let purge = match record.purge {
        PurgeOnDisk::Write { key, time, writer, live } => {
            let version = Version::from_parts(time, writer);
            Purge::Write { key: Bytes::copy_from_slice(key), version, live }
        }
        PurgeOnDisk::Hand(scope) => Purge::Hand(scope.into()),
    };
    Ok(StoredRecord { at: Wall(record.at), space: SpaceId(record.space), purge })
}

impl<'a> From<&'a Scope> for ScopeOnDisk<'a> {
    fn from(scope: &'a Scope) -> Self {
        match scope {
            Scope::Key(key) => Self::Key(key),
            Scope::Prefix(prefix) => Self::Prefix(prefix),
            Scope::Tag(Tag(tag)) => Self::Tag(*tag),
            Scope::Everything => Self::Everything,
        }
    }
}

impl From<ScopeOnDisk<'_>> for Scope {
    fn from(scope: ScopeOnDisk<'_>) -> Self {
        match scope {
            ScopeOnDisk::Key(key) => Self::Key(Bytes::copy_from_slice(key)),
            ScopeOnDisk::Prefix(prefix) => Self::Prefix(Bytes::copy_from_slice(prefix)),
            ScopeOnDisk::Tag(tag) => Self::Tag(Tag(tag)),
            ScopeOnDisk::Everything => Self::Everything,
        }
    }
}
