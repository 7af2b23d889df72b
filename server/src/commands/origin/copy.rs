//! `littoral origin copy`, `backup` and `restore`: rows from one place to another, then compared.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::HumanBytes;
use littoral_clock::Clock;
use littoral_postgres::{Address, Postgres};
use littoral_store::{Error, Fjall, Options as FjallOptions, Staging, Store};
use littoral_tasks::Tasks;
use miette::Result;

use super::transfer::{Compared, Tally, Transfer};
use super::{failed, serve};
use crate::args::{Backup, Copy, Kept, OneOrigin, Restore};
use crate::config::Config;
use crate::failure::Failure;
use crate::network::Origin;
use crate::terminal;

const CODE: &str = "littoral::origin_copy";

/// A place that is known.
#[derive(Debug)]
pub(super) enum Place {
    Embedded(PathBuf),
    Postgres(Box<Address>),
}

/// An opened store, and what it needs while it is open.
struct Opened {
    store: Arc<dyn Store>,
    tasks: Tasks,
    _staging: Option<tempfile::TempDir>,
}

pub(super) async fn copy(options: Copy) -> Result<()> {
    let Copy { one, from, to, password_file } = options;
    let config: Config = littoral_config::read(&one.config.config)?;
    let place = |kept: &Kept| place(kept, one.store, &config, password_file.as_deref());
    transfer(place(&from)?, place(&to)?, false).await
}

pub(super) async fn backup(options: Backup) -> Result<()> {
    let config: Config = littoral_config::read(&options.one.config.config)?;
    let from = place(&Kept::Configured, options.one.store, &config, None)?;
    transfer(from, Place::Embedded(options.out), true).await
}

pub(super) async fn restore(options: Restore) -> Result<()> {
    let Restore { one, from, beside_the_other } = options;
    let config: Config = littoral_config::read(&one.config.config)?;
    if !beside_the_other {
        refuse_beside_a_living_one(&config, &one).await?;
    }
    let to = place(&Kept::Configured, one.store, &config, None)?;
    let address = match &to {
        Place::Postgres(address) => Some(address.clone()),
        Place::Embedded(_) => None,
    };
    transfer(Place::Embedded(from), to, false).await?;
    let Some(address) = address else { return Ok(()) };
    let incarnation = littoral_postgres::renew(&address, &Clock::system()).await;
    let incarnation = incarnation.map_err(|error| failed(one.store, &address, &error))?;
    terminal::note(&format!("its purge stream begins anew: {incarnation}"));
    Ok(())
}

/// A key that was deleted, and whose tombstone both stores have forgotten, is in an old backup still: the
/// crawl would take it for a row that the other store has lost.
async fn refuse_beside_a_living_one(config: &Config, one: &OneOrigin) -> Result<()> {
    let other = 1 - usize::from(one.store);
    let origins = serve::origins(config)?;
    let rows = match &origins[other] {
        Origin::Postgres { address, .. } => {
            let status = littoral_postgres::status(address, &Clock::system()).await;
            status.map_or(0, |status| status.rows)
        }
        // Whether it lives is not to be seen from here if it stands elsewhere.
        Origin::Embedded => 0,
    };
    if rows == 0 {
        return Ok(());
    }
    let what =
        format!("store {other} has {rows} rows: what is newer there is better than a backup");
    let next = "fill an empty one from it: `littoral origin copy`; or say --beside-the-other";
    Err(Failure::new(CODE, what, next).into())
}

fn place(kept: &Kept, store: u8, config: &Config, password: Option<&Path>) -> Result<Place> {
    Ok(match kept {
        Kept::Embedded(dir) => Place::Embedded(dir.clone()),
        Kept::Postgres(url) => {
            let invalid = |why: String| {
                let next = "write postgres:host=… port=… user=… dbname=… or postgres:postgres://…";
                Failure::new(CODE, why, next)
            };
            let address: Address = url
                .parse()
                .map_err(|error: littoral_postgres::AddressError| invalid(error.to_string()))?;
            Place::Postgres(Box::new(match password {
                None => address,
                Some(file) => {
                    let text = std::fs::read_to_string(file).map_err(|error| {
                        invalid(format!("cannot read {}: {error}", file.display()))
                    })?;
                    address.with_password(text.trim_end())
                }
            }))
        }
        Kept::Configured => match &serve::origins(config)?[usize::from(store)] {
            Origin::Embedded => Place::Embedded(config.data_dir.join(format!("store-{store}"))),
            Origin::Postgres { address, .. } => Place::Postgres(address.clone()),
        },
    })
}

