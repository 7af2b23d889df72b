//! Options of `topology`.

use std::path::PathBuf;

use clap::Args;

use super::OfConfig;

/// Show the network's places: regions, locations, nodes, stores, and who holds which share of keys.
///
/// Shares are counted over 100,000 keys by the hash that places every key. Round trips are those
/// that the node of this configuration has measured, if it runs.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral topology --config node.toml
  What would move if a location left, and where to:
      littoral topology --config node.toml --without ams
  A picture:
      littoral topology --config node.toml --svg network.svg")]
pub struct Topology {
    #[command(flatten)]
    pub config: OfConfig,

    /// Say what would move if this location left.
    #[arg(long, value_name = "LOCATION")]
    pub without: Option<String>,

    /// Draw a picture into this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,

    /// One JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
}
