//! Options of `zone`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Remote;

/// Change what hosts answer: their routes and rules, as versions that can be gone back to.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral zone apply zone.toml
  littoral zone explain http://shop.localhost/admin/x -H 'x-api-key: abc'
  littoral zone history --zone shop
  littoral zone rollback 3 --zone shop
  littoral zone purge --tag product-7

docs/guide/zones.md says what stands in a zone.toml.")]
pub struct Zone {
    #[command(subcommand)]
    pub command: ZoneCommand,
}

#[derive(Debug, Subcommand)]
pub enum ZoneCommand {
    /// Check a zone.toml, show what changes, and make it the version that counts everywhere.
    Apply {
        /// The file.
        #[arg(default_value = "zone.toml")]
        file: PathBuf,
        /// Why, for the history.
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Check a zone.toml and show what it would change. Changes nothing.
    Diff {
        /// The file.
        #[arg(default_value = "zone.toml")]
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show the versions of a zone, the newest first.
    History {
        #[command(flatten)]
        which: Which,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Go back to what a version was, as a new version.
    Rollback {
        /// The version, as `zone history` shows it.
        #[arg(value_name = "VERSION")]
        to: u32,
        #[command(flatten)]
        which: Which,
        /// Why, for the history.
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print the zone.toml of a version.
    Show {
        #[command(flatten)]
        which: Which,
        /// Another version than the one that counts.
        #[arg(value_name = "VERSION")]
        of: Option<u32>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show all zones of the account.
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a zone away, with its hosts. The last thing it says is not asked for again.
    Delete {
        /// The zone.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    Purge(Purge),
    Explain(Explain),
}

/// Make what is cached of a zone old, at every location.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral zone purge http://shop.localhost/news http://shop.localhost/
  littoral zone purge --tag product-7 --tag home
  littoral zone purge --everything --soft --zone shop

The same by the API: POST /client/v4/zones/ZONE/purge_cache.")]
pub struct Purge {
    /// Whole URLs, as clients ask for them; all their variants go.
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// All answers with this label (Surrogate-Key, Cache-Tag).
    #[arg(long = "tag", value_name = "LABEL")]
    pub tags: Vec<String>,
    /// All URLs that begin so: HOST/PATH.
    #[arg(long = "prefix", value_name = "PREFIX")]
    pub prefixes: Vec<String>,
    /// All of a host.
    #[arg(long = "host", value_name = "HOST")]
    pub hosts: Vec<String>,
    /// All of the zone.
    #[arg(long)]
    pub everything: bool,
    /// Keep it as stale, to be validated, instead of dropping it.
    #[arg(long)]
    pub soft: bool,
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub remote: Remote,
}

/// Which zone is meant.
#[derive(Debug, Args)]
pub struct Which {
    /// The zone. Without it, the one of the zone.toml here, or the only one there is.
    #[arg(short, long, value_name = "NAME", env = "LITTORAL_ZONE")]
    pub zone: Option<String>,
}

/// Show what a zone does with a request: the plan of its rules, what each decides, and how long it takes.
///
/// The rules run for real, at the node that is asked; nothing is passed on, and no rate is counted.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral zone explain http://shop.localhost/
  littoral zone explain -X POST http://shop.localhost/api/orders -H 'x-api-key: abc' --address 10.1.2.3")]
pub struct Explain {
    /// The whole URL.
    pub request: String,

    /// The method.
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub method: String,

    /// A header, as `NAME: VALUE`. May be given more than once.
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = header)]
    pub headers: Vec<(String, String)>,

    /// Who sends it.
    #[arg(long, value_name = "IP")]
    pub address: Option<IpAddr>,

    /// As JSON.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub remote: Remote,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
