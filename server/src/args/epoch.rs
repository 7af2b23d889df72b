//! Options of `epoch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OfConfig;

/// Change the locations of a running network.
#[derive(Debug, Args)]
#[command(after_long_help = "\
An epoch is a numbered list of all locations, signed by the network's authority. Nodes pass it on to each
other, and write it down. What it may change: weights (0: a location gives up its keys), addresses of
nodes, new locations at the end of the list, and `upper-weights`. Stores stay where they are.

Examples:
  A list to change: any node's configuration, with a higher `epoch` and other [[locations]].
      cp node.toml next.toml && edit next.toml
      littoral epoch sign next.toml --authority ca --out epoch-2.signed
      littoral epoch apply epoch-2.signed --config node.toml
      littoral epoch status --config node.toml
  Weights that follow what the nodes have measured, to look over, sign and apply:
      littoral epoch measure --config node.toml --out next.toml")]
pub struct Epoch {
    #[command(subcommand)]
    pub command: EpochCommand,
}

#[derive(Debug, Subcommand)]
pub enum EpochCommand {
    /// Sign the list of locations in a configuration.
    Sign {
        /// The configuration: its epoch, stores and locations are taken.
        list: PathBuf,
        /// The authority's folder, as `ca init` made it.
        #[arg(long, value_name = "FOLDER")]
        authority: PathBuf,
        /// The signed document.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Hand a signed document to the network, as the node of the configuration.
    Apply {
        /// What `epoch sign` wrote.
        document: PathBuf,
        #[command(flatten)]
        config: OfConfig,
    },
    /// Ask every location what it has measured, and propose weights that follow it.
    ///
    /// A weight is a location's nodes over the mean round trip to it, from the locations that ask it,
    /// each by its share of the requests; of the stores likewise, for upper tiers. Nothing is changed:
    /// the proposal is a list to sign. Shares that would move are counted over 100,000 keys.
    Measure {
        #[command(flatten)]
        config: OfConfig,
        /// Write the list with the proposed weights and the next number here, if one changes.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// One JSON object instead of the tables.
        #[arg(long)]
        json: bool,
    },
    /// Show which epoch each location knows.
    Status {
        #[command(flatten)]
        config: OfConfig,
    },
}
