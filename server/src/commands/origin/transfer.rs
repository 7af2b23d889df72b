//! Brings every row of one store into another, with the versions it has.
//!
//! Rows are versioned and independent, so that it may be broken off and run again at any time, and may
//! run while the source is written: what both hold alike is passed over, and a row that is newer in the
//! target stays. No cursor is kept; walking both is quick beside copying.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use littoral_clock::Clock;
use littoral_store::{
    Applied, Collect, Condition, Digest, Doomed, Error, FILE_BYTES_MIN, Row, Scan, Store, Write,
};
use littoral_types::{Body, SpaceId, Version};

use super::walk::{Pair, Walk, count};
use crate::commands::kv::progress::Progress;

/// Rows on their way at once; each holds less than [`FILE_BYTES_MIN`] in memory, larger bodies are files.
const AT_ONCE_MAX: usize = 128;
/// Rows compared before what differs is sent.
const BATCH: usize = 2_048;
/// No namespace has this id: only the mark of a collection passes through it.
const NO_SPACE: SpaceId = SpaceId(u128::MAX);

/// What a transfer did, or a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) same: u64,
    pub(super) copied: u64,
    pub(super) bytes: u64,
    /// The target's row is newer, and stays.
    pub(super) newer: u64,
    /// Only the target has them, above the source's collection mark.
    pub(super) extra: u64,
    /// Only the target had them, and the source has collected them.
    pub(super) removed: u64,
    /// The source cannot read them: the other store may.
    pub(super) damaged: u64,
}

pub(super) struct Transfer<'a> {
    pub(super) source: &'a dyn Store,
    pub(super) target: &'a dyn Store,
    pub(super) clock: &'a Clock,
    /// Whether rows that the source has deleted and forgotten go in the target: in a backup they do.
    pub(super) prune: bool,
}

/// What is to be done with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Copy(Digest),
    /// It was deleted and forgotten in the source.
    Remove(Digest),
}

/// Rows on both sides, and a digest of each side's rows: equal when, and only when, they agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) rows: u64,
    /// Rows that the target lacks, or has older.
    pub(super) missing: u64,
    pub(super) source: blake3::Hash,
    pub(super) target: blake3::Hash,
}

