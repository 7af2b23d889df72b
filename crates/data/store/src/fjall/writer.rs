//! What the writer's thread does with the writes that waited together: decide each against what
//! the ones before it leave, commit all at once, then tell.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{Position, SpaceId, Wall};
use tokio::sync::oneshot;

use super::open::{Core, FORGOTTEN, encode_meta};
use super::read::row_key;
use crate::blobs::Copied;
use crate::decide::{Claim, Standing, Verdict, decide};
use crate::encoding::{StoredBody, StoredRow, encode_record};
use crate::group::Commit;
use crate::{Applied, Condition, Error, Purge, Record, Scope};

type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Job {
    Apply { put: Put, answer: Answer<Applied> },
    Purge { space: SpaceId, scope: Scope, answer: Answer<Position> },
    Trim { through: u64, answer: Answer<Position> },
}

/// A write ready to be decided.
pub(super) struct Put {
    pub(super) space: SpaceId,
    pub(super) key: Bytes,
    pub(super) claim: Claim,
    pub(super) standing: Standing,
    pub(super) record: Bytes,
    pub(super) file: Option<Copied>,
}

pub(super) struct Writer {
    core: Arc<Core>,
    position: Position,
    /// Why nothing is written any more: after a failed commit nobody knows what is on the disk.
    broken: Option<String>,
}

/// One commit in the making.
struct Batch<'a> {
    core: &'a Core,
    batch: fjall::OwnedWriteBatch,
    position: Position,
    at: Wall,
    /// Rows as the writes before in this batch leave them.
    seen: HashMap<Vec<u8>, Option<Seen>>,
    records: Vec<Record>,
    forgotten: u64,
    answers: Vec<Told>,
    /// Files that rows of this batch name.
    named: Vec<Copied>,
    /// Files that they no longer do.
    doomed: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Seen {
    standing: Standing,
    file: Option<u64>,
}

/// An answer that waits for the commit.
enum Told {
    Applied(Answer<Applied>, Applied),
    Position(Answer<Position>, Position),
}

impl Writer {
    pub(super) fn new(core: Arc<Core>) -> Self {
        let position = core.position();
        Self { core, position, broken: None }
    }

    fn publish(&mut self, batch: Batch<'_>) {
        self.position = batch.position;
        self.core.recent.push(batch.records);
        self.core.forget(batch.forgotten);
        self.core.committed.send_if_modified(|committed| {
            std::mem::replace(committed, batch.position) != batch.position
        });
        for file in batch.named {
            file.keep();
        }
        for id in batch.doomed {
            self.core.blobs.doom(id);
        }
        for told in batch.answers {
            told.send();
        }
    }
}

impl Commit for Writer {
    type Job = Job;

