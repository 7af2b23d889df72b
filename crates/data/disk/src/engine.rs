//! The folder of the disk tier: entries by key, and by age for what has to go.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use littoral_types::{SpaceId, Version};

use crate::queue::{Change, Key};
use crate::record::{
    self, Damage, Head, decode_age, decode_body, decode_head, encode_age, encode_body, encode_head,
};
use crate::{Kept, Limits};

const SPACE: usize = size_of::<SpaceId>();

/// Bodies of at least this many bytes stand apart from the tables that are merged.
const SEPARATED_BYTES_MIN: u32 = 512;

/// How often a read begins again because the entry was replaced under it.
const READS_MAX: usize = 3;

pub(crate) struct Engine {
    database: Database,
    /// Space and key → head.
    heads: Keyspace,
    /// Number → body, for those that stand apart.
    bodies: Keyspace,
    /// Number → [whose it is](record::encode_age), oldest first.
    ages: Keyspace,
    /// `TOTAL` → what all entries take.
    totals: Keyspace,
    bytes_max: u64,
    boot: u64,
    total: Mutex<Total>,
}

#[derive(Clone, Copy, Default)]
struct Total {
    entries: u64,
    bytes: u64,
    /// Of the last entry.
    number: u64,
    /// No entry has a lower number.
    first: u64,
}

/// One write in the making.
struct Batch<'a> {
    engine: &'a Engine,
    batch: fjall::OwnedWriteBatch,
    total: Total,
    /// Numbers that this write takes away.
    gone: HashSet<u64>,
}

const TOTAL: &str = "total";

impl Engine {
    pub(crate) fn open(dir: &Path, limits: Limits, boot: u64) -> fjall::Result<Self> {
        let database = Database::builder(dir)
            .cache_size(limits.block_cache_bytes_max)
            .max_cached_files(Some(limits.open_files_max.max(10)))
            .max_journaling_size(64 << 20)
            .worker_threads(1)
            .open()?;
        let plain =
            || KeyspaceCreateOptions::default().max_memtable_size(limits.memtable_bytes_max);
        let apart = || {
            let separation = KvSeparationOptions::default();
            let separation = separation.separation_threshold(SEPARATED_BYTES_MIN);
            plain().with_kv_separation(Some(separation))
        };
        let engine = Self {
            heads: database.keyspace("heads", plain)?,
            bodies: database.keyspace("bodies", apart)?,
            ages: database.keyspace("ages", plain)?,
            totals: database.keyspace("totals", plain)?,
            database,
            bytes_max: limits.bytes_max,
            boot,
            total: Mutex::default(),
        };
        match engine.read_total()? {
            Some(total) => engine.set_total(total),
            // New, or not to be trusted.
            None => engine.clear()?,
        }
        Ok(engine)
    }

    /// # Errors
    /// [`Damage`] also when the disk cannot be read: the entry is of no use either way.
    pub(crate) fn get(&self, space: SpaceId, key: &[u8]) -> Result<Option<Kept>, Damage> {
        let head_key = head_key(space, key);
        for _ in 0..READS_MAX {
            let Some(head) = self.heads.get(&head_key).map_err(|_| Damage)? else {
                return Ok(None);
            };
            let mut head = decode_head(&head)?;
            if head.apart {
                let body = self.bodies.get(head.number.to_be_bytes()).map_err(|_| Damage)?;
                // Bodies are never rewritten: a missing one means that the entry was replaced.
                let Some(body) = body else { continue };
                head.kept.body = Some(decode_body(&body.into())?);
            }
            return Ok(Some(head.into_kept(self.boot)));
        }
        Ok(None)
    }

    pub(crate) fn version(&self, space: SpaceId, key: &[u8]) -> Option<Version> {
        let head = self.heads.get(head_key(space, key)).ok()??;
        Some(decode_head(&head).ok()?.kept.version)
    }

    /// Shows every entry, its body unread if it stands apart. What does not decode is left out.
    pub(crate) fn each(&self, show: impl Fn(SpaceId, &[u8], &Kept)) {
        for entry in self.heads.iter() {
            let Ok((key, head)) = entry.into_inner() else { continue };
            let (Some((space, key)), Ok(head)) = (split(&key), decode_head(&head)) else {
                continue;
            };
            show(space, key, &head.into_kept(self.boot));
        }
    }

