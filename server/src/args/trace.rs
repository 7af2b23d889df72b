//! Options of `trace`.

use clap::Args;

use super::At;

/// Show which hop answers a key, and why.
///
/// Reads the key once and draws its walk from you to the truth: a line per hop, with what it held,
/// what it did and how long it took. Exits with 3 when there is no such key.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral trace greeting --namespace demo
  From another location of `littoral dev`; twice, to see what the first reading left behind:
      littoral trace greeting --namespace demo --at nrt --repeat 2

The hops: an edge is the location you ask. A regional tier answers for the edges of its region, an
upper tier for all regions; each key has its own. The origin asks both stores of the truth.
A hop's time includes the hops it asked; the bar shows when it began and ended.")]
pub struct Trace {
    /// The key.
    pub key: String,

    /// Ask at this location of `littoral dev`, by name.
    #[arg(long = "at", value_name = "LOCATION")]
    pub at_location: Option<String>,

    /// How many times the key is read, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub repeat: u16,

    /// Refuse anything older than this version.
    #[arg(long, value_name = "VERSION")]
    pub min_version: Option<String>,

    #[command(flatten)]
    pub at: At,
}
