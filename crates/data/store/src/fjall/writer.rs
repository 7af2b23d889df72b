//! What the writer's thread does with the writes that waited together: decide each against what
//! the ones before it leave, commit all at once, then tell.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{Position, SpaceId, Version, Wall};
use tokio::sync::oneshot;

use super::open::{COLLECTED, Core, FORGOTTEN, Opened, encode_meta};
use super::read::row_key;
use crate::blobs::Copied;
use crate::decide::{Claim, Standing, Verdict, decide};
use crate::encoding::{StoredBody, StoredRow, encode_record};
use crate::group::Commit;
use crate::handle::{Broken, Mending, reason};
use crate::{Applied, Collect, Condition, Error, Purge, Record, Scope, room};

type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Job {
    Apply {
        put: Put,
        answer: Answer<Applied>,
    },
    Purge {
        space: SpaceId,
        scope: Scope,
        answer: Answer<Position>,
    },
    Collect {
        collect: Collect,
        answer: Answer<u64>,
    },
    Trim {
        through: u64,
        answer: Answer<Position>,
    },
    /// Somebody found the engine closed.
    Mend,
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
    mending: Mending,
    /// After a failed commit nobody knows what is on the disk: the engine must be opened again.
    broken: Option<Broken>,
    unsure: Unsure,
}

/// Deletes and purges, which make room, are taken down to this part of what is kept back.
const FLOOR: u64 = 4;

/// Files of commits that failed: the rows that name them, or no longer do, may be on the disk.
#[derive(Default)]
struct Unsure {
    named: Vec<Copied>,
    doomed: Vec<u64>,
}

/// One commit in the making.
struct Batch<'a> {
    core: &'a Core,
    opened: &'a Opened,
    batch: fjall::OwnedWriteBatch,
    /// Whether the disk has room for more than deletes.
    room: Result<(), Error>,
    position: Position,
    at: Wall,
    /// Rows as the writes before in this batch leave them.
    seen: HashMap<Vec<u8>, Option<Seen>>,
    records: Vec<Record>,
    forgotten: u64,
    mark: Version,
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
    Collected(Answer<u64>, u64),
}

impl Writer {
    pub(super) fn new(core: Arc<Core>) -> Self {
        let (position, mending) = (core.position(), Mending::new(core.clock.clone()));
        Self { core, position, mending, broken: None, unsure: Unsure::default() }
    }

    fn publish(&mut self, batch: Batch<'_>) {
        self.mending.well();
        self.position = batch.position;
        self.core.recent.push(batch.records);
        self.core.forget(batch.forgotten);
        self.core.raise_mark(batch.mark);
        self.tell();
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

    fn tell(&self) {
        self.core.committed.send_if_modified(|committed| {
            std::mem::replace(committed, self.position) != self.position
        });
    }

    /// The engine, opened again if the last commit failed, on a disk that has room; and how many
    /// bytes of it are free.
    fn ready(&mut self) -> Result<(Arc<Opened>, u64), Error> {
        let (dir, options) = (self.core.dir(), self.core.options);
        let free = room::free(dir)?;
        room::enough(free, options.engine.free_bytes_min / FLOOR)?;
        if let Some(broken) = &mut self.broken {
            let open = || Opened::open(dir, options);
            let opened = self.mending.mend(broken, dir, &self.core.engine, open)?;
            let core = self.core.clone();
            if let Err(error) = self.resume(&core, &opened) {
                self.broken = Some(self.mending.broken(error.to_string()));
                return Err(error);
            }
            self.broken = None;
            tracing::warn!(dir = %core.dir().display(), "opened again: writes go on");
        }
        Ok((self.core.engine.get()?, free))
    }

    /// Goes on from what is on the disk: all that was acknowledged, and of the commits that failed
    /// what got there nevertheless, which is made known now.
    fn resume(&mut self, core: &Core, opened: &Opened) -> Result<(), Error> {
        let last = opened.last_number()?;
        if last < self.position.number {
            let missing = self.position.number - last;
            tracing::error!(missing, "acknowledged writes are gone from this store");
            self.position = Position::new(opened.renew()?, last);
            core.recent.clear();
        } else if last > self.position.number {
            core.recent.push(opened.records(self.position.number + 1, last)?);
            self.position.number = last;
        }
        core.forget(opened.forgotten()?);
        core.raise_mark(opened.mark()?);
        self.tell();
        let Unsure { named, doomed } = std::mem::take(&mut self.unsure);
        for file in named {
            if opened.names(file.reference().id)? {
                file.keep();
            }
        }
        for id in doomed {
            if !opened.names(id)? {
                core.blobs.doom(id);
            }
        }
        Ok(())
    }
}

impl Commit for Writer {
    type Job = Job;

