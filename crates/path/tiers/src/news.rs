//! Small writes that a store has just taken, sent along with their purges.
//!
//! Whoever is told that what it holds is old would ask for the new at once, over as many hops as there
//! are. A courtesy, and bounded: what is too large, or was forgotten, is asked for as ever.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use littoral_store::{Purge, Record, Row, Write};
use littoral_types::{Body, SpaceId, Tag, Version};

/// A larger row, with its metadata, goes by itself.
const ROW_BYTES_MAX: u64 = 4 << 10;
/// Rows that are remembered until their purge has gone out.
const BYTES_MAX: u64 = 4 << 20;
/// Rows that go with one stretch of a stream.
const STRETCH_BYTES_MAX: u64 = 1 << 20;

/// The last small writes of one store, by key.
#[derive(Debug, Default)]
pub(crate) struct News(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    rows: HashMap<(SpaceId, Bytes), Row>,
    /// In the order in which they came.
    order: VecDeque<(SpaceId, Bytes, Version, u64)>,
    bytes: u64,
}

impl News {
    /// A write that is about to be applied. If it is not, nobody will ask for it.
    pub(crate) fn coming(&self, write: &Write) {
        let bytes = weight(&write.row);
        if bytes > ROW_BYTES_MAX || matches!(write.row.body, Body::File(_)) {
            return;
        }
        let (space, key, version) = (write.space, write.key.clone(), write.row.version);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.rows.insert((space, key.clone()), write.row.clone());
        held.order.push_back((space, key, version, bytes));
        held.bytes += bytes;
        while held.bytes > BYTES_MAX {
            held.forget_oldest();
        }
    }

    /// The rows of these records, each with its record's number.
    pub(crate) fn of(&self, records: &[Record]) -> Vec<(u64, Row)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = STRETCH_BYTES_MAX;
        let row = |record: &Record| {
            let Purge::Write { key, version, .. } = &record.purge else { return None };
            let row = held.rows.get(&(record.space, key.clone()))?;
            let fits = row.version == *version && weight(row) <= left;
            fits.then(|| {
                left -= weight(row);
                (record.number, row.clone())
            })
        };
        records.iter().filter_map(row).collect()
    }
}

impl Held {
    fn forget_oldest(&mut self) {
        let Some((space, key, version, bytes)) = self.order.pop_front() else { return };
        self.bytes -= bytes;
        let key = (space, key);
        // A newer one of the same key stays until it is the oldest itself.
        if self.rows.get(&key).is_some_and(|row| row.version == version) {
            self.rows.remove(&key);
        }
    }
}

fn weight(row: &Row) -> u64 {
    let tags = row.tags.as_ref().map_or(0, |tags| size_of::<Tag>() * tags.len());
    row.body.len() + (row.meta.len() + tags + size_of::<Row>()) as u64
}

#[cfg(test)]
mod tests {
    use littoral_store::Condition;
    use littoral_types::Wall;

    use super::*;

    const SPACE: SpaceId = SpaceId(7);

    fn write(key: &str, time: u64, bytes: usize) -> Write {
        let row = Row {
            version: Version::from_parts(time, 1),
            body: Body::Bytes(vec![7; bytes].into()),
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
        };
        let key = Bytes::copy_from_slice(key.as_bytes());
        Write { space: SPACE, key, row, condition: Condition::Newer, now: Wall(time) }
    }

    fn record(number: u64, key: &str, time: u64) -> Record {
        let key = Bytes::copy_from_slice(key.as_bytes());
        let purge = Purge::Write { key, version: Version::from_parts(time, 1), live: true };
        Record { number, space: SPACE, purge }
    }

    #[test]
    fn a_small_row_goes_with_the_record_of_its_own_version_only() {
        let news = News::default();
        news.coming(&write("a", 5, 10));
        news.coming(&write("b", 6, ROW_BYTES_MAX as usize));
        news.coming(&write("c", 7, 10));
        news.coming(&write("c", 8, 10));
        let records = [record(1, "a", 5), record(2, "b", 6), record(3, "c", 7), record(4, "c", 8)];
        let numbers: Vec<_> = news.of(&records).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 4]);
    }

    #[test]
    fn the_oldest_are_forgotten_and_never_grows() {
        let news = News::default();
        let many = BYTES_MAX / 1_000;
        news.coming(&write("again", 1, 1_000));
        for n in 0..2 * many {
            news.coming(&write(&format!("key-{n}"), n + 2, 1_000));
            news.coming(&write("again", n + 2, 1_000));
        }
        let held = news.0.lock().expect("sound");
        assert!(held.bytes <= BYTES_MAX);
        let bytes: u64 = held.rows.values().map(weight).sum();
        assert!(bytes <= held.bytes && held.rows.len() > many as usize / 4);
        assert!(held.rows.contains_key(&(SPACE, "again".into())));
        assert!(!held.rows.contains_key(&(SPACE, "key-0".into())));
    }
}
