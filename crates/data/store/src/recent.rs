//! The last records of the outbox in memory, from which those who follow closely are served.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::Record;

#[derive(Debug)]
pub struct Recent {
    /// Consecutive numbers.
    records: Mutex<VecDeque<Record>>,
    max: usize,
}

impl Recent {
    pub fn new(max: usize) -> Self {
        Self { records: Mutex::default(), max }
    }

    pub fn push(&self, new: impl IntoIterator<Item = Record>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for record in new {
            if records.len() >= self.max {
                records.pop_front();
            }
            if self.max > 0 {
                records.push_back(record);
            }
        }
    }

    /// The numbers begin anew.
    pub fn clear(&self) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether everything from this number on is held.
    pub fn reaches(&self, first: u64) -> bool {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.front().is_some_and(|oldest| oldest.number <= first)
    }

    /// The records with numbers from `first` to `last`; `None` when the first is not held.
    pub fn between(&self, first: u64, last: u64) -> Option<Vec<Record>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = records.front()?.number;
        let skip = usize::try_from(first.checked_sub(oldest)?).ok()?;
        let take = usize::try_from((last + 1).saturating_sub(first)).ok()?;
        let found: Vec<_> = records.iter().skip(skip).take(take).cloned().collect();
        (found.len() == take).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::SpaceId;

    use super::*;
    use crate::{Purge, Scope};

    #[test]
    fn only_what_is_held_whole_is_served() {
        let record =
            |number| Record { number, space: SpaceId(1), purge: Purge::Hand(Scope::Everything) };
        let numbers = |recent: &Recent, first, last| {
            recent.between(first, last).map(|found| found.iter().map(|r| r.number).collect())
        };
        let recent = Recent::new(3);
        assert_eq!(recent.between(1, 1), None);
        recent.push((1..=5).map(record));
        assert_eq!(numbers(&recent, 3, 5), Some(vec![3, 4, 5]));
        assert_eq!(numbers(&recent, 4, 4), Some(vec![4]));
        assert_eq!(numbers(&recent, 2, 5), None);
        assert_eq!(numbers(&recent, 5, 6), None);
        let none = Recent::new(0);
        none.push((1..=5).map(record));
        assert_eq!(none.between(5, 5), None);
    }
}
