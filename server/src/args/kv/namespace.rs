//! Options of `kv namespace`.

use clap::{Args, Subcommand};

use crate::args::{Remote, parse};

#[derive(Debug, Subcommand)]
pub enum NamespaceCommand {
    /// Show namespaces: id and title, parted by a tab.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a namespace; prints its id.
    #[command(after_long_help = "\
Examples:
  littoral kv namespace create demo
  The id, whether it was there before or not:
      NS=$(littoral kv namespace create demo --if-absent)")]
    Create {
        /// Its title, unique in the account.
        title: String,
        /// Take one of that title if there is one.
        #[arg(long)]
        if_absent: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Give a namespace another title.
    Rename {
        /// The namespace, by title or id.
        namespace: String,
        /// The new title.
        title: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Delete a namespace and everything in it.
    Delete {
        /// The namespace, by title or id.
        namespace: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show or change what a namespace asks of the cache and of its writers.
    #[command(after_long_help = "\
Examples:
  littoral kv namespace policy demo
  Changes seen everywhere within about a second, and readers who may bypass the cache:
      littoral kv namespace policy demo --refresh 1s --cache-ttl-min 0s
  Strict compare-and-set:
      littoral kv namespace policy counters --compare true")]
    Policy {
        /// The namespace, by title or id.
        namespace: String,
        #[command(flatten)]
        change: PolicyChange,
        #[command(flatten)]
        remote: Remote,
    },
}

/// What to change; everything else stays. Times are seconds, or lengths such as "10m".
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Policy")]
pub struct PolicyChange {
    /// How often an edge asks for news of a key that is read.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub refresh: Option<u64>,
    /// How long an edge may keep an answer when the reader does not say.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub cache_ttl: Option<u64>,
    /// The least cacheTtl that a reader may ask for.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub cache_ttl_min: Option<u64>,
    /// The shortest life of a key that a writer may ask for.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub expiration_ttl_min: Option<u64>,
    /// How long an edge may keep that a key is absent.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub absent: Option<u64>,
    /// How long what is held may be served while no store can be asked.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub stale_if_error: Option<u64>,
    /// Whether every write is decided by the key's home store, which makes --if-match strict.
    #[arg(long, value_name = "BOOL")]
    pub compare: Option<bool>,
}