    fn commit(&mut self, jobs: Vec<Job>) {
        let (opened, free) = match self.ready() {
            Ok(ready) => ready,
            Err(error) => {
                let why = reason(&error);
                return jobs.into_iter().for_each(|job| job.refuse(&why));
            }
        };
        let core = self.core.clone();
        let mut batch = Batch::new(&core, &opened, self.position, free);
        for job in jobs {
            batch.take(job);
        }
        match batch.write() {
            Ok(()) => self.publish(batch),
            Err(error) => {
                let why = format!("a commit failed ({error}); the store is opened again shortly");
                tracing::error!("{why}; writes are refused until then, reads go on");
                self.broken = Some(self.mending.broken(why.clone()));
                batch.fail(&why, &mut self.unsure);
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn new(core: &'a Core, opened: &'a Opened, position: Position, free: u64) -> Self {
        Self {
            core,
            opened,
            batch: opened.engine.batch(),
            room: room::enough(free, core.options.engine.free_bytes_min),
            position,
            at: core.clock.wall(),
            seen: HashMap::new(),
            records: Vec::new(),
            forgotten: 0,
            mark: core.mark(),
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
            Job::Collect { collect, answer } => match self.collect(collect) {
                Ok(collected) => self.answers.push(Told::Collected(answer, collected)),
                Err(error) => drop(answer.send(Err(error))),
            },
            Job::Trim { through, answer } => {
                self.trim(through);
                self.answers.push(Told::Position(answer, self.position));
            }
            Job::Mend => {}
        }
    }

    fn apply(&mut self, put: Put) -> Result<Applied, Error> {
        let Put { space, key, claim, standing, record, file } = put;
        let row_key = row_key(space, &key);
        let (seen, mark) = match self.seen(&row_key) {
            Ok(seen) => (seen, self.mark),
            // What cannot be read cannot be served either: a plain write heals it, and the mark has
            // no say, since there is a row.
            Err(Error::Damaged(what)) if plain(claim.condition) => {
                tracing::error!(what, "a damaged row is overwritten");
                (None, Version::ZERO)
            }
            Err(error) => return Err(error),
        };
        let position = self.position;
        let heals =
            seen.and_then(|seen| seen.file).is_some_and(|id| self.core.blobs.is_damaged(id));
        match decide(seen.map(|seen| seen.standing), claim, mark) {
            // The same write again, from where its body is sound.
            Verdict::Already if heals && file.is_some() => {}
            Verdict::Already => return Ok(Applied::Yes { position }),
            Verdict::Newer(current) => return Ok(Applied::Newer { current, position }),
            Verdict::Mismatch(current) => return Ok(Applied::Mismatch { current, position }),
            Verdict::Collected(mark) => return Ok(Applied::Collected { mark, position }),
            Verdict::Apply => {}
        }
        if let Err(error) = &self.room
            && standing.live
        {
            return Err(Error::Write(reason(error)));
        }
        self.name(file.as_ref().map(|file| file.reference().id), seen.and_then(|seen| seen.file));
        let now = Seen { standing, file: file.as_ref().map(|file| file.reference().id) };
        self.named.extend(file);
        self.batch.insert(&self.opened.rows, row_key.as_slice(), record);
        self.seen.insert(row_key, Some(now));
        self.number(space, Purge::Write { key, version: claim.version, live: standing.live });
        Ok(Applied::Yes { position: self.position })
    }

    /// The row as it stands, with the writes of this batch.
    fn seen(&self, row_key: &[u8]) -> Result<Option<Seen>, Error> {
        match self.seen.get(row_key) {
            Some(seen) => Ok(*seen),
            None => Ok(self.opened.stored(row_key)?.as_ref().map(Seen::of)),
        }
    }

    fn collect(&mut self, collect: Collect) -> Result<u64, Error> {
        let (mut collected, before) = (0, self.mark);
        for doomed in collect.doomed {
            let row_key = row_key(doomed.space, &doomed.key);
            let seen = match self.seen(&row_key) {
                Ok(Some(seen)) => seen,
                // What is damaged stays for the write that heals it.
                Ok(None) | Err(Error::Damaged(_)) => continue,
                Err(error) => return Err(error),
            };
            if !seen.standing.collects(doomed.version, collect.now) {
                continue;
            }
            self.name(None, seen.file);
            self.batch.remove(&self.opened.rows, row_key.as_slice());
            self.seen.insert(row_key, None);
            self.mark = self.mark.max(doomed.version);
            collected += 1;
        }
        if self.mark > before {
            self.batch.insert(&self.opened.meta, COLLECTED, encode_meta(&self.mark.parts()));
        }
        Ok(collected)
    }

    fn name(&mut self, new: Option<u64>, old: Option<u64>) {
        if let Some(id) = new {
            self.batch.insert(&self.opened.files, id.to_be_bytes(), b"");
        }
        if let Some(id) = old {
            self.batch.remove(&self.opened.files, id.to_be_bytes());
            self.doomed.push(id);
        }
    }

    fn number(&mut self, space: SpaceId, purge: Purge) {
        self.position.number += 1;
        let record = Record { number: self.position.number, space, purge };
        let bytes = encode_record(self.at, &record);
        self.batch.insert(&self.opened.outbox, record.number.to_be_bytes(), bytes);
        self.records.push(record);
    }

    fn trim(&mut self, through: u64) {
        let forgotten = self.core.forgotten().max(self.forgotten);
        for number in forgotten + 1..=through {
            self.batch.remove(&self.opened.outbox, number.to_be_bytes());
        }
        self.forgotten = forgotten.max(through);
        self.batch.insert(&self.opened.meta, FORGOTTEN, encode_meta(&self.forgotten));
    }

    fn write(&mut self) -> fjall::Result<()> {
        std::mem::replace(&mut self.batch, self.opened.engine.batch()).commit()
    }

    fn fail(self, why: &str, unsure: &mut Unsure) {
        unsure.named.extend(self.named);
        unsure.doomed.extend(self.doomed);
        for told in self.answers {
            told.refuse(why);
        }
    }
}

/// Whether a write asks for nothing but to be the newest.
fn plain(condition: Condition) -> bool {
    matches!(condition, Condition::Newer | Condition::Revive)
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
            Self::Collected(answer, collected) => drop(answer.send(Ok(collected))),
        }
    }

    fn refuse(self, why: &str) {
        match self {
            Self::Applied(answer, _) => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Position(answer, _) => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Collected(answer, _) => drop(answer.send(Err(Error::Write(why.into())))),
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
            Self::Collect { answer, .. } => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Mend => {}
        }
    }
}
