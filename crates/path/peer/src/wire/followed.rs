//! A stretch of a purge stream, on the wire.

use littoral_store::{Purge, Record, Row};
use littoral_types::{Epoch, SpaceId};
use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::parts::{self, PositionForm, ScopeForm, VersionForm, run};
use super::{PAGE_MAX, WireError};
use crate::Followed;

#[derive(Serialize, Deserialize)]
pub(super) struct FollowedForm<'a> {
    epoch: u64,
    #[serde(borrow)]
    records: Bounded<RecordForm<'a>, PAGE_MAX>,
    through: PositionForm,
    gap: bool,
}

#[derive(Serialize, Deserialize)]
struct RecordForm<'a> {
    number: u64,
    space: u128,
    #[serde(borrow)]
    purge: PurgeForm<'a>,
}

#[derive(Serialize, Deserialize)]
enum PurgeForm<'a> {
    Write {
        #[serde(borrow, serialize_with = "run")]
        key: &'a [u8],
        version: VersionForm,
        live: bool,
    },
    #[serde(borrow)]
    Hand(ScopeForm<'a>),
}

impl<'a> From<&'a Followed> for FollowedForm<'a> {
    fn from(followed: &'a Followed) -> Self {
        Self {
            epoch: followed.epoch.0,
            records: Bounded(followed.records.iter().map(RecordForm::from).collect()),
            through: parts::position_form(followed.through),
            gap: followed.gap,
        }
    }
}

impl FollowedForm<'_> {
    pub(super) fn decode(self, rows: Vec<(u64, Row)>) -> Result<Followed, WireError> {
        let records = self.records.0.into_iter().map(RecordForm::decode);
        Ok(Followed {
            epoch: Epoch(self.epoch),
            records: records.collect::<Result<_, _>>()?,
            through: parts::position(self.through),
            rows,
            gap: self.gap,
        })
    }
}

impl<'a> From<&'a Record> for RecordForm<'a> {
    fn from(record: &'a Record) -> Self {
        let purge = match &record.purge {
            Purge::Write { key, version, live } => {
                PurgeForm::Write { key, version: version.parts(), live: *live }
            }
            Purge::Hand(scope) => PurgeForm::Hand(scope.into()),
        };
        Self { number: record.number, space: record.space.0, purge }
    }
}

impl RecordForm<'_> {
    fn decode(self) -> Result<Record, WireError> {
        let purge = match self.purge {
            PurgeForm::Write { key, version, live } => {
                Purge::Write { key: parts::key(key)?, version: parts::version(version), live }
            }
            PurgeForm::Hand(scope) => Purge::Hand(scope.decode()?),
        };
        Ok(Record { number: self.number, space: SpaceId(self.space), purge })
    }
}
