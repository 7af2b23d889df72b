//! Options of `history`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use littoral_config::TimeSpan;

use super::parse::{self, Limit};

/// Judge what clients did and saw against what is promised.
#[derive(Debug, Args)]
pub struct History {
    #[command(subcommand)]
    pub command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    Check(Check),
}

/// Judge a recorded history: which promises were kept, and which operations prove one broken.
///
/// Every operation is judged against every promise; nobody is asked, and no network need run. Prints how
/// often each promise was broken and up to twenty proofs, each with the lines that make it. A million
/// operations take a few seconds and some hundred megabytes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The file has a JSON object a line, for each operation of a client, in any order:
  {\"process\": 1, \"location\": \"fra\", \"op\": \"put\", \"key\": \"greeting\", \"version\": \"0192…\",
   \"start_ns\": 1000, \"end_ns\": 2000, \"outcome\": \"ok\"}
  process, location   who asked, and where; texts or numbers
  op                  get, put, delete or cas (a put on a condition)
  version             what a write was given or a read was shown; null when it was not told
  min_version         of a get, if given: the version it demanded, or newer
  if_match            of a cas (or delete): the version it demanded; null: that there is no value
  start_ns, end_ns    nanoseconds, all on one clock
  outcome             ok; absent (no value); refused (an error: nothing happened); unknown (an error
                      or no answer: a write may have happened)
Versions are 1 to 40 characters of [0-9a-z-], ordered as text. Other fields are left alone.

The promises:
  no-invented-version   what is shown, a write was given
  minimum               a reader who shows a version gets that or newer, or an error
  monotonic-reads       reads of one key at one location never go back
  read-your-writes      what was acknowledged at a location is seen there
  real-time-order       writes apart by more than --max-skew are in order
  unique-versions       no two writes share a version
  compare-and-set       no write lies between what a condition expected and what it wrote
  staleness             what was overwritten more than --stale-after ago is not shown
  lost-write            once settled, reads show the newest acknowledged write
  convergence           once settled, all locations show the same

The history must hold every write of its keys, also those that failed, and its keys must not expire.

Examples:
  littoral history check run.jsonl
  The keys were read with a cacheTtl of ten minutes, and the run ended with a pause:
      littoral history check run.jsonl --stale-after 11m --settled-after 30s
  Which promises were broken, from a pipe, for a program:
      zcat run.jsonl.gz | littoral history check - --json | jq .promises

Exit codes:
  0 every promise was kept · 1 at least one was broken · 2 unreadable: which line, and why")]
pub struct Check {
    /// The history; `-`: standard input.
    pub file: PathBuf,

    /// How far clocks of two writers may be apart.
    #[arg(long, value_name = "TIME", default_value_t = TimeSpan::seconds(1))]
    pub max_skew: TimeSpan,

    /// How long after a write was acknowledged something older may be shown, or "never" to leave this
    /// unjudged: the cacheTtl of its readers, and a few seconds for purges to arrive.
    #[arg(long, value_name = "TIME", default_value = "66s", value_parser = parse::limit)]
    pub stale_after: Limit,

    /// How long after the last write of a key all locations show the same; without it, that is left
    /// unjudged.
    #[arg(long, value_name = "TIME", default_value = "never", value_parser = parse::limit)]
    pub settled_after: Limit,

    /// The namespaces have compare = true: plain writes, too, are decided one after the other with the
    /// conditional ones of their key.
    #[arg(long)]
    pub compare: bool,

    /// One JSON object: counts by promise, and up to a thousand proofs of each.
    #[arg(long)]
    pub json: bool,
}