    fn commit(&mut self, jobs: Vec<Job>) {
        if let Some(why) = &self.broken {
            return jobs.into_iter().for_each(|job| job.refuse(why));
        }
        let core = self.core.clone();
        let mut batch = Batch::new(&core, self.position);
        for job in jobs {
            batch.take(job);
        }
        match batch.write() {
            Ok(()) => self.publish(batch),
            Err(error) => {
                let why = format!("a commit failed ({error}); the store must be opened again");
                tracing::error!("{why}; writes are refused until then, reads go on");
                batch.fail(&why);
                self.broken = Some(why);
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn new(core: &'a Core, position: Position) -> Self {
        Self {
            core,
            batch: core.engine.batch(),
            position,
            at: core.clock.wall(),
            seen: HashMap::new(),
            records: Vec::new(),
            forgotten: 0,
            answers: Vec::new(),
            named: Vec::new(),
            doomed: Vec::new(),
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Apply { put, answer } => match self.apply(put) {
                Ok(applied) => self.answers.push(Told::Applied(answer, applied)),
                // Whoever asked may have gone.
                Err(error) => drop(answer.send(Err(error))),
            },
            Job::Purge { space, scope, answer } => {
                self.number(space, Purge::Hand(scope));
                self.answers.push(Told::Position(answer, self.position));
            }
            Job::Trim { through, answer } => {
                self.trim(through);
                self.answers.push(Told::Position(answer, self.position));
            }
        }
    }

    fn apply(&mut self, put: Put) -> Result<Applied, Error> {
        let Put { space, key, claim, standing, record, file } = put;
        let row_key = row_key(space, &key);
        let seen = self.seen(&row_key, claim)?;
        let position = self.position;
        match decide(seen.map(|seen| seen.standing), claim) {
            Verdict::Already => return Ok(Applied::Yes { position }),
            Verdict::Newer(current) => return Ok(Applied::Newer { current, position }),
            Verdict::Mismatch(current) => return Ok(Applied::Mismatch { current, position }),
            Verdict::Apply => {}
        }
        self.name(file.as_ref().map(|file| file.reference().id), seen.and_then(|seen| seen.file));
        let now = Seen { standing, file: file.as_ref().map(|file| file.reference().id) };
        self.named.extend(file);
        self.batch.insert(&self.core.rows, row_key.as_slice(), record);
        self.seen.insert(row_key, Some(now));
        self.number(space, Purge::Write { key, version: claim.version, live: standing.live });
        Ok(Applied::Yes { position: self.position })
    }

    /// The row as it stands, with the writes of this batch.
    fn seen(&mut self, row_key: &[u8], claim: Claim) -> Result<Option<Seen>, Error> {
        if let Some(seen) = self.seen.get(row_key) {
            return Ok(*seen);
        }
        match self.core.stored(row_key) {
            Ok(row) => Ok(row.as_ref().map(Seen::of)),
            // What cannot be read cannot be served either: a plain write heals it.
            Err(Error::Damaged(what)) if claim.condition == Condition::Newer => {
                tracing::error!(what, "a damaged row is overwritten");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn name(&mut self, new: Option<u64>, old: Option<u64>) {
        if let Some(id) = new {
            self.batch.insert(&self.core.files, id.to_be_bytes(), b"");
        }
        if let Some(id) = old {
            self.batch.remove(&self.core.files, id.to_be_bytes());
            self.doomed.push(id);
        }
    }

    fn number(&mut self, space: SpaceId, purge: Purge) {
        self.position.number += 1;
        let record = Record { number: self.position.number, space, purge };
        let bytes = encode_record(self.at, &record);
        self.batch.insert(&self.core.outbox, record.number.to_be_bytes(), bytes);
        self.records.push(record);
    }

    fn trim(&mut self, through: u64) {
        let forgotten = self.core.forgotten().max(self.forgotten);
        for number in forgotten + 1..=through {
            self.batch.remove(&self.core.outbox, number.to_be_bytes());
        }
        self.forgotten = forgotten.max(through);
        self.batch.insert(&self.core.meta, FORGOTTEN, encode_meta(self.forgotten));
    }

    fn write(&mut self) -> fjall::Result<()> {
        std::mem::replace(&mut self.batch, self.core.engine.batch()).commit()
    }

    fn fail(self, why: &str) {
        for file in self.named {
            // The row may be on the disk after all; if not, the next start sweeps the file.
            file.keep();
        }
        for told in self.answers {
            told.refuse(why);
        }
    }
}

impl Seen {
    fn of(row: &StoredRow) -> Self {
        let StoredRow { version, expires_at, body, .. } = row;
        Self {
            standing: Standing {
                version: *version,
                live: *body != StoredBody::Absent,
                expires_at: *expires_at,
            },
            file: match body {
                StoredBody::File(reference) => Some(reference.id),
                _ => None,
            },
        }
    }
}

// Whoever asked may have gone: what an answer's sender says is dropped.
impl Told {
    fn send(self) {
        match self {
            Self::Applied(answer, applied) => drop(answer.send(Ok(applied))),
            Self::Position(answer, position) => drop(answer.send(Ok(position))),
        }
    }

    fn refuse(self, why: &str) {
        match self {
            Self::Applied(answer, _) => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Position(answer, _) => drop(answer.send(Err(Error::Write(why.into())))),
        }
    }
}

impl Job {
    fn refuse(self, why: &str) {
        match self {
            Self::Apply { answer, .. } => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Purge { answer, .. } | Self::Trim { answer, .. } => {
                drop(answer.send(Err(Error::Write(why.into()))));
            }
        }
    }
}
