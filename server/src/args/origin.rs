//! Options of `origin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Prepare, look at and move the stores of the truth.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The two stores are those of `stores` in the configuration, 0 and 1; `[[origins]]` says what each is kept in.

Examples:
  littoral origin init --config node.toml --store 0
  littoral origin status --config node.toml")]
pub struct Origin {
    #[command(subcommand)]
    pub command: OriginCommand,
}

#[derive(Debug, Subcommand)]
pub enum OriginCommand {
    /// Make the tables of a new store. Done again, it changes nothing.
    Init(OneOrigin),
    /// Bring a store's tables to the shape that this version needs.
    ///
    /// Nodes of the older version are refused from their next connection on: replace them first.
    Migrate(OneOrigin),
    /// Show both stores: server, tables, rows, purge stream, size.
    Status {
        #[command(flatten)]
        config: OfConfig,
        /// One JSON object a store and line.
        #[arg(long)]
        json: bool,
    },
    /// Begin a store's purge stream anew, after a backup was restored or a failover lost commits.
    ///
    /// Caches then validate what they hold once, since the store may have gone back in time. What
    /// was lost comes back from the other store: the crawl finds it.
    Renew(OneOrigin),
    Copy(Copy),
    Backup(Backup),
    Restore(Restore),
}

/// Bring all rows of a store from one engine to another, with the versions they have.
///
/// Broken off, it is run again: what both hold alike is passed over, so that no cursor is kept. A row
/// that is newer in the target stays. In the end both are compared, row by row. It may run while a
/// PostgreSQL store is in use; run once more after its nodes were stopped, it takes what was written
/// meanwhile. An embedded store is opened by one process at a time: stop its node first.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Places: configured, what the configuration says of the store; embedded:DIR, a store's folder;
postgres:URL, a database, its password in --password-file.

Examples:
  From the embedded store 0 into PostgreSQL; [[origins]] may already name it:
      littoral origin init --config node.toml --store 0
      littoral origin copy --config node.toml --store 0 --from embedded:data/store-0 --to configured
  And back:
      littoral origin copy --config node.toml --store 0 --from configured --to embedded:data/store-0")]
pub struct Copy {
    #[command(flatten)]
    pub one: OneOrigin,
    /// Where the rows are.
    #[arg(long, value_name = "PLACE", default_value = "configured")]
    pub from: Kept,
    /// Where they go.
    #[arg(long, value_name = "PLACE", default_value = "configured")]
    pub to: Kept,
    /// A file that holds nothing but the password of a postgres:URL.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Where rows are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Configured,
    Embedded(PathBuf),
    Postgres(String),
}

impl std::str::FromStr for Kept {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            _ if text == "configured" => Ok(Self::Configured),
            Some(("embedded", dir)) if !dir.is_empty() => Ok(Self::Embedded(dir.into())),
            Some(("postgres", url)) if !url.is_empty() => Ok(Self::Postgres(url.into())),
            _ => Err("a place is configured, embedded:DIR or postgres:URL".into()),
        }
    }
}

/// Keep a store's rows in a folder, which is an embedded store.
///
/// Into the same folder again, only what has changed is written, and what was deleted goes. Nothing is
/// stopped for a store on PostgreSQL; of rows that are written meanwhile, it has the older or the newer.
/// An embedded store is opened by one process at a time: stop its node first, the other store answers.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral origin backup --config node.toml --store 0 --out /backup/store-0")]
pub struct Backup {
    #[command(flatten)]
    pub one: OneOrigin,
    /// The folder of the backup.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Bring the rows of a backup into a store, and begin its purge stream anew.
///
/// For the day on which both stores are lost. While the other one lives, fill an empty store from it
/// with `littoral origin copy`. Rows that are newer in the store stay.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral origin init --config node.toml --store 0
  littoral origin restore --config node.toml --store 0 --from /backup/store-0")]
pub struct Restore {
    #[command(flatten)]
    pub one: OneOrigin,
    /// The folder of the backup.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Restore although the other store has rows: keys that were deleted longer than the grace of
    /// tombstones before now come back.
    #[arg(long)]
    pub beside_the_other: bool,
}

#[derive(Debug, Args)]
pub struct OfConfig {
    /// The configuration of a node, in TOML.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct OneOrigin {
    #[command(flatten)]
    pub config: OfConfig,
    /// Which of the two.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=1))]
    pub store: u8,
}
