//! What the queue's thread does with the debts that waited together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_types::{SpaceId, StoreId, Version};
use tokio::sync::oneshot;

use super::encoding::{Place, debt_key, encode_number, purge_key, write_key};
use super::folder::{Account, Folder, LAST};
use crate::Error;
use crate::blobs::Copied;
use crate::engine::read_error;
use crate::group::Commit;

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
    /// Why nothing is written any more: after a failed commit nobody knows what is on the disk.
    broken: Option<String>,
}

/// One commit in the making.
struct Batch<'a> {
    folder: &'a Folder,
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
        Ok(Self { number: folder.last_number()?, folder, broken: None })
    }

    fn publish(&mut self, batch: Batch<'_>) {
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
        if let Some(why) = &self.broken {
            return jobs.into_iter().for_each(|job| job.refuse(why));
        }
        let folder = self.folder.clone();
        let mut batch = Batch::new(&folder, self.number);
        for job in jobs {
            batch.take(job);
        }
        match batch.write() {
            Ok(()) => self.publish(batch),
            Err(error) => {
                let why = format!("a commit failed ({error}); the queue must be opened again");
                tracing::error!("{why}; debts are refused until then");
                for file in batch.named {
                    // The debt may be on the disk after all; if not, the next start sweeps it.
                    file.keep();
                }
                for told in batch.answers {
                    told.send(Some(&why));
                }
                self.broken = Some(why);
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn new(folder: &'a Folder, number: u64) -> Self {
        let accounts = folder.accounts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            folder,
            batch: folder.engine.lax_batch(),
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
        self.batch.insert(&self.folder.debts, debt_key(store, number), record);
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
        self.batch.insert(&self.folder.debts, debt_key(store, self.number), record.clone());
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
        for place in self.folder.places.prefix([store.0]) {
            let key = place.key().map_err(read_error)?;
            if let Some(place) = self.seen(&key)?
                && place.number == number
            {
                self.remove(store, key.to_vec(), place);
                return Ok(());
            }
        }
        self.batch.remove(&self.folder.debts, debt_key(store, number));
        Ok(())
    }

    fn remove(&mut self, store: StoreId, key: Vec<u8>, place: Place) {
        self.batch.remove(&self.folder.debts, debt_key(store, place.number));
        self.put(store, key, Some(place), None);
    }

    fn seen(&self, key: &[u8]) -> Result<Option<Place>, Error> {
        match self.seen.get(key) {
            Some(seen) => Ok(*seen),
            None => self.folder.place(key),
        }
    }

    /// Refuses what would pass a limit.
    fn afford(&self, store: StoreId, bytes: u64, before: Option<Place>) -> Result<(), Error> {
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
            self.batch.remove(&self.folder.files, id.to_be_bytes());
            self.doomed.push(id);
        }
        if let Some(id) = after.and_then(|after| after.file) {
            self.batch.insert(&self.folder.files, id.to_be_bytes(), b"");
        }
        match after {
            Some(after) => self.batch.insert(&self.folder.places, key.as_slice(), after.encode()),
            None => self.batch.remove(&self.folder.places, key.as_slice()),
        }
        self.seen.insert(key, after);
    }

    /// Payments alone may be lost with the machine's power.
    fn write(&mut self) -> fjall::Result<()> {
        let engine = &self.folder.engine;
        let mut batch = std::mem::replace(&mut self.batch, engine.lax_batch());
        if self.added > 0 {
            // Never given again: a purge is known by its number.
            batch.insert(&self.folder.numbers, LAST, encode_number(self.number));
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
        }
    }
}
