//! What the queue's thread does with the debts that waited together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_types::{SpaceId, StoreId, Version};
use tokio::sync::oneshot;

use super::encoding::{Place, debt_key, encode_number, purge_key, write_key};
use super::folder::{Account, Folder, LAST, Opened};
use crate::blobs::Copied;
use crate::engine::read_error;
use crate::group::Commit;
use crate::handle::{Broken, Mending, reason};
use crate::{Error, room};

type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Job {
    Add {
        added: Added,
        answer: Answer<()>,
    },
    AddPurge {
        store: StoreId,
        record: Bytes,
        answer: Answer<u64>,
    },
    Settle {
        store: StoreId,
        key: Vec<u8>,
        version: Version,
        answer: Answer<()>,
    },
    /// Somebody found the engine closed.
    Mend,
    /// A debt that does not decode.
    Drop {
        store: StoreId,
        number: u64,
        answer: Answer<()>,
    },
}

/// A write ready to be queued.
pub(super) struct Added {
    pub(super) store: StoreId,
    pub(super) space: SpaceId,
    pub(super) key: Bytes,
    pub(super) version: Version,
    pub(super) record: Bytes,
    pub(super) file: Option<Copied>,
}

pub(super) struct Queue {
    folder: Arc<Folder>,
    number: u64,
    mending: Mending,
    /// After a failed commit nobody knows what is on the disk: the engine must be opened again.
    broken: Option<Broken>,
    /// Files of commits that failed: debts may name them, or no longer do.
    named: Vec<Copied>,
    doomed: Vec<u64>,
}

/// One commit in the making.
struct Batch<'a> {
    folder: &'a Folder,
    opened: &'a Opened,
    batch: fjall::OwnedWriteBatch,
    number: u64,
    accounts: BTreeMap<StoreId, Account>,
    /// Places as the jobs before in this batch leave them.
    seen: HashMap<Vec<u8>, Option<Place>>,
    added: u64,
    answers: Vec<Told>,
    named: Vec<Copied>,
    doomed: Vec<u64>,
}

/// An answer that waits for the commit.
enum Told {
    Done(Answer<()>),
    Id(Answer<u64>, u64),
}

const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Queue {
    pub(super) fn open(folder: Arc<Folder>) -> Result<Self, Error> {
        Ok(Self {
            number: folder.engine.get()?.last_number()?,
            folder,
            // Only for how long to wait before the next try.
            mending: Mending::new(Clock::system()),
            broken: None,
            named: Vec::new(),
            doomed: Vec::new(),
        })
    }

    /// The engine, opened again if the last commit failed, on a disk that has room.
    fn ready(&mut self) -> Result<Arc<Opened>, Error> {
        let folder = self.folder.clone();
        if let Some(broken) = &mut self.broken {
            let open = || Opened::open(&folder.dir, folder.options);
            let opened = self.mending.mend(broken, &folder.dir, &folder.engine, open)?;
            if let Err(error) = self.resume(&opened) {
                self.broken = Some(self.mending.broken(error.to_string()));
                return Err(error);
            }
            self.broken = None;
            tracing::warn!(dir = %folder.dir.display(), "opened again: debts are taken");
        }
        folder.engine.get()
    }

    /// Goes on from what is on the disk: debts of commits that failed may be there.
    fn resume(&mut self, opened: &Opened) -> Result<(), Error> {
        let last = opened.last_number()?;
        if last < self.number {
            let missing = self.number - last;
            tracing::error!(missing, "debts that were taken are gone from the queue");
        }
        self.number = self.number.max(last);
        self.folder.look_again(opened.count()?);
        for file in std::mem::take(&mut self.named) {
            if opened.names(file.reference().id)? {
                file.keep();
            }
        }
        for id in std::mem::take(&mut self.doomed) {
            if !opened.names(id)? {
                self.folder.blobs.doom(id);
            }
        }
        Ok(())
    }

    fn publish(&mut self, batch: Batch<'_>) {
        self.mending.well();
        self.number = batch.number;
        *self.folder.accounts.lock().unwrap_or_else(PoisonError::into_inner) = batch.accounts;
        if batch.added > 0 {
            self.folder.added.send_modify(|added| *added += batch.added);
        }
        for file in batch.named {
            file.keep();
        }
        for id in batch.doomed {
            self.folder.blobs.doom(id);
        }
        for told in batch.answers {
            told.send(None);
        }
    }
}

