//! Debts as they stand on disk.

use bytes::Bytes;
use littoral_types::{SpaceId, StoreId, Version, Wall};
use serde::{Deserialize, Serialize};

use crate::encoding::{ScopeOnDisk, StoredRow, decode_row};
use crate::envelope::{self, Damage, run};
use crate::{Condition, Scope, Write};

/// Formats are never reused: a new shape gets a new number.
const DEBT: u8 = 1;
const PLACE: u8 = 1;
const NUMBER: u8 = 1;

/// A debt read from disk, its large body still a reference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredDebt {
    Write { space: SpaceId, key: Bytes, condition: Condition, now: Wall, row: StoredRow },
    Purge { space: SpaceId, scope: Scope },
}

/// Where in the queue a key's write, or a purge, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(super) number: u64,
    time: u64,
    writer: u64,
    /// The file of its body.
    pub(super) file: Option<u64>,
    /// On disk, the file included.
    pub(super) bytes: u64,
}

impl Place {
    pub(super) fn new(number: u64, version: Version, file: Option<u64>, bytes: u64) -> Self {
        let (time, writer) = version.parts();
        Self { number, time, writer, file, bytes }
    }

    pub(super) fn version(&self) -> Version {
        Version::from_parts(self.time, self.writer)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        envelope::seal(PLACE, self)
    }
}

pub(crate) fn decode_place(bytes: &[u8]) -> Result<Place, Damage> {
    envelope::open(PLACE, bytes)
}

pub(super) fn encode_number(number: u64) -> Vec<u8> {
    envelope::seal(NUMBER, &number)
}

pub(super) fn decode_number(bytes: &[u8]) -> Result<u64, Damage> {
    envelope::open(NUMBER, bytes)
}

/// By store, then in the order of adding.
pub(super) fn debt_key(store: StoreId, number: u64) -> Vec<u8> {
    [&[store.0][..], &number.to_be_bytes()].concat()
}

pub(super) fn debt_number(key: &[u8]) -> Option<u64> {
    let (_, number) = key.split_first()?;
    number.try_into().map(u64::from_be_bytes).ok()
}

pub(super) fn write_key(store: StoreId, space: SpaceId, key: &[u8]) -> Vec<u8> {
    [&[store.0, 0][..], &space.to_bytes(), key].concat()
}

pub(super) fn purge_key(store: StoreId, number: u64) -> Vec<u8> {
    [&[store.0, 1][..], &number.to_be_bytes()].concat()
}

#[derive(Serialize, Deserialize)]
enum DebtOnDisk<'a> {
    Write {
        space: u128,
        #[serde(borrow, serialize_with = "run")]
        key: &'a [u8],
        condition: ConditionOnDisk,
        now: u64,
        /// As a row of the store.
        #[serde(borrow, serialize_with = "run")]
        row: &'a [u8],
    },
    Purge {
        space: u128,
        #[serde(borrow)]
        scope: ScopeOnDisk<'a>,
    },
}

#[derive(Serialize, Deserialize)]
enum ConditionOnDisk {
    Newer,
    Version { time: u64, writer: u64 },
    Absent,
    Present,
    Revive,
}

/// `row`: the write's row, encoded.
pub(super) fn encode_write(write: &Write, row: &[u8]) -> Vec<u8> {
    let condition = match write.condition {
        Condition::Newer => ConditionOnDisk::Newer,
        Condition::Version(version) => {
            let (time, writer) = version.parts();
            ConditionOnDisk::Version { time, writer }
        }
        Condition::Absent => ConditionOnDisk::Absent,
        Condition::Present => ConditionOnDisk::Present,
        Condition::Revive => ConditionOnDisk::Revive,
    };
    let Write { space: SpaceId(space), key, now: Wall(now), .. } = write;
    envelope::seal(DEBT, &DebtOnDisk::Write { space: *space, key, condition, now: *now, row })
}

pub(super) fn encode_purge(SpaceId(space): SpaceId, scope: &Scope) -> Vec<u8> {
    envelope::seal(DEBT, &DebtOnDisk::Purge { space, scope: scope.into() })
}

pub(crate) fn decode_debt(record: &Bytes) -> Result<StoredDebt, Damage> {
    Ok(match envelope::open(DEBT, record)? {
        DebtOnDisk::Write { space, key, condition, now, row } => StoredDebt::Write {
            space: SpaceId(space),
            key: Bytes::copy_from_slice(key),
            condition: match condition {
                ConditionOnDisk::Newer => Condition::Newer,
                ConditionOnDisk::Version { time, writer } => {
                    Condition::Version(Version::from_parts(time, writer))
                }
                ConditionOnDisk::Absent => Condition::Absent,
                ConditionOnDisk::Present => Condition::Present,
                ConditionOnDisk::Revive => Condition::Revive,
            },
            now: Wall(now),
            row: decode_row(record.slice_ref(row))?,
        },
        DebtOnDisk::Purge { space, scope } => {
            StoredDebt::Purge { space: SpaceId(space), scope: scope.into() }
        }
    })
}

/// Debts and places as they are written today, of a write of `row`. For fuzzing.
pub(crate) fn samples(row: &[u8]) -> Vec<Vec<u8>> {
    let version = Version::new(Wall(1 << 40), 3, 9);
    let write = Write {
        space: SpaceId(7),
        key: "key".into(),
        row: crate::Row { version, ..crate::Row::default() },
        condition: Condition::Version(version),
        now: Wall(5),
    };
    let purge = encode_purge(SpaceId(7), &Scope::Prefix("a/".into()));
    vec![encode_write(&write, row), purge, Place::new(1, version, Some(2), 300).encode()]
}
