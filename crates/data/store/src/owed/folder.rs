//! The folder of a queue, and what is read of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fjall::Keyspace;
use littoral_types::{Body, StoreId};
use tokio::sync::watch;

use super::encoding::{
    Place, StoredDebt, debt_key, debt_number, decode_debt, decode_number, decode_place,
};
use super::{Debt, OwedOptions};
use crate::blobs::{Blobs, Check, Looked};
use crate::encoding::StoredBody;
use crate::engine::{Engine, Sync, read_error};
use crate::handle::Handle;
use crate::{Error, Write};

/// What readers and the writer share.
pub(super) struct Folder {
    pub(super) dir: PathBuf,
    pub(super) engine: Handle<Opened>,
    pub(super) blobs: Arc<Blobs>,
    pub(super) accounts: Mutex<Accounts>,
    /// No debt has a lower number: where reading begins, past what is paid but not yet gone.
    firsts: Mutex<BTreeMap<StoreId, u64>>,
    pub(super) added: watch::Sender<u64>,
    pub(super) options: OwedOptions,
}

/// The engine and what stands in it; replaced as a whole when it is opened again.
pub(super) struct Opened {
    pub(super) engine: Engine,
    /// [Store and number](debt_key) → debt.
    pub(super) debts: Keyspace,
    /// Store and what the debt is about → [`Place`].
    pub(super) places: Keyspace,
    /// [`LAST`] → the highest number given.
    pub(super) numbers: Keyspace,
    /// Id of a file → nothing: the files that debts name.
    pub(super) files: Keyspace,
}

pub(super) type Accounts = BTreeMap<StoreId, Account>;

pub(super) const LAST: &str = "last";

/// What one store is owed altogether.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) debts: u64,
    pub(super) bytes: u64,
}

impl Opened {
    pub(super) fn open(dir: &Path, options: OwedOptions) -> Result<Self, Error> {
        let engine = Engine::open(&dir.join("engine"), options.engine, options.sync)?;
        Ok(Self {
            debts: engine.separated("debts")?,
            places: engine.plain("places")?,
            numbers: engine.plain("numbers")?,
            files: engine.plain("files")?,
            engine,
        })
    }

    pub(super) fn count(&self) -> Result<Accounts, Error> {
        let mut accounts = Accounts::new();
        for place in self.places.iter() {
            let (key, place) = place.into_inner().map_err(read_error)?;
            let damaged = |damage| Error::Damaged(format!("place in the owed queue: {damage}"));
            let place = decode_place(&place).map_err(damaged)?;
            let account =
                accounts.entry(StoreId(key.first().copied().unwrap_or_default())).or_default();
            account.debts += 1;
            account.bytes += place.bytes;
        }
        Ok(accounts)
    }

    /// Whether a debt names this file.
    pub(super) fn names(&self, id: u64) -> Result<bool, Error> {
        self.files.contains_key(id.to_be_bytes()).map_err(read_error)
    }

    /// The highest number any debt was ever given.
    pub(super) fn last_number(&self) -> Result<u64, Error> {
        let Some(bytes) = self.numbers.get(LAST).map_err(read_error)? else { return Ok(0) };
        let damaged = |damage| Error::Damaged(format!("last number of the owed queue: {damage}"));
        decode_number(&bytes).map_err(damaged)
    }

    pub(super) fn place(&self, key: &[u8]) -> Result<Option<Place>, Error> {
        let Some(place) = self.places.get(key).map_err(read_error)? else {
            return Ok(None);
        };
        let damaged = |damage| Error::Damaged(format!("place in the owed queue: {damage}"));
        decode_place(&place).map(Some).map_err(damaged)
    }
}

impl Folder {
    pub(super) fn open(dir: &Path, options: OwedOptions) -> Result<Self, Error> {
        let io = |error: std::io::Error| Error::Write(format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(io)?;
        let opened = Opened::open(dir, options)?;
        let blobs = Blobs::open(dir.join("blobs"), options.sync == Sync::Data).map_err(io)?;
        blobs.sweep(|id| opened.names(id))?;
        Ok(Self {
            dir: dir.to_owned(),
            accounts: Mutex::new(opened.count()?),
            engine: Handle::new(opened),
            blobs: Arc::new(blobs),
            firsts: Mutex::default(),
            added: watch::Sender::new(0),
            options,
        })
    }

    pub(super) fn account(&self, store: StoreId) -> Account {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(&store).copied().unwrap_or_default()
    }

    /// After the queue was opened again: debts may have lower numbers than those seen last.
    pub(super) fn look_again(&self, accounts: Accounts) {
        *self.accounts.lock().unwrap_or_else(PoisonError::into_inner) = accounts;
        self.firsts.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.added.send_modify(|added| *added += 1);
    }

    /// The oldest debts, and the numbers of those that do not decode.
    pub(super) fn next(
        &self,
        store: StoreId,
        limit: usize,
    ) -> Result<(Vec<Debt>, Vec<u64>), Error> {
        let (mut next, mut damaged) = (Vec::new(), Vec::new());
        if self.account(store).debts == 0 {
            return Ok((next, damaged));
        }
        let mut firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        let first = firsts.entry(store).or_default();
        let opened = self.engine.get()?;
        let mut bytes = 0;
        for debt in opened.debts.range(debt_key(store, *first)..=debt_key(store, u64::MAX)) {
            if next.len() >= limit || bytes >= self.options.next_bytes_max {
                break;
            }
            let (key, record) = debt.into_inner().map_err(read_error)?;
            let number = debt_number(&key).unwrap_or_default();
            if bytes == 0 {
                *first = number;
            }
            bytes += record.len() as u64;
            match self.whole(&opened, &key, number, record) {
                Ok(debt) => next.extend(debt),
                Err(Error::Damaged(what)) => {
                    tracing::error!(number, what, "a damaged debt is dropped");
                    damaged.push(number);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((next, damaged))
    }

    /// A debt with its file, if it has one; `None` when it was paid meanwhile.
    fn whole(
        &self,
        opened: &Opened,
        key: &[u8],
        number: u64,
        mut record: fjall::Slice,
    ) -> Result<Option<Debt>, Error> {
        loop {
            let damaged = |damage| Error::Damaged(format!("debt {number}: {damage}"));
            let debt = decode_debt(&record.clone().into()).map_err(damaged)?;
            let (space, key_of_row, condition, now, row) = match debt {
                StoredDebt::Purge { space, scope } => {
                    return Ok(Some(Debt::Purge { space, scope, id: number }));
                }
                StoredDebt::Write { space, key, condition, now, row } => {
                    (space, key, condition, now, row)
                }
            };
            let write = |row| Debt::Write(Write { space, key: key_of_row, row, condition, now });
            let StoredBody::File(reference) = row.body else {
                return Ok(Some(write(row.into_row(None))));
            };
            let looked = self.blobs.get(reference, Check::Length);
            // Only while the debt still names the file is it ours to hand out.
            match opened.debts.get(key).map_err(read_error)? {
                None => return Ok(None),
                Some(again) if again != record => record = again,
                Some(_) => {
                    let looked = looked.map_err(|error| Error::Read(error.to_string()))?;
                    let Looked::Sound(blob) = looked else {
                        let what = format!("debt {number}: its file is not whole");
                        return Err(Error::Damaged(what));
                    };
                    return Ok(Some(write(row.into_row(Some(Body::File(blob))))));
                }
            }
        }
    }
}
