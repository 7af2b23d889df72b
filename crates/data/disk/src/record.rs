//! Entries as they stand on disk, apart from the domain's types: a head and, beside it, the body.

use bytes::Bytes;
use littoral_types::{Mono, Position, Positions, STORES, SpaceId, StoreId, Tag, Version, Wall};
use serde::{Deserialize, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

use crate::Kept;

/// Never reused: a new shape gets a new number, and what an old one wrote is forgotten.
const FORMAT: u8 = 1;
const CHECKSUM: usize = size_of::<u64>();

/// Bodies from here on stand apart from the head, so that a sweep need not read them.
pub(crate) const APART_BYTES_MIN: usize = 256;
const SHARED_BYTES_MIN: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are not what was written")]
pub(crate) struct Damage;

/// An entry without its body, if that stands apart.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) kept: Kept,
    /// The entry's number, in the order of keeping.
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) boot: u64,
    pub(crate) apart: bool,
}

#[derive(Serialize, Deserialize)]
struct HeadOnDisk<'a> {
    number: u64,
    bytes: u64,
    boot: u64,
    time: u64,
    writer: u64,
    expires_at: Option<u64>,
    #[serde(borrow, serialize_with = "run")]
    meta: &'a [u8],
    tags: Option<Vec<u64>>,
    vouched_at: u64,
    positions: [(u32, u64); STORES],
    confirmed: bool,
    #[serde(borrow)]
    body: BodyOnDisk<'a>,
}

#[derive(Serialize, Deserialize)]
enum BodyOnDisk<'a> {
    Absent,
    Here(#[serde(borrow, serialize_with = "run")] &'a [u8]),
    Apart,
}

/// Bytes as one run, not as a sequence of numbers: the same encoding, at once.
fn run<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Bytes an entry takes, about.
pub(crate) fn size(key: &[u8], kept: &Kept) -> u64 {
    let body = kept.body.as_ref().map_or(0, Bytes::len);
    let tags = kept.tags.as_ref().map_or(0, |tags| size_of_val(&**tags));
    (size_of::<SpaceId>() + key.len() + kept.meta.len() + tags + body) as u64 + 100
}

/// A body that stands apart from its head.
pub(crate) fn apart(kept: &Kept) -> Option<&Bytes> {
    kept.body.as_ref().filter(|body| body.len() >= APART_BYTES_MIN)
}

pub(crate) fn encode_head(kept: &Kept, number: u64, bytes: u64, boot: u64) -> Vec<u8> {
    let (time, writer) = kept.version.parts();
    let head = HeadOnDisk {
        number,
        bytes,
        boot,
        time,
        writer,
        expires_at: kept.expires_at.map(|Wall(at)| at),
        meta: &kept.meta,
        tags: kept.tags.as_ref().map(|tags| tags.iter().map(|Tag(tag)| *tag).collect()),
        vouched_at: kept.vouched_at.0,
        positions: std::array::from_fn(|store| {
            let position = kept.positions.of(StoreId(store as u8));
            (position.incarnation, position.number)
        }),
        confirmed: kept.confirmed,
        body: match &kept.body {
            None => BodyOnDisk::Absent,
            Some(body) if body.len() >= APART_BYTES_MIN => BodyOnDisk::Apart,
            Some(body) => BodyOnDisk::Here(body),
        },
    };
    let bytes = postcard::to_extend(&head, vec![FORMAT])
        .expect("a record of known shape serializes into memory");
    seal(bytes)
}

pub(crate) fn decode_head(bytes: &[u8]) -> Result<Head, Damage> {
    let (&format, record) = open(bytes)?.split_first().ok_or(Damage)?;
    let (head, rest) = postcard::take_from_bytes::<HeadOnDisk<'_>>(record).map_err(|_| Damage)?;
    if format != FORMAT || !rest.is_empty() {
        return Err(Damage);
    }
    let positions = StoreId::all().zip(head.positions);
    let positions = positions.fold(Positions::NONE, |positions, (store, (incarnation, number))| {
        positions.with(store, Position::new(incarnation, number))
    });
    let kept = Kept {
        version: Version::from_parts(head.time, head.writer),
        body: match head.body {
            BodyOnDisk::Absent => None,
            BodyOnDisk::Here(body) => Some(Bytes::copy_from_slice(body)),
            BodyOnDisk::Apart => Some(Bytes::new()),
        },
        meta: Bytes::copy_from_slice(head.meta),
        tags: head.tags.map(|tags| tags.into_iter().map(Tag).collect()),
        expires_at: head.expires_at.map(Wall),
        vouched_at: Mono(head.vouched_at),
        positions,
        confirmed: head.confirmed,
    };
    let apart = matches!(head.body, BodyOnDisk::Apart);
    Ok(Head { kept, number: head.number, bytes: head.bytes, boot: head.boot, apart })
}

/// Whose entry has a number, and how much it takes.
pub(crate) fn encode_age(head_key: &[u8], bytes: u64) -> Vec<u8> {
    [&bytes.to_be_bytes(), head_key].concat()
}

pub(crate) fn decode_age(age: &[u8]) -> (&[u8], u64) {
    let (bytes, head_key) = age.split_first_chunk().unwrap_or((&[0; 8], age));
    (head_key, u64::from_be_bytes(*bytes))
}

pub(crate) fn encode_body(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + CHECKSUM);
    bytes.extend_from_slice(body);
    seal(bytes)
}

/// Small ones are copied, so that they never pin the engine's block.
pub(crate) fn decode_body(bytes: &Bytes) -> Result<Bytes, Damage> {
    let body = open(bytes)?;
    if body.len() < SHARED_BYTES_MIN {
        return Ok(Bytes::copy_from_slice(body));
    }
    Ok(bytes.slice_ref(body))
}

pub(crate) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn open(bytes: &[u8]) -> Result<&[u8], Damage> {
    let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Damage)?;
    if xxh3_64(sealed) == u64::from_le_bytes(*checksum) { Ok(sealed) } else { Err(Damage) }
}

impl Head {
    /// The entry as this run may use it: what an earlier one vouched for has to be validated.
    pub(crate) fn into_kept(self, boot: u64) -> Kept {
        if self.boot == boot {
            return self.kept;
        }
        Kept {
            vouched_at: Mono::LONG_AGO,
            positions: Positions::NONE,
            confirmed: false,
            ..self.kept
        }
    }
}
