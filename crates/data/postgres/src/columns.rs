//! How rows and records stand in columns, apart from the domain's types.

use std::sync::Arc;

use bytes::Bytes;
use littoral_store::shared::Standing;
use littoral_store::{Purge, Record, Row, Scope};
use littoral_types::{Body, Position, SpaceId, Tag, Version, Wall};
use tokio_postgres::Row as Columns;

use crate::failure::Failure;

/// The stream's row.
pub(crate) const STREAM: &str =
    "SELECT incarnation, number, forgotten, mark FROM littoral_stream WHERE id = 1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamRow {
    pub(crate) position: Position,
    pub(crate) forgotten: u64,
    pub(crate) mark: Version,
}

/// What [`stored`] reads, of a table named `r`.
pub(crate) const ROW: &str = "r.version, r.live, r.expires_at, r.meta, r.tags, r.body_id, \
    r.body_bytes, r.body_checksum";

/// A row as it stands, its large body still a reference.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) version: Version,
    pub(crate) expires_at: Option<Wall>,
    pub(crate) meta: Bytes,
    pub(crate) tags: Option<Arc<[Tag]>>,
    pub(crate) body: StoredBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoredBody {
    Absent,
    Bytes(Bytes),
    Chunks(Reference),
}

/// A large body as a row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) id: i64,
    pub(crate) bytes: u64,
    /// xxh3-64 of the content.
    pub(crate) checksum: u64,
}

const TAG: usize = size_of::<u64>();

impl Stored {
    /// `body` stands for one that is in chunks.
    pub(crate) fn into_row(self, body: Option<Body>) -> Row {
        let Self { version, expires_at, meta, tags, body: stored } = self;
        let body = body.unwrap_or(match stored {
            StoredBody::Bytes(bytes) => Body::Bytes(bytes),
            StoredBody::Absent | StoredBody::Chunks(_) => Body::Absent,
        });
        Row { version, body, meta, tags, expires_at }
    }
}

/// Numbers are unsigned here and signed there, with the same bits.
pub(crate) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

pub(crate) fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// Sixteen bytes that sort as versions do.
pub(crate) fn version_bytes(version: Version) -> [u8; 16] {
    let (time, writer) = version.parts();
    (u128::from(time) << 64 | u128::from(writer)).to_be_bytes()
}

pub(crate) fn version(bytes: &[u8]) -> Result<Version, Failure> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| damaged("a version"))?;
    let number = u128::from_be_bytes(bytes);
    Ok(Version::from_parts((number >> 64) as u64, number as u64))
}

pub(crate) fn space(bytes: &[u8]) -> Result<SpaceId, Failure> {
    Ok(SpaceId::from_bytes(bytes.try_into().map_err(|_| damaged("a space"))?))
}

pub(crate) fn tag_bytes(tags: &[Tag]) -> Vec<u8> {
    tags.iter().flat_map(|Tag(tag)| tag.to_be_bytes()).collect()
}

fn tags(bytes: &[u8]) -> Result<Arc<[Tag]>, Failure> {
    let (tags, []) = bytes.as_chunks::<TAG>() else { return Err(damaged("tags")) };
    Ok(tags.iter().map(|tag| Tag(u64::from_be_bytes(*tag))).collect())
}

/// Of [`STREAM`], or of any columns that begin with its.
pub(crate) fn stream(columns: &Columns) -> Result<StreamRow, Failure> {
    let (incarnation, number): (i64, i64) = (columns.try_get(0)?, columns.try_get(1)?);
    let incarnation = u32::try_from(incarnation).map_err(|_| damaged("the incarnation"))?;
    Ok(StreamRow {
        position: Position::new(incarnation, unsigned(number)),
        forgotten: unsigned(columns.try_get(2)?),
        mark: version(columns.try_get(3)?)?,
    })
}

