//! Options of `example`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Write ready sets of files to begin with.
#[derive(Debug, Args)]
pub struct Example {
    #[command(subcommand)]
    pub command: ExampleCommand,
}

#[derive(Debug, Subcommand)]
pub enum ExampleCommand {
    Network(ExampleNetwork),
}

/// Write a network of many nodes that runs on this machine.
///
/// Every node is a process with an address of its own (127.0.1.1, 127.0.1.2, …), a configuration, and
/// a certificate. `run.sh` starts whatever does not run, the PostgreSQL servers included, and prints
/// where everything is; `stop.sh` stops it all.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral example network --regions 3 --locations 6 --origins postgres --dir net
  net/run.sh
  net/stop.sh
  littoral example network --locations 3 --nodes-per-location 2 --dir pairs")]
pub struct ExampleNetwork {
    /// Regions: two at least, for the two origins to stand apart.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=7))]
    pub regions: u16,
    /// Locations, spread over the regions.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=20))]
    pub locations: u16,
    /// Nodes of each location, which share its keys. Beside an embedded store there is one.
    #[arg(long = "nodes-per-location", alias = "nodes", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4))]
    pub nodes: u16,
    /// What the two stores are kept in.
    #[arg(long, value_enum, default_value_t = Origins::Postgres)]
    pub origins: Origins,
    /// Which of this machine's networks it is: nodes listen on 127.N.1.x, PostgreSQL on 127.N.2.x.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub net: u8,
    /// Where everything goes: a folder that is empty, or not there yet.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Origins {
    /// A PostgreSQL server for each.
    Postgres,
    /// In the data directory of the node beside it.
    Embedded,
}
