//! Options of `kv import` and `kv export`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use littoral_config::ByteCount;

use crate::args::At;

/// Write many keys: a directory, an export, or a bulk file of wrangler.
///
/// Every file of a directory becomes a key, named by its path from there with `/` between folders.
/// Symbolic links are passed over. Requests that are turned away for now are repeated; a broken
/// import may simply be run again, for writing the same value twice is the same as once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  A directory; node_modules/cldr-core/package.json becomes the key cldr-core/package.json:
      littoral kv import node_modules --namespace cldr
  The same below a prefix, without the first folder:
      littoral kv import node_modules --namespace cldr --prefix v48/ --strip 1
  What `littoral kv export` wrote, and what `wrangler kv bulk put` takes:
      littoral kv import backup.ndjson --namespace demo
      littoral kv import bulk.json --namespace demo
  Go on after an interruption:
      littoral kv import node_modules --namespace cldr --skip-existing

Every key that could not be written is named with the reason, and the command then fails.")]
pub struct Import {
    /// A directory, an NDJSON file of members {name, value, base64, expiration, metadata}, or a
    /// JSON array of members {key, value, …}; `-` reads standard input.
    pub path: PathBuf,

    /// Put before every key.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,

    /// Drop this many leading folders from every key, before --prefix.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub strip: usize,

    /// Pass over keys that exist already, whatever their value.
    #[arg(long)]
    pub skip_existing: bool,

    /// Requests under way at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,

    /// Keys in one request, at most.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub batch_keys: u16,

    /// Bytes in one request, at most. A value of a quarter MiB or more travels alone.
    #[arg(long, value_name = "SIZE", default_value = "4MiB")]
    pub batch_bytes: ByteCount,

    #[command(flatten)]
    pub at: At,
}

/// Write many keys of a namespace to a file or a directory.
///
/// The result appears under its name when it is whole, and not before.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("target").required(true).args(["output", "dir"])))]
#[command(after_long_help = "\
Examples:
  Everything, with expiry and metadata, one JSON object a line:
      littoral kv export --namespace demo --output backup.ndjson
  A tree of files, to look at or to compare with where it came from:
      littoral kv export --namespace cldr --dir out
      diff -r node_modules out
  Only a part, to standard output:
      littoral kv export --namespace cldr --prefix cldr-core/ --output -

A directory holds values only. A key that cannot be a path (`a//b`, `/a`, `../a`, or `a` beside
`a/b`) is named, and the command then fails; an export to a file holds every key.")]
pub struct Export {
    /// Only keys that begin with this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,

    /// Write NDJSON to this file; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write one file per key below this directory, which must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    #[command(flatten)]
    pub at: At,
}