pub(super) async fn transfer(from: Place, to: Place, prune: bool) -> Result<()> {
    if from.shown() == to.shown() {
        let what = format!("both are {}", from.shown());
        return Err(Failure::new(CODE, what, "name two places with --from and --to").into());
    }
    if let Place::Embedded(dir) = &from
        && !dir.join("engine").is_dir()
    {
        let what = format!("there is no store in {}", dir.display());
        return Err(
            Failure::new(CODE, what, "name the folder of a store, such as data/store-0").into()
        );
    }
    let clock = Clock::system();
    terminal::note(&format!("from {} to {}", from.shown(), to.shown()));
    let source = from.open(&clock).map_err(|error| from.refused(&error))?;
    let target = to.open(&clock).map_err(|error| to.refused(&error))?;
    let work = Transfer { source: &*source.store, target: &*target.store, clock: &clock, prune };
    let broken = |error: Error| {
        let next = "the same command again goes on: what has arrived is passed over";
        Failure::new(CODE, error.to_string(), next)
    };
    let tally = work.run().await.map_err(broken)?;
    terminal::note("comparing both");
    let compared = work.compare().await.map_err(broken)?;
    source.close();
    target.close();
    terminal::say(&summary(&tally, &compared))?;
    judged(&tally, &compared)
}

fn summary(tally: &Tally, compared: &Compared) -> String {
    let Tally { same, copied, bytes, newer, extra, removed, damaged } = *tally;
    let mut words = vec![format!("{copied} copied ({})", HumanBytes(bytes))];
    for (count, what) in [
        (same, "there already"),
        (newer, "newer in the target"),
        (extra, "in the target only"),
        (removed, "deleted long ago and removed"),
        (damaged, "DAMAGED in the source"),
    ] {
        if count > 0 {
            words.push(format!("{count} {what}"));
        }
    }
    let alike = match compared.source == compared.target {
        true => format!("digest {} on both", compared.source),
        false => format!("digests {} and {}", compared.source, compared.target),
    };
    format!("{}\n{} rows, {alike}", words.join(", "), compared.rows)
}

fn judged(tally: &Tally, compared: &Compared) -> Result<()> {
    if tally.damaged > 0 {
        let what = format!("{} rows are damaged in the source and were not copied", tally.damaged);
        let next = "the other store has them: the crawl brings them over once the target is in use";
        return Err(Failure::new(CODE, what, next).into());
    }
    if compared.missing > 0 {
        let what = format!("{} rows are newer in the source", compared.missing);
        let next = "it was written meanwhile: run the same command again, with its nodes stopped for the last";
        return Err(Failure::new(CODE, what, next).into());
    }
    Ok(())
}

impl Place {
    fn shown(&self) -> String {
        match self {
            Self::Embedded(dir) => {
                std::path::absolute(dir).unwrap_or_else(|_| dir.clone()).display().to_string()
            }
            Self::Postgres(address) => address.to_string(),
        }
    }

    fn open(&self, clock: &Clock) -> Result<Opened, Error> {
        let tasks = Tasks::new(clock.clone());
        match self {
            Self::Embedded(dir) => {
                let store: Arc<dyn Store> =
                    Fjall::open(dir, FjallOptions::default(), clock.clone())?;
                Ok(Opened { store, tasks, _staging: None })
            }
            Self::Postgres(address) => {
                let unwritable = |error: std::io::Error| Error::Write(error.to_string());
                let folder = tempfile::tempdir().map_err(unwritable)?;
                let staging = Staging::open(&folder.path().join("bodies")).map_err(unwritable)?;
                let options = littoral_postgres::Options::default();
                let store: Arc<dyn Store> =
                    Postgres::open(address, Arc::new(staging), options, clock.clone(), &tasks)?;
                Ok(Opened { store, tasks, _staging: Some(folder) })
            }
        }
    }

    fn refused(&self, error: &Error) -> Failure {
        let next = match self {
            Self::Embedded(_) => "does a node use it? stop that one first",
            Self::Postgres(_) => "`littoral origin status` says what is wrong with it",
        };
        Failure::new(CODE, error.to_string(), next)
    }
}

impl Opened {
    fn close(self) {
        drop(self.store);
        self.tasks.cut();
    }
}
