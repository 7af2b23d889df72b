//! Decides the writes of one transaction, each against what the ones before it leave.

use std::collections::HashMap;

use littoral_store::shared::{Standing, Verdict, decide};
use littoral_store::{Applied, Purge, Record};
use littoral_types::{Position, SpaceId, Version};

use super::{Job, Put};
use crate::bodies::Prepared;

/// What a transaction reads under its locks.
pub(super) struct Before {
    /// Before the rows were read.
    pub(super) early: Position,
    /// After they were locked.
    pub(super) late: Position,
    /// After they were locked: a tombstone that is not found was collected before.
    pub(super) mark: Version,
    pub(super) rows: HashMap<(SpaceId, Vec<u8>), Seen>,
}

/// A row as it stands, or as the writes before in this batch leave it.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) standing: Standing,
    pub(super) body: Option<i64>,
}

/// What a transaction is to write.
#[derive(Default)]
pub(super) struct Batch<'a> {
    /// The last write of each key.
    pub(super) inserts: Vec<&'a Put>,
    pub(super) updates: Vec<&'a Put>,
    pub(super) named: Vec<i64>,
    pub(super) unnamed: Vec<i64>,
    /// Purges in order, to be numbered.
    pub(super) purges: Vec<(SpaceId, Purge)>,
    answers: Vec<Pending>,
}

/// What a job is told.
pub(super) enum Outcome {
    Applied(Applied),
    Purged(Position),
    /// The same was tried before, and may have been committed.
    Unknown,
}

/// An answer whose position is known when the numbers are taken.
enum Pending {
    /// The purges of this batch up to here are included.
    Late(usize, Told),
    /// There was no row to lock, so that others may have written it since: a position that was
    /// read before.
    Early(usize, Told),
    Unknown,
}

enum Told {
    Yes,
    Newer(Version),
    Mismatch(Option<Version>),
    Collected(Version),
    Purged,
}

impl<'a> Batch<'a> {
    pub(super) fn decide(jobs: &'a [Job], before: &Before, unsure: bool) -> Self {
        let mut batch = Self::default();
        let mut seen: HashMap<(SpaceId, &[u8]), Seen> = before
            .rows
            .iter()
            .map(|((space, key), seen)| ((*space, key.as_slice()), *seen))
            .collect();
        let mut last: HashMap<(SpaceId, &[u8]), &'a Put> = HashMap::new();
        for job in jobs {
            let answer = match job {
                Job::Apply { put, .. } => {
                    let at = (put.space, &put.key[..]);
                    let row = seen.get(&at).copied();
                    let (answer, now) = batch.apply(put, row, before.mark, unsure);
                    if let Some(now) = now {
                        seen.insert(at, now);
                        last.insert(at, put);
                    }
                    answer
                }
                Job::Purge { space, scope, .. } => {
                    batch.purges.push((*space, Purge::Hand(scope.clone())));
                    Pending::Late(batch.purges.len(), Told::Purged)
                }
            };
            batch.answers.push(answer);
        }
        for (at, put) in last {
            let stored = before.rows.contains_key(&(at.0, at.1.to_vec()));
            if stored { &mut batch.updates } else { &mut batch.inserts }.push(put);
            batch.named.extend(chunks(put));
        }
        // In one order everywhere, so that two transactions do not wait for each other.
        for puts in [&mut batch.inserts, &mut batch.updates] {
            puts.sort_by(|one, other| (one.space, &one.key).cmp(&(other.space, &other.key)));
        }
        let named = &batch.named;
        batch.unnamed.retain(|body| !named.contains(body));
        batch
    }

    fn apply(
        &mut self,
        put: &Put,
        row: Option<Seen>,
        mark: Version,
        unsure: bool,
    ) -> (Pending, Option<Seen>) {
        let so_far = self.purges.len();
        let told = match decide(row.map(|row| row.standing), put.claim, mark) {
            Verdict::Apply => {
                let (version, live) = (put.claim.version, put.standing.live);
                let purge = Purge::Write { key: put.key.clone(), version, live };
                self.purges.push((put.space, purge));
                self.unnamed.extend(row.and_then(|row| row.body));
                let now = Seen { standing: put.standing, body: chunks(put) };
                return (Pending::Late(so_far + 1, Told::Yes), Some(now));
            }
            Verdict::Already => return (Pending::Late(so_far, Told::Yes), None),
            // It may have been applied by the attempt before, and overwritten since.
            _ if unsure => return (Pending::Unknown, None),
            Verdict::Newer(current) => Told::Newer(current),
            Verdict::Mismatch(current) => Told::Mismatch(current),
            Verdict::Collected(mark) => Told::Collected(mark),
        };
        let answer =
            if row.is_some() { Pending::Late(so_far, told) } else { Pending::Early(so_far, told) };
        (answer, None)
    }

    /// The answers, and the records with their numbers: `base` is the last number before theirs.
    pub(super) fn finish(self, before: &Before, base: Position) -> (Vec<Outcome>, Vec<Record>) {
        let quiet = base == before.early;
        let answer = |pending| match pending {
            Pending::Late(so_far, told) => told.at(plus(base, so_far)),
            // Nobody else has committed since: then it is the batch's own order that counts.
            Pending::Early(so_far, told) if quiet => told.at(plus(base, so_far)),
            Pending::Early(_, told) => told.at(before.early),
            Pending::Unknown => Outcome::Unknown,
        };
        let answers = self.answers.into_iter().map(answer).collect();
        let numbers = base.number + 1..;
        let records = numbers.zip(self.purges);
        let records = records.map(|(number, (space, purge))| Record { number, space, purge });
        (answers, records.collect())
    }
}

impl Told {
    fn at(self, position: Position) -> Outcome {
        Outcome::Applied(match self {
            Self::Yes => Applied::Yes { position },
            Self::Newer(current) => Applied::Newer { current, position },
            Self::Mismatch(current) => Applied::Mismatch { current, position },
            Self::Collected(mark) => Applied::Collected { mark, position },
            Self::Purged => return Outcome::Purged(position),
        })
    }
}

fn plus(base: Position, more: usize) -> Position {
    Position::new(base.incarnation, base.number + more as u64)
}

fn chunks(put: &Put) -> Option<i64> {
    match &put.body {
        Prepared::Chunks(reference) => Some(reference.id),
        Prepared::Absent | Prepared::Bytes(_) => None,
    }
}
