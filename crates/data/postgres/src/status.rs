//! What a database says about itself, for whoever operates it.

use std::time::Duration;

use littoral_clock::Clock;
use littoral_store::Error;
use littoral_types::{Position, Version};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, NoTls, Socket};

use crate::address::Address;
use crate::columns;
use crate::failure::{Failure, text};
use crate::migrate::{SCHEMA, schema_of};

/// A database as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// As the server names it: `15.18 (Debian 15.18-0+deb12u1)`.
    pub server: String,
    /// 0: `littoral origin init` has not run yet, and the rest is empty.
    pub schema: u32,
    /// The schema that this binary needs.
    pub schema_known: u32,
    /// Tombstones included; an estimate of the server's, exact while it has none.
    pub rows: u64,
    /// The last record of the purge stream. Nothing committed is unnumbered.
    pub position: Position,
    /// Records up to this number are no longer kept.
    pub forgotten: u64,
    /// The collection mark.
    pub mark: Version,
    /// Large bodies that no row names yet, or no longer.
    pub bodies_unnamed: u64,
    /// On disk, if the server tells.
    pub bytes: Option<u64>,
}

const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
const STATUS_TIME_MAX: Duration = Duration::from_secs(30);

/// Asks a database.
///
/// # Errors
/// When it cannot be reached or read.
pub async fn status(address: &Address, clock: &Clock) -> Result<Status, Error> {
    let client = connect(address, clock).await?;
    let asked = clock.timeout(STATUS_TIME_MAX, ask(&client)).await;
    asked.unwrap_or(Err(Failure::Time("its status"))).map_err(Failure::read)
}

/// A connection of its own, for what is no node's work.
pub(crate) async fn connect(address: &Address, clock: &Clock) -> Result<Client, Error> {
    let connecting = async {
        match address.tls() {
            Some(tls) => connect_with(address, tls).await,
            None => connect_with(address, NoTls).await,
        }
    };
    let client = clock.timeout(CONNECT_TIME_MAX, connecting).await;
    client.map_err(|_| Failure::Time("a connection").read())?
}

async fn connect_with<T>(address: &Address, tls: T) -> Result<Client, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let connected = address.config().connect(tls).await;
    let (client, connection) = connected.map_err(|error| Error::Read(text(&error)))?;
    spawn(async move {
        // What went wrong is also what the next query says.
        drop(connection.await);
    });
    Ok(client)
}

#[expect(clippy::disallowed_methods, reason = "ends with its client: there is nothing to drain")]
fn spawn(connection: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(connection);
}

async fn ask(client: &Client) -> Result<Status, Failure> {
    let server: String = client.query_one("SHOW server_version", &[]).await?.try_get(0)?;
    let mut status = Status {
        server,
        schema: 0,
        schema_known: SCHEMA,
        rows: 0,
        position: Position::NONE,
        forgotten: 0,
        mark: Version::ZERO,
        bodies_unnamed: 0,
        bytes: None,
    };
    match schema_of(client).await {
        Ok(0) => return Ok(status),
        Ok(schema) => status.schema = schema,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(status),
        Err(error) => return Err(error.into()),
    }
    let stream = client.query_one(columns::STREAM, &[]).await?;
    let stream = columns::stream(&stream)?;
    (status.position, status.forgotten, status.mark) =
        (stream.position, stream.forgotten, stream.mark);
    let unnamed = "SELECT count(*) FROM littoral_bodies WHERE NOT named";
    status.bodies_unnamed = columns::unsigned(client.query_one(unnamed, &[]).await?.try_get(0)?);
    status.rows = rows(client).await?;
    // Not every server knows its sizes in this way.
    let bytes = "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c \
        WHERE c.relkind = 'r' AND c.relname LIKE 'littoral\\_%' AND pg_table_is_visible(c.oid)";
    let bytes = client.query_one(bytes, &[]).await.ok();
    status.bytes = bytes.and_then(|row| row.try_get(0).ok()).map(columns::unsigned);
    Ok(status)
}

async fn rows(client: &Client) -> Result<u64, Failure> {
    let estimate = "SELECT reltuples::bigint FROM pg_class WHERE relname = 'littoral_rows' \
        AND pg_table_is_visible(oid)";
    let estimate = client.query_opt(estimate, &[]).await.ok().flatten();
    let estimate = estimate.and_then(|row| row.try_get(0).ok()).unwrap_or(-1_i64);
    if estimate > 0 {
        return Ok(columns::unsigned(estimate));
    }
    let row = client.query_one("SELECT count(*) FROM littoral_rows", &[]).await?;
    Ok(columns::unsigned(row.try_get(0)?))
}
