//! Options of `ca`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use littoral_link::Identity;

/// Make and rotate the certificates by which nodes of a network know each other.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A network has an authority of its own: a folder with its key, which belongs on no node. A node gets a
folder with node.pem, node.key and trusted.pem; `[node] certificates` of its configuration names it.

Rotating the authority, without shutting a node out:
  littoral ca prepare DIR        the next authority is trusted beside this one
  copy DIR/trusted.pem to every node and reload it (SIGHUP)
  littoral ca promote DIR        the next authority signs from now on
  littoral ca issue … again for every node, and reload it
  littoral ca retire DIR         the old one is forgotten; copy trusted.pem once more")]
pub struct Ca {
    #[command(subcommand)]
    pub command: CaCommand,
}

#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Make the authority of a new network.
    #[command(after_long_help = "\
Examples:
  littoral ca init ca --network example")]
    Init {
        /// The authority's folder: keep it where few can read it.
        dir: PathBuf,
        /// The network's name, in every certificate.
        #[arg(long, default_value = "littoral")]
        network: String,
    },
    /// Make a node's key and certificate.
    #[command(after_long_help = "\
Examples:
  littoral ca issue ca littoral://example/europe/lhr/lhr-1 --out lhr-1/certificates")]
    Issue {
        /// The authority's folder.
        dir: PathBuf,
        /// Whom it names: littoral://NETWORK/REGION/LOCATION/NODE.
        identity: Identity,
        /// The node's folder. What is there of an older certificate is replaced.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// How long it holds.
        #[arg(long, default_value_t = littoral_link::ca::NODE_DAYS)]
        days: u32,
    },
    /// Make the authority that will follow, trusted beside the one in use.
    Prepare {
        /// The authority's folder.
        dir: PathBuf,
    },
    /// Let the prepared authority sign from now on.
    Promote {
        /// The authority's folder.
        dir: PathBuf,
    },
    /// Trust no authority but the one in use.
    Retire {
        /// The authority's folder.
        dir: PathBuf,
    },
    /// Show whom a certificate names, and until when.
    Show {
        /// A certificate in PEM.
        file: PathBuf,
    },
}
