//! The tables' shapes, numbered, and how a database gets from one to the next.

use std::time::Duration;

use littoral_clock::{Chance, Clock};
use littoral_store::Error;
use tokio_postgres::{Client, GenericClient};

use crate::address::Address;
use crate::failure::{Failure, text};
use crate::status;

/// The shape that this binary reads and writes.
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// What brings a database from the shape before to each one, beginning with the first.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_store.sql")];

/// Shapes that a database has or had; the row of shape 0 is what migrations lock.
const RECORD: &str = "CREATE TABLE IF NOT EXISTS littoral_schema \
    (version bigint PRIMARY KEY, at timestamptz NOT NULL)";

/// Two that begin at once may be in each other's way before there is anything to lock.
const ATTEMPTS_MAX: usize = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);
/// One migration; those of a full database may rewrite it.
const MIGRATION_TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// 0: the database was empty.
    pub from: u32,
    pub to: u32,
}

/// Makes the tables, or brings them to the shape that this binary knows. Nodes that know only
/// the older shape are refused from their next connection on.
///
/// # Errors
/// When the database cannot be used, or its shape is newer than [`SCHEMA`].
pub async fn migrate(address: &Address, clock: &Clock) -> Result<Migrated, Error> {
    let mut attempt = 1;
    loop {
        let mut client = status::connect(address, clock).await?;
        let migrated = clock.timeout(MIGRATION_TIME_MAX, once(&mut client)).await;
        match migrated.unwrap_or(Err(Failure::Time("a migration"))) {
            Err(failure) if failure.is_answer() && attempt < ATTEMPTS_MAX => {
                tracing::warn!(error = failure.text(), "a migration is tried again");
                clock.sleep(BETWEEN_ATTEMPTS).await;
                attempt += 1;
            }
            migrated => return migrated.map_err(Failure::write),
        }
    }
}

async fn once(client: &mut Client) -> Result<Migrated, Failure> {
    client.batch_execute(RECORD).await?;
    let lock = "INSERT INTO littoral_schema (version, at) VALUES (0, now()) ON CONFLICT DO NOTHING";
    client.batch_execute(lock).await?;
    let transaction = client.transaction().await?;
    transaction.query("SELECT at FROM littoral_schema WHERE version = 0 FOR UPDATE", &[]).await?;
    let from = schema_of(&transaction).await?;
    if from > SCHEMA {
        return Err(Failure::Connect(fits(from).err().unwrap_or_default()));
    }
    for (version, sql) in (1_i64..).zip(MIGRATIONS).skip(from as usize) {
        transaction.batch_execute(sql).await?;
        let record = "INSERT INTO littoral_schema (version, at) VALUES ($1, now())";
        transaction.execute(record, &[&version]).await?;
    }
    let stream = "INSERT INTO littoral_stream (id, incarnation, number, forgotten, mark) \
        VALUES (1, $1, 0, 0, $2) ON CONFLICT (id) DO NOTHING";
    let mark = [0_u8; 16];
    transaction.execute(stream, &[&i64::from(incarnation()), &&mark[..]]).await?;
    transaction.commit().await?;
    Ok(Migrated { from, to: SCHEMA })
}

/// Begins the purge stream anew, after a restore or a failover that may have lost commits: whoever
/// followed the old one trusts nothing it said. The new incarnation.
///
/// # Errors
/// When the database cannot be used.
pub async fn renew(address: &Address, clock: &Clock) -> Result<u32, Error> {
    let client = status::connect(address, clock).await?;
    let new = incarnation();
    let renewed = client
        .execute("UPDATE littoral_stream SET incarnation = $1 WHERE id = 1", &[&i64::from(new)])
        .await;
    match renewed {
        Ok(0) => Err(Error::Write("the database has no stream: run `littoral origin init`".into())),
        Ok(_) => Ok(new),
        Err(error) => Err(Error::Write(text(&error))),
    }
}

/// Random: a backup that is restored twice must not give one number twice. Never 0.
pub(crate) fn incarnation() -> u32 {
    Chance::from_machine().below(u64::from(u32::MAX)) as u32 + 1
}

/// The shape that a database has; 0 when nothing was made yet.
pub(crate) async fn schema_of(client: &impl GenericClient) -> Result<u32, tokio_postgres::Error> {
    let row = client.query_one("SELECT max(version) FROM littoral_schema", &[]).await?;
    let version: Option<i64> = row.try_get(0)?;
    Ok(u32::try_from(version.unwrap_or(0)).unwrap_or(u32::MAX))
}

/// Whether this binary can use a database of this shape; if not, what to do.
pub(crate) fn fits(schema: u32) -> Result<(), String> {
    match schema {
        SCHEMA => Ok(()),
        0 => Err("the database has no tables of Littoral: run `littoral origin init`".into()),
        older if older < SCHEMA => Err(format!(
            "the database has schema {older}, this binary needs {SCHEMA}: run `littoral origin \
             migrate`"
        )),
        newer => Err(format!(
            "the database has schema {newer}, this binary knows {SCHEMA}: use a newer Littoral"
        )),
    }
}
