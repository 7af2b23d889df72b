//! What of a server's settings, clock and identity makes it unfit to hold the truth.

use std::time::Duration;

use littoral_clock::Clock;
use littoral_store::Error;
use littoral_types::{Mono, Wall};
use tokio_postgres::Client;

use crate::address::Address;
use crate::columns;
use crate::failure::Failure;
use crate::status::connect;

/// A server, as whoever operates it must know it. What it does not tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// As in `server_version_num`: 150018 is 15.18.
    pub version: u32,
    pub server: String,
    /// A standby takes no writes.
    pub standby: bool,
    pub fsync: Option<String>,
    pub full_page_writes: Option<String>,
    pub synchronous_commit: Option<String>,
    pub connections_max: Option<u32>,
    /// Names the cluster and the database in it: the same twice is one database.
    pub identity: Option<String>,
    /// Its clock less ours, in milliseconds, and how far off that may be.
    pub skew_ms: i64,
    pub skew_error: Duration,
}

const EXAMINE_TIME_MAX: Duration = Duration::from_secs(10);

/// Asks a server, whatever is in the database.
///
/// # Errors
/// When it cannot be reached or read.
pub async fn examine(address: &Address, clock: &Clock) -> Result<Examined, Error> {
    let client = connect(address, clock).await?;
    let asked = clock.timeout(EXAMINE_TIME_MAX, ask(&client, clock)).await;
    asked.unwrap_or(Err(Failure::Time("its settings"))).map_err(Failure::read)
}

async fn ask(client: &Client, clock: &Clock) -> Result<Examined, Failure> {
    let version = setting(client, "server_version_num").await.unwrap_or_default();
    let began: (Mono, Wall) = (clock.mono(), clock.wall());
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let now: i64 = client.query_one(now, &[]).await?.try_get(0)?;
    let took = clock.mono().since(began.0);
    let middle = i64::try_from(began.1.0).unwrap_or(i64::MAX) + took.as_millis() as i64 / 2;
    let standby = one(client, "SELECT pg_is_in_recovery()").await.unwrap_or(false);
    // The first is for those who may; the second, for any who is asked.
    let cluster = one::<i64>(client, "SELECT system_identifier FROM pg_control_system()").await;
    let database = one::<String>(client, "SELECT current_database() || '/' || current_schema()");
    let database = database.await;
    let connections_max = setting(client, "max_connections").await;
    Ok(Examined {
        version: version.parse().unwrap_or(0),
        server: setting(client, "server_version").await.unwrap_or_default(),
        standby,
        fsync: setting(client, "fsync").await,
        full_page_writes: setting(client, "full_page_writes").await,
        synchronous_commit: setting(client, "synchronous_commit").await,
        connections_max: connections_max.and_then(|text| text.parse().ok()),
        identity: cluster
            .zip(database)
            .map(|(cluster, database)| format!("{:016x}/{database}", columns::unsigned(cluster))),
        skew_ms: now - middle,
        skew_error: took / 2,
    })
}

/// One value that not every server has.
async fn one<T>(client: &Client, sql: &str) -> Option<T>
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    client.query_one(sql, &[]).await.ok()?.try_get(0).ok()
}

async fn setting(client: &Client, name: &str) -> Option<String> {
    let row = client.query_one("SELECT current_setting($1, true)", &[&name]).await.ok()?;
    row.try_get(0).ok()
}
