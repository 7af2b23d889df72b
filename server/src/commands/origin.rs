//! `littoral origin`: the stores of the truth, as their operator sees them.

mod copy;
#[cfg(test)]
mod tests;
mod transfer;
mod walk;

use littoral_clock::Clock;
use littoral_postgres::{Address, Migrated, Status};
use miette::Result;
use serde_json::json;

use super::{block_on, serve, unless_stopped};
use crate::args::{OfConfig, OneOrigin, OriginCommand};
use crate::config::Config;
use crate::failure::Failure;
use crate::network::Origin;
use crate::terminal;

pub fn run(command: OriginCommand) -> Result<()> {
    block_on(unless_stopped(async move {
        match command {
            OriginCommand::Init(one) => init(&one).await,
            OriginCommand::Migrate(one) => migrate(&one).await,
            OriginCommand::Status { config, json } => status(&config, json).await,
            OriginCommand::Renew(one) => renew(&one).await,
            OriginCommand::Copy(options) => copy::copy(options).await,
            OriginCommand::Backup(options) => copy::backup(options).await,
            OriginCommand::Restore(options) => copy::restore(options).await,
        }
    }))
}

async fn init(one: &OneOrigin) -> Result<()> {
    let Some(address) = address(one)? else {
        terminal::note(&format!(
            "store {} is embedded: it is made when the node starts",
            one.store
        ));
        return Ok(());
    };
    let done = brought_up(one, &address).await?;
    terminal::note(&match done.from {
        0 => format!("store {} is prepared in {address}: schema {}", one.store, done.to),
        _ => format!("store {} in {address} has schema {}", one.store, done.to),
    });
    Ok(())
}

async fn migrate(one: &OneOrigin) -> Result<()> {
    let Some(address) = address(one)? else {
        terminal::note(&format!("store {} is embedded: nothing to migrate", one.store));
        return Ok(());
    };
    let done = brought_up(one, &address).await?;
    terminal::note(&match done {
        done if done.from == done.to => format!("nothing to do: schema {}", done.to),
        done => format!("schema {} is now {}", done.from, done.to),
    });
    Ok(())
}

/// Makes the tables, or changes them to the shape that this version needs.
async fn brought_up(one: &OneOrigin, address: &Address) -> Result<Migrated> {
    let done = littoral_postgres::migrate(address, &Clock::system()).await;
    done.map_err(|error| failed(one.store, address, &error))
}

async fn renew(one: &OneOrigin) -> Result<()> {
    let Some(address) = address(one)? else {
        let next =
            "`littoral origin restore` into a new folder makes a store with a stream of its own";
        return Err(Failure::new("littoral::origin", "the store is embedded", next).into());
    };
    let incarnation = littoral_postgres::renew(&address, &Clock::system()).await;
    let incarnation = incarnation.map_err(|error| failed(one.store, &address, &error))?;
    terminal::note(&format!("the purge stream of store {} is now {incarnation}", one.store));
    Ok(())
}

async fn status(config: &OfConfig, as_json: bool) -> Result<()> {
    let config: Config = littoral_config::read(&config.config)?;
    let mut worst = Ok(());
    for (store, origin) in serve::origins(&config)?.into_iter().enumerate() {
        let stands = config.stores.get(store).cloned().unwrap_or_default();
        let Origin::Postgres { address, .. } = origin else {
            terminal::say(&match as_json {
                true => {
                    json!({ "store": store, "location": stands, "engine": "embedded" }).to_string()
                }
                false => format!("store {store} at {stands}: embedded"),
            })?;
            continue;
        };
        match littoral_postgres::status(&address, &Clock::system()).await {
            Ok(status) if as_json => terminal::say(&as_data(store, &stands, &address, &status))?,
            Ok(status) => terminal::say(&drawn(store, &stands, &address, &status))?,
            Err(error) => worst = Err(failed(store as u8, &address, &error)),
        }
    }
    worst
}

fn as_data(store: usize, stands: &str, address: &Address, status: &Status) -> String {
    json!({
        "store": store, "location": stands, "engine": "postgres", "address": address.to_string(),
        "server": status.server, "schema": status.schema, "schema_needed": status.schema_known,
        "rows": status.rows, "incarnation": status.position.incarnation,
        "number": status.position.number, "forgotten": status.forgotten,
        "mark": status.mark.to_string(), "bodies_unnamed": status.bodies_unnamed,
        "bytes": status.bytes,
    })
    .to_string()
}

fn drawn(store: usize, stands: &str, address: &Address, status: &Status) -> String {
    let shape = match (status.schema, status.schema_known) {
        (0, _) => "none yet: littoral origin init".into(),
        (now, known) if now < known => format!("{now}, needs {known}: littoral origin migrate"),
        (now, known) if now > known => format!("{now}, newer than the {known} this version knows"),
        (now, _) => now.to_string(),
    };
    let bytes =
        status.bytes.map_or("unknown".into(), |bytes| indicatif::HumanBytes(bytes).to_string());
    let collected = match status.mark.is_zero() {
        true => "nothing".into(),
        false => format!("up to {}", status.mark),
    };
    format!(
        "store {store} at {stands}: {address}\n  server     PostgreSQL {}\n  schema     {shape}\n  \
         rows       about {}\n  stream     {}, incarnation {}; kept after {}\n  collected  {collected}\n  \
         size       {bytes}",
        status.server,
        status.rows,
        status.position.number,
        status.position.incarnation,
        status.forgotten,
    )
}

/// Where a store is, unless it is embedded.
fn address(one: &OneOrigin) -> Result<Option<Address>> {
    let config: Config = littoral_config::read(&one.config.config)?;
    let [first, second] = serve::origins(&config)?;
    Ok(match if one.store == 0 { first } else { second } {
        Origin::Embedded => None,
        Origin::Postgres { address, .. } => Some(*address),
    })
}

fn failed(store: u8, address: &Address, error: &littoral_store::Error) -> miette::Report {
    let what = format!("store {store} in {address}: {error}");
    let next =
        "check that PostgreSQL runs there and that user, database and password-file are right";
    Failure::new("littoral::origin", what, next).into()
}
