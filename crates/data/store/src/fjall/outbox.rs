//! The outbox of the embedded store: recent records from memory, older ones from the engine.

use std::time::Duration;

use littoral_types::{Position, Wall};

use super::open::{Core, Opened};
use crate::encoding::{StoredRecord, decode_record};
use crate::engine::read_error;
use crate::{Error, OutboxPage, Record};

/// Records that one commit forgets.
const TRIM_MAX: usize = 2000;

impl Core {
    /// Whether what follows this number need not be read from the engine.
    pub(super) fn is_recent(&self, after: u64) -> bool {
        after >= self.position().number || self.recent.reaches(after.saturating_add(1))
    }

    pub(super) fn outbox(
        &self,
        opened: &Opened,
        after: u64,
        limit: usize,
    ) -> Result<OutboxPage, Error> {
        let committed = self.position();
        let first = after.max(self.forgotten()).saturating_add(1);
        let last = committed.number.min(after.max(first - 1).saturating_add(limit as u64));
        let records = if limit == 0 || first > last {
            Vec::new()
        } else {
            match self.recent.between(first, last) {
                Some(records) => records,
                None => opened.records(first, last)?,
            }
        };
        let through = match records.last() {
            _ if committed.number <= last => committed.number,
            Some(record) => record.number,
            None => after,
        };
        let through = Position::new(committed.incarnation, through);
        // Read last: what was forgotten meanwhile may be missing above.
        Ok(OutboxPage { records, through, forgotten: self.forgotten() })
    }

    /// The highest number that may go next, if any record is older than `older` or one too many.
    pub(super) fn trimmable(&self, opened: &Opened, older: Duration) -> Result<Option<u64>, Error> {
        let age = u64::try_from(older.as_millis()).unwrap_or(u64::MAX);
        let Wall(now) = self.clock.wall();
        let first = self.forgotten() + 1;
        let too_many = self.position().number.saturating_sub(self.options.outbox_records_max);
        let mut through = None;
        for record in opened.outbox.range(first.to_be_bytes()..).take(TRIM_MAX) {
            let (number, record) = decode(record)?;
            if now.saturating_sub(record.at.0) <= age && number > too_many {
                break;
            }
            through = Some(number);
        }
        Ok(through)
    }
}

impl Opened {
    pub(super) fn records(&self, first: u64, last: u64) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for record in self.outbox.range(first.to_be_bytes()..=last.to_be_bytes()) {
            let (number, StoredRecord { space, purge, .. }) = decode(record)?;
            records.push(Record { number, space, purge });
        }
        Ok(records)
    }
}

fn decode(record: fjall::Guard) -> Result<(u64, StoredRecord), Error> {
    let (key, bytes) = record.into_inner().map_err(read_error)?;
    let number = key.as_ref().try_into().map(u64::from_be_bytes);
    let number = number.map_err(|_| Error::Damaged("number in the outbox".into()))?;
    let damaged = |damage| Error::Damaged(format!("outbox record {number}: {damage}"));
    Ok((number, decode_record(&bytes).map_err(damaged)?))
}
