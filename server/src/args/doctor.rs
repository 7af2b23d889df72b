//! Options of `doctor`.

use clap::Args;

use super::OfConfig;

/// Look for the usual mistakes of a node: clock, certificate, peers, disk, databases, limits.
///
/// Runs beside the node or before it is started, with its configuration, as the user that it runs as.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral doctor --config node.toml

What is looked at: the certificate and its key, the list of places, every other node (reached, its clock,
the places it knows), the stores' databases, the data directory and its disk, addresses, file
descriptors, memory.

Exit codes: 0 nothing found · 3 something was found, an error or a warning · 1 it could not look")]
pub struct Doctor {
    #[command(flatten)]
    pub config: OfConfig,

    /// One JSON object: `findings` with severity, check, what, why and next; `well`, what is as it should be.
    #[arg(long)]
    pub json: bool,
}