impl Commit for Queue {
    type Job = Job;

    fn commit(&mut self, jobs: Vec<Job>) {
        let opened = match self.ready() {
            Ok(opened) => opened,
            Err(error) => return jobs.into_iter().for_each(|job| job.refuse(&reason(&error))),
        };
        let folder = self.folder.clone();
        let mut batch = Batch::new(&folder, &opened, self.number);
        for job in jobs {
            batch.take(job);
        }
        match batch.write() {
            Ok(()) => self.publish(batch),
            Err(error) => {
                let why = format!("a commit failed ({error}); the queue is opened again shortly");
                tracing::error!("{why}; debts are refused until then");
                self.broken = Some(self.mending.broken(why.clone()));
                self.named.extend(batch.named);
                self.doomed.extend(batch.doomed);
                for told in batch.answers {
                    told.send(Some(&why));
                }
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn new(folder: &'a Folder, opened: &'a Opened, number: u64) -> Self {
        let accounts = folder.accounts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            folder,
            opened,
            batch: opened.engine.lax_batch(),
            number,
            accounts,
            seen: HashMap::new(),
            added: 0,
            answers: Vec::new(),
            named: Vec::new(),
            doomed: Vec::new(),
        }
    }

    // Whoever asked may have gone: what an answer's sender says is dropped.
    fn take(&mut self, job: Job) {
        let (answer, done) = match job {
            Job::Add { added, answer } => (answer, self.add(added)),
            Job::Settle { store, key, version, answer } => {
                (answer, self.settle(store, key, version))
            }
            Job::Drop { store, number, answer } => (answer, self.drop_damaged(store, number)),
            Job::Mend => return,
            Job::AddPurge { store, record, answer } => {
                return match self.add_purge(store, &record) {
                    Ok(id) => self.answers.push(Told::Id(answer, id)),
                    Err(error) => drop(answer.send(Err(error))),
                };
            }
        };
        match done {
            Ok(()) => self.answers.push(Told::Done(answer)),
            Err(error) => drop(answer.send(Err(error))),
        }
    }

    fn add(&mut self, added: Added) -> Result<(), Error> {
        let Added { store, space, key, version, record, file } = added;
        let place_key = write_key(store, space, &key);
        let before = self.seen(&place_key)?;
        if before.is_some_and(|before| before.version() >= version) {
            return Ok(());
        }
        let reference = file.as_ref().map(Copied::reference);
        let len = reference.map_or(0, |reference| reference.len);
        let bytes = (place_key.len() + record.len()) as u64 + len;
        self.afford(store, bytes, before)?;
        let number = before.map_or(self.number + 1, |before| before.number);
        self.number = self.number.max(number);
        let place = Place::new(number, version, reference.map(|reference| reference.id), bytes);
        self.batch.insert(&self.opened.debts, debt_key(store, number), record);
        self.put(store, place_key, before, Some(place));
        self.named.extend(file);
        self.added += 1;
        Ok(())
    }

    fn add_purge(&mut self, store: StoreId, record: &Bytes) -> Result<u64, Error> {
        let bytes = record.len() as u64;
        self.afford(store, bytes, None)?;
        self.number += 1;
        let place = Place::new(self.number, Version::ZERO, None, bytes);
        self.batch.insert(&self.opened.debts, debt_key(store, self.number), record.clone());
        self.put(store, purge_key(store, self.number), None, Some(place));
        self.added += 1;
        Ok(self.number)
    }

    fn settle(&mut self, store: StoreId, key: Vec<u8>, version: Version) -> Result<(), Error> {
        match self.seen(&key)? {
            Some(place) if place.version() <= version => self.remove(store, key, place),
            _ => {}
        }
        Ok(())
    }

    fn drop_damaged(&mut self, store: StoreId, number: u64) -> Result<(), Error> {
        for place in self.opened.places.prefix([store.0]) {
            let key = place.key().map_err(read_error)?;
            if let Some(place) = self.seen(&key)?
                && place.number == number
            {
                self.remove(store, key.to_vec(), place);
                return Ok(());
            }
        }
        self.batch.remove(&self.opened.debts, debt_key(store, number));
        Ok(())
    }

    fn remove(&mut self, store: StoreId, key: Vec<u8>, place: Place) {
        self.batch.remove(&self.opened.debts, debt_key(store, place.number));
        self.put(store, key, Some(place), None);
    }

    fn seen(&self, key: &[u8]) -> Result<Option<Place>, Error> {
        match self.seen.get(key) {
            Some(seen) => Ok(*seen),
            None => self.opened.place(key),
        }
    }

    /// Refuses what would pass a limit.
    fn afford(&self, store: StoreId, bytes: u64, before: Option<Place>) -> Result<(), Error> {
        // Payments make room: only debts are refused on a full disk.
        room::check(&self.folder.dir, self.folder.options.engine.free_bytes_min)?;
        let Account { debts, bytes: held } = self.accounts.get(&store).copied().unwrap_or_default();
        let options = self.folder.options;
        let held = held - before.map_or(0, |before| before.bytes);
        let full = before.is_none() && debts >= options.debts_max;
        if full || (held > 0 && held + bytes > options.bytes_max) {
            return Err(Error::Busy { retry_after: RETRY_AFTER });
        }
        Ok(())
    }

    /// Changes a place, with the account and the files that go with it.
    fn put(&mut self, store: StoreId, key: Vec<u8>, before: Option<Place>, after: Option<Place>) {
        let account = self.accounts.entry(store).or_default();
        if let Some(before) = before {
            account.debts -= 1;
            account.bytes -= before.bytes;
        }
        if let Some(after) = after {
            account.debts += 1;
            account.bytes += after.bytes;
        }
        if let Some(id) = before.and_then(|before| before.file) {
            self.batch.remove(&self.opened.files, id.to_be_bytes());
            self.doomed.push(id);
        }
        if let Some(id) = after.and_then(|after| after.file) {
            self.batch.insert(&self.opened.files, id.to_be_bytes(), b"");
        }
        match after {
            Some(after) => self.batch.insert(&self.opened.places, key.as_slice(), after.encode()),
            None => self.batch.remove(&self.opened.places, key.as_slice()),
        }
        self.seen.insert(key, after);
    }

    /// Payments alone may be lost with the machine's power.
    fn write(&mut self) -> fjall::Result<()> {
        let engine = &self.opened.engine;
        let mut batch = std::mem::replace(&mut self.batch, engine.lax_batch());
        if self.added > 0 {
            // Never given again: a purge is known by its number.
            batch.insert(&self.opened.numbers, LAST, encode_number(self.number));
            batch = engine.durable(batch);
        }
        batch.commit()
    }
}

impl Told {
    fn send(self, why: Option<&str>) {
        let refused = why.map(|why| Error::Write(why.into()));
        match self {
            Self::Done(answer) => drop(answer.send(refused.map_or(Ok(()), Err))),
            Self::Id(answer, id) => drop(answer.send(refused.map_or(Ok(id), Err))),
        }
    }
}

impl Job {
    fn refuse(self, why: &str) {
        match self {
            Self::AddPurge { answer, .. } => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Add { answer, .. } | Self::Settle { answer, .. } | Self::Drop { answer, .. } => {
                drop(answer.send(Err(Error::Write(why.into()))));
            }
            Self::Mend => {}
        }
    }
}
