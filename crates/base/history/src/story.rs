//! All that happened to one key, and what is known of each version.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::history::Row;
use crate::operation::{Op, Outcome};
use crate::rank::Rank;

#[derive(Debug)]
pub(crate) struct Story {
    /// In the order in which they began. Refused ones are not among them.
    pub(crate) writes: Vec<Write>,
    /// Those that were answered.
    pub(crate) reads: Vec<Read>,
    /// Versions that were named and refused.
    pub(crate) refused: Vec<(Rank, u32)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) row: u32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) location: u32,
    pub(crate) kind: Kind,
    /// The oldest and the newest that its version can be; if it is known, both are it.
    pub(crate) low: Rank,
    pub(crate) high: Rank,
    pub(crate) acknowledged: bool,
    pub(crate) condition: Option<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Put,
    Delete,
}

/// What a write demanded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition {
    Version(Rank),
    NoValue,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) row: u32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) location: u32,
    pub(crate) shown: Shown,
    pub(crate) minimum: Rank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Value(Rank),
    /// With [`Rank::NONE`] when no version was told.
    Absent(Rank),
}

impl Write {
    /// Its version, if it is known.
    pub(crate) fn version(&self) -> Option<Rank> {
        (self.low == self.high && self.low.index().is_some()).then_some(self.low)
    }

    /// The version under which it was acknowledged, if both are so.
    pub(crate) fn acknowledged_version(&self) -> Option<Rank> {
        self.version().filter(|_| self.acknowledged)
    }
}

impl Story {
    /// `skew`: how far clocks of two writers may be apart.
    pub(crate) fn of(rows: &[u32], facts: &Facts<'_>, skew: u64) -> Self {
        let mut story = Self { writes: Vec::new(), reads: Vec::new(), refused: Vec::new() };
        for number in rows {
            story.add(*number, facts);
        }
        story.writes.sort_by_key(|write| write.start);
        story.narrow(skew);
        story
    }

    fn add(&mut self, number: u32, facts: &Facts<'_>) {
        let row = facts.row(number);
        let version = facts.rank(row.version);
        match (row.op, row.outcome) {
            (Op::Get, Outcome::Ok) => self.add_read(number, facts, Shown::Value(version)),
            (Op::Get, Outcome::Absent) => self.add_read(number, facts, Shown::Absent(version)),
            (Op::Get, _) => {}
            (_, Outcome::Refused) | (Op::Cas, Outcome::Absent) => {
                if version != Rank::NONE {
                    self.refused.push((version, number));
                }
            }
            (_, outcome) => self.writes.push(Write {
                row: number,
                start: row.start,
                end: row.end,
                location: row.location,
                kind: if row.op == Op::Delete { Kind::Delete } else { Kind::Put },
                low: version,
                high: if version == Rank::NONE { Rank::TOP } else { version },
                acknowledged: outcome != Outcome::Unknown,
                condition: condition(row, facts),
            }),
        }
    }

    fn add_read(&mut self, number: u32, facts: &Facts<'_>, shown: Shown) {
        let row = facts.row(number);
        self.reads.push(Read {
            row: number,
            start: row.start,
            end: row.end,
            location: row.location,
            shown,
            minimum: facts.rank(row.min_version),
        });
    }

    /// Acknowledged deletes without a version lie between the writes before and after them.
    fn narrow(&mut self, skew: u64) {
        let is_open = |write: &Write| write.acknowledged && write.version().is_none();
        if !self.writes.iter().any(is_open) {
            return;
        }
        let known = |write: &Write| {
            let version = write.acknowledged_version()?;
            Some((write.start, write.end, version))
        };
        let mut by_start: Vec<_> = self.writes.iter().filter_map(known).collect();
        let mut by_end = by_start.clone();
        by_end.sort_unstable_by_key(|(_, end, _)| *end);
        let mut newest = Rank::NONE;
        for (_, _, version) in &mut by_end {
            newest = newest.max(*version);
            *version = newest;
        }
        let mut oldest = Rank::TOP;
        for (_, _, version) in by_start.iter_mut().rev() {
            oldest = oldest.min(*version);
            *version = oldest;
        }
        for write in self.writes.iter_mut().filter(|write| is_open(write)) {
            let before =
                by_end.partition_point(|(_, end, _)| end.saturating_add(skew) < write.start);
            let from = write.end.saturating_add(skew);
            let after = by_start.partition_point(|(start, _, _)| *start <= from);
            let older = before.checked_sub(1).map_or(Rank::NONE, |at| by_end[at].2);
            let newer = by_start.get(after).map_or(Rank::TOP, |(_, _, version)| version.older());
            write.low = older.newer();
            // Writes that contradict each other leave it no place: it may then have any.
            write.high = if newer >= write.low { newer } else { Rank::TOP };
        }
    }
}

fn condition(row: &Row, facts: &Facts<'_>) -> Option<Condition> {
    match (row.op, facts.rank(row.if_match)) {
        (Op::Cas, Rank::NONE) => Some(Condition::NoValue),
        (_, Rank::NONE) => None,
        (_, version) => Some(Condition::Version(version)),
    }
}

/// What *absent* can mean, given the deletes that have begun.
#[derive(Debug, Default)]
pub(crate) struct Deletes {
    known: BTreeSet<Rank>,
    /// What is known to be no delete.
    values: BTreeSet<Rank>,
    /// The newest that one without a known version can be.
    open: Rank,
}

impl Deletes {
    pub(crate) fn add(&mut self, write: &Write) {
        match (write.kind, write.version()) {
            (Kind::Put, Some(version)) => self.add_value(version),
            (Kind::Put, None) => {}
            (Kind::Delete, Some(version)) => drop(self.known.insert(version)),
            (Kind::Delete, None) => self.open = self.open.max(write.high),
        }
    }

    /// There is a value with this version.
    pub(crate) fn add_value(&mut self, version: Rank) {
        self.values.insert(version);
    }

    /// The newest version that a read can have seen.
    pub(crate) fn newest(&self, shown: Shown) -> Rank {
        match shown {
            Shown::Value(version) => version,
            Shown::Absent(version) if self.known.contains(&version) => version,
            Shown::Absent(_) => self.known.last().copied().unwrap_or_default().max(self.open),
        }
    }

    /// The oldest version that a read which was at or above `floor` can have seen.
    pub(crate) fn oldest(&self, shown: Shown, floor: Rank) -> Rank {
        match shown {
            Shown::Value(version) => version,
            Shown::Absent(version) if self.known.contains(&version) => version,
            Shown::Absent(_) if floor == Rank::NONE || self.known.contains(&floor) => floor,
            Shown::Absent(_) if self.open >= floor => match self.values.contains(&floor) {
                true => floor.newer(),
                false => floor,
            },
            Shown::Absent(_) => self.known.range(floor..).next().copied().unwrap_or_default(),
        }
    }
}