/// Of [`ROW`], beginning at column `at`; `body`: where the small body's bytes are, if they were read.
pub(crate) fn stored(columns: &Columns, at: usize, body: Option<usize>) -> Result<Stored, Failure> {
    let (live, id): (bool, Option<i64>) = (columns.try_get(at + 1)?, columns.try_get(at + 5)?);
    let body = match (live, id, body) {
        (false, ..) => StoredBody::Absent,
        (true, Some(id), _) => StoredBody::Chunks(Reference {
            id,
            bytes: unsigned(columns.try_get(at + 6)?),
            checksum: unsigned(columns.try_get(at + 7)?),
        }),
        (true, None, Some(body)) => StoredBody::Bytes(bytes(columns, body)?),
        (true, None, None) => StoredBody::Bytes(Bytes::new()),
    };
    Ok(Stored {
        version: version(columns.try_get(at)?)?,
        expires_at: columns.try_get::<_, Option<i64>>(at + 2)?.map(|at| Wall(unsigned(at))),
        meta: bytes(columns, at + 3)?,
        tags: columns.try_get::<_, Option<&[u8]>>(at + 4)?.map(tags).transpose()?,
        body,
    })
}

/// Of `version, live, expires_at`, beginning at column `at`.
pub(crate) fn standing(columns: &Columns, at: usize) -> Result<Standing, Failure> {
    Ok(Standing {
        version: version(columns.try_get(at)?)?,
        live: columns.try_get(at + 1)?,
        expires_at: columns.try_get::<_, Option<i64>>(at + 2)?.map(|at| Wall(unsigned(at))),
    })
}

pub(crate) fn bytes(columns: &Columns, at: usize) -> Result<Bytes, Failure> {
    Ok(Bytes::copy_from_slice(columns.try_get(at)?))
}

/// A record without its number: kind, key and version.
pub(crate) fn purge_columns(purge: &Purge) -> (i64, Bytes, [u8; 16]) {
    let none = version_bytes(Version::ZERO);
    match purge {
        Purge::Write { key, version, live: true } => (1, key.clone(), version_bytes(*version)),
        Purge::Write { key, version, live: false } => (2, key.clone(), version_bytes(*version)),
        Purge::Hand(Scope::Key(key)) => (3, key.clone(), none),
        Purge::Hand(Scope::Prefix(prefix)) => (4, prefix.clone(), none),
        Purge::Hand(Scope::Tag(Tag(tag))) => (5, Bytes::copy_from_slice(&tag.to_be_bytes()), none),
        Purge::Hand(Scope::Everything) => (6, Bytes::new(), none),
    }
}

/// Of `number, space, kind, key, version`.
pub(crate) fn record(columns: &Columns) -> Result<Record, Failure> {
    let key = bytes(columns, 3)?;
    let purge = match columns.try_get::<_, i64>(2)? {
        kind @ (1 | 2) => {
            Purge::Write { key, version: version(columns.try_get(4)?)?, live: kind == 1 }
        }
        3 => Purge::Hand(Scope::Key(key)),
        4 => Purge::Hand(Scope::Prefix(key)),
        5 => {
            let tag = key.as_ref().try_into().map_err(|_| damaged("a tag"))?;
            Purge::Hand(Scope::Tag(Tag(u64::from_be_bytes(tag))))
        }
        6 => Purge::Hand(Scope::Everything),
        kind => return Err(Failure::Damaged(format!("a purge of kind {kind}"))),
    };
    Ok(Record { number: unsigned(columns.try_get(0)?), space: space(columns.try_get(1)?)?, purge })
}

fn damaged(what: &str) -> Failure {
    Failure::Damaged(format!("{what} in the database"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_versions_sort_as_versions_do() {
        let mut versions: Vec<_> = [(0, 0), (0, 1), (1, 0), (1, u64::MAX), (u64::MAX, 0)]
            .map(|(time, writer)| Version::from_parts(time, writer))
            .into();
        versions.sort_by_key(|version| version_bytes(*version));
        assert!(versions.is_sorted());
        for one in versions {
            assert_eq!(version(&version_bytes(one)).unwrap(), one);
        }
        assert!(version(&[0; 15]).is_err());
    }

    #[test]
    fn numbers_keep_all_their_bits() {
        for number in [0, 1, u64::MAX >> 1, u64::MAX] {
            assert_eq!(unsigned(signed(number)), number);
        }
    }
}
