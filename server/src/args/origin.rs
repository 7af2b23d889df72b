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