    /// Only the writing thread calls this.
    pub(crate) fn write<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a Key, &'a Change)>,
    ) -> fjall::Result<()> {
        let mut batch = Batch {
            engine: self,
            batch: self.database.batch(),
            total: self.total(),
            gone: HashSet::new(),
        };
        for ((space, key), change) in changes {
            batch.change(*space, key, change)?;
        }
        batch.make_room()?;
        batch.commit()
    }

    /// Forgets everything. Bodies first: a head without one is treated as not there.
    pub(crate) fn clear(&self) -> fjall::Result<()> {
        for keyspace in [&self.bodies, &self.heads, &self.ages] {
            keyspace.clear()?;
        }
        let Total { number, .. } = self.total();
        self.set_total(Total { entries: 0, bytes: 0, number, first: number + 1 });
        self.totals.insert(TOTAL, self.total().encode())
    }

    /// What is written so far survives the loss of power.
    pub(crate) fn sync(&self) {
        if let Err(error) = self.database.persist(PersistMode::SyncAll) {
            tracing::error!(%error, "the disk cache cannot be synced");
        }
    }

    /// Entries and their bytes.
    pub(crate) fn held(&self) -> (u64, u64) {
        let Total { entries, bytes, .. } = self.total();
        (entries, bytes)
    }

    fn total(&self) -> Total {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_total(&self, total: Total) {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner) = total;
    }

    fn read_total(&self) -> fjall::Result<Option<Total>> {
        Ok(self.totals.get(TOTAL)?.and_then(|bytes| Total::decode(&bytes)))
    }

    #[cfg(test)]
    pub(crate) fn damage(&self, space: SpaceId, key: &[u8]) {
        self.heads.insert(head_key(space, key), "nonsense").unwrap();
    }

    /// Cuts a byte off every body that stands apart.
    #[cfg(test)]
    pub(crate) fn cut_bodies(&self) -> usize {
        let bodies: Vec<_> = self.bodies.iter().map(|body| body.into_inner().unwrap()).collect();
        for (number, body) in &bodies {
            self.bodies.insert(number.clone(), &body[1..]).unwrap();
        }
        bodies.len()
    }
}

impl Batch<'_> {
    fn change(&mut self, space: SpaceId, key: &[u8], change: &Change) -> fjall::Result<()> {
        let head_key = head_key(space, key);
        match self.engine.heads.get(&head_key)?.map(|head| decode_head(&head)) {
            Some(Ok(before)) => self.remove(&head_key, &before),
            // What it takes is known by its age only: it counts until that comes up.
            Some(Err(Damage)) => self.batch.remove(&self.engine.heads, head_key.as_slice()),
            None => {}
        }
        if let Change::Keep(kept) = change {
            self.insert(&head_key, key, kept);
        }
        Ok(())
    }

    fn insert(&mut self, head_key: &[u8], key: &[u8], kept: &Kept) {
        let bytes = record::size(key, kept);
        if bytes > self.engine.bytes_max {
            return;
        }
        self.total.number += 1;
        self.total.entries += 1;
        self.total.bytes += bytes;
        let number = self.total.number;
        let head = encode_head(kept, number, bytes, self.engine.boot);
        self.batch.insert(&self.engine.heads, head_key, head);
        self.batch.insert(&self.engine.ages, number.to_be_bytes(), encode_age(head_key, bytes));
        if let Some(body) = record::apart(kept) {
            self.batch.insert(&self.engine.bodies, number.to_be_bytes(), encode_body(body));
        }
    }

    fn remove(&mut self, head_key: &[u8], head: &Head) {
        self.batch.remove(&self.engine.heads, head_key);
        self.remove_number(head.number, head.bytes);
    }

    fn remove_number(&mut self, number: u64, bytes: u64) {
        self.batch.remove(&self.engine.ages, number.to_be_bytes());
        self.batch.remove(&self.engine.bodies, number.to_be_bytes());
        self.total.entries = self.total.entries.saturating_sub(1);
        self.total.bytes = self.total.bytes.saturating_sub(bytes);
        self.gone.insert(number);
    }

    /// Drops the oldest entries until the rest fits.
    fn make_room(&mut self) -> fjall::Result<()> {
        if self.total.bytes <= self.engine.bytes_max {
            return Ok(());
        }
        for age in self.engine.ages.range(self.total.first.to_be_bytes()..) {
            if self.total.bytes <= self.engine.bytes_max {
                break;
            }
            let (age, value) = age.into_inner()?;
            let (head_key, bytes) = decode_age(&value);
            let number = age.as_ref().try_into().map_or(0, u64::from_be_bytes);
            self.total.first = number;
            if self.gone.contains(&number) {
                continue;
            }
            let head = self.engine.heads.get(head_key)?.and_then(|head| decode_head(&head).ok());
            let whole = head.is_some_and(|head| head.number == number);
            if whole {
                self.batch.remove(&self.engine.heads, head_key);
            }
            self.remove_number(number, bytes);
        }
        Ok(())
    }

    fn commit(mut self) -> fjall::Result<()> {
        self.batch.insert(&self.engine.totals, TOTAL, self.total.encode());
        self.batch.commit()?;
        self.engine.set_total(self.total);
        Ok(())
    }
}

impl Total {
    fn encode(self) -> Vec<u8> {
        let Self { entries, bytes, number, first } = self;
        encode_body(&[entries, bytes, number, first].map(u64::to_be_bytes).concat())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let record = decode_body(&bytes.to_vec().into()).ok()?;
        let mut numbers = record.chunks_exact(size_of::<u64>());
        let mut next = || numbers.next()?.try_into().ok().map(u64::from_be_bytes);
        Some(Self { entries: next()?, bytes: next()?, number: next()?, first: next()? })
    }
}

fn head_key(space: SpaceId, key: &[u8]) -> Vec<u8> {
    [&space.to_bytes(), key].concat()
}

fn split(head_key: &[u8]) -> Option<(SpaceId, &[u8])> {
    let (space, key) = head_key.split_first_chunk::<SPACE>()?;
    Some((SpaceId::from_bytes(*space), key))
}