impl Transfer<'_> {
    /// # Errors
    /// When a store cannot be read or written; the same again goes on from there.
    pub(super) async fn run(&self) -> Result<Tally, Error> {
        let (rows, mark) = count(self.source).await?;
        let progress = Progress::new(self.clock, Some(rows));
        let mut walk = Walk::new(self.source, self.target);
        let mut tally = Tally::default();
        loop {
            let mut steps = Vec::new();
            let (mut compared, mut passed, mut ended) = (0, 0, false);
            while compared < BATCH {
                let Some(pair) = walk.next().await? else {
                    ended = true;
                    break;
                };
                compared += 1;
                passed += u64::from(!matches!(pair, Pair::Second(_)));
                steps.extend(tally.judge(pair, self.prune.then_some(mark)));
            }
            let bytes = self.take(steps, &mut tally).await?;
            progress.add(passed, bytes, passed);
            if ended {
                break;
            }
        }
        self.raise(mark).await?;
        progress.finish();
        Ok(tally)
    }

    async fn take(&self, steps: Vec<Step>, tally: &mut Tally) -> Result<u64, Error> {
        let work = stream::iter(steps).map(|step| self.step(step)).buffer_unordered(AT_ONCE_MAX);
        let mut work = std::pin::pin!(work);
        let mut sum = 0;
        while let Some(done) = work.next().await {
            match done? {
                Done::Copied(bytes) => {
                    tally.copied += 1;
                    sum += bytes;
                }
                Done::Newer => tally.newer += 1,
                Done::Removed => tally.removed += 1,
                Done::Damaged => tally.damaged += 1,
                Done::Gone => {}
            }
        }
        tally.bytes += sum;
        Ok(sum)
    }

    async fn step(&self, step: Step) -> Result<Done, Error> {
        match step {
            Step::Copy(digest) => self.copy(digest).await,
            Step::Remove(digest) => {
                self.forget(digest.space, digest.key).await?;
                Ok(Done::Removed)
            }
        }
    }

    async fn copy(&self, digest: Digest) -> Result<Done, Error> {
        let Digest { space, key, .. } = digest;
        let row = match self.source.get(space, key.clone()).await {
            Ok(found) => found.row,
            Err(Error::Damaged(why)) => {
                tracing::warn!(%why, "a row is damaged in the source");
                return Ok(Done::Damaged);
            }
            Err(error) => return Err(error),
        };
        let Some(row) = row else { return Ok(Done::Gone) };
        let bytes = row.body.len();
        debug_assert!(matches!(row.body, Body::File(_)) || bytes < FILE_BYTES_MIN as u64);
        // The source has it, so that it is no row that was collected.
        match self.apply(space, key, row, Condition::Revive).await? {
            Applied::Newer { .. } => Ok(Done::Newer),
            _ => Ok(Done::Copied(bytes)),
        }
    }

    async fn apply(
        &self,
        space: SpaceId,
        key: Bytes,
        row: Row,
        condition: Condition,
    ) -> Result<Applied, Error> {
        let now = self.clock.wall();
        loop {
            let (key, row) = (key.clone(), row.clone());
            match self.target.apply(Write { space, key, row, condition, now }).await {
                Err(Error::Busy { retry_after }) => self.clock.sleep(retry_after).await,
                other => return other,
            }
        }
    }

    /// The row goes as if its tombstone had been collected.
    async fn forget(&self, space: SpaceId, key: Bytes) -> Result<(), Error> {
        let Some(found) = self.target.get(space, key.clone()).await?.row else { return Ok(()) };
        // Just newer than the row, and older than any write after it.
        let (time, writer) = found.version.parts();
        let version = match writer.checked_add(1) {
            Some(writer) => Version::from_parts(time, writer),
            None => Version::from_parts(time.saturating_add(1), 0),
        };
        let row = Row { version, ..Row::default() };
        self.apply(space, key.clone(), row, Condition::Revive).await?;
        let doomed = vec![Doomed { space, key, version }];
        self.target.collect(Collect { doomed, now: self.clock.wall() }).await?;
        Ok(())
    }

    /// What was deleted and forgotten in the source cannot come back by way of the target.
    async fn raise(&self, mark: Version) -> Result<(), Error> {
        let scanned = self.target.scan(Scan { after: None, limit: 1 }).await?;
        if mark <= scanned.mark {
            return Ok(());
        }
        let key = Bytes::from_static(b"mark");
        let row = Row { version: mark, ..Row::default() };
        self.apply(NO_SPACE, key.clone(), row, Condition::Revive).await?;
        let doomed = vec![Doomed { space: NO_SPACE, key, version: mark }];
        self.target.collect(Collect { doomed, now: self.clock.wall() }).await?;
        Ok(())
    }

    /// # Errors
    /// When a store cannot be read.
    pub(super) async fn compare(&self) -> Result<Compared, Error> {
        let mut walk = Walk::new(self.source, self.target);
        let (mut rows, mut missing) = (0, 0);
        let (mut source, mut target) = (blake3::Hasher::new(), blake3::Hasher::new());
        while let Some(pair) = walk.next().await? {
            let (one, other) = match pair {
                Pair::First(one) => (Some(one), None),
                Pair::Second(other) => (None, Some(other)),
                Pair::Both(one, other) => (Some(one), Some(other)),
            };
            let versions = (one.as_ref(), other.as_ref());
            missing += u64::from(versions.0.map(|d| d.version) > versions.1.map(|d| d.version));
            rows += u64::from(one.is_some());
            for (hasher, digest) in [(&mut source, one), (&mut target, other)] {
                if let Some(digest) = digest {
                    hash(hasher, &digest);
                }
            }
        }
        let (source, target) = (source.finalize(), target.finalize());
        Ok(Compared { rows, missing, source, target })
    }
}

enum Done {
    Copied(u64),
    Newer,
    Removed,
    Damaged,
    /// It was collected in the source meanwhile.
    Gone,
}

impl Tally {
    /// What is to be done, if anything.
    fn judge(&mut self, pair: Pair, prune: Option<Version>) -> Option<Step> {
        match pair {
            Pair::First(one) => Some(Step::Copy(one)),
            Pair::Both(one, other) if one.version > other.version => Some(Step::Copy(one)),
            Pair::Both(one, other) => {
                self.same += u64::from(one.version == other.version);
                self.newer += u64::from(one.version < other.version);
                None
            }
            Pair::Second(other) if prune.is_some_and(|mark| other.version <= mark) => {
                Some(Step::Remove(other))
            }
            Pair::Second(_) => {
                self.extra += 1;
                None
            }
        }
    }
}

fn hash(hasher: &mut blake3::Hasher, digest: &Digest) {
    let Digest { space, key, version, live, expires_at } = digest;
    hasher.update(&space.to_bytes());
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(version.to_string().as_bytes());
    hasher.update(&[u8::from(*live), u8::from(expires_at.is_some())]);
    hasher.update(&expires_at.map_or(0, |at| at.0).to_be_bytes());
}
