//! Options of `kv` and its commands.

mod namespace;
mod transfer;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::{At, parse};

pub use namespace::{NamespaceCommand, PolicyChange};
pub use transfer::{Export, Import};

const VERSIONS: &str = "\
Versions:
  A write prints its version, and a verbose get shows it as ETag. Give it back with --min-version to
  read that write or newer at any location, or with --if-match to change only what you have seen.";

/// Read and write keys.
#[derive(Debug, Args)]
#[command(after_long_help = VERSIONS)]
pub struct Kv {
    #[command(subcommand)]
    pub command: KvCommand,
}

#[derive(Debug, Subcommand)]
pub enum KvCommand {
    Get(Get),
    Put(Put),
    Delete(Delete),
    List(List),
    Import(Import),
    Export(Export),
    Watch(Watch),
    DeletePrefix(DeletePrefix),
    Purge(Purge),
    /// Make, show and change namespaces.
    #[command(subcommand)]
    Namespace(NamespaceCommand),
}

/// Write a key's value to standard output.
///
/// Exits with 3 when there is no such key.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral kv get greeting --namespace demo
  littoral kv get picture.png --namespace demo --output picture.png
  What was written elsewhere, or newer:
      V=$(littoral kv put k v --namespace demo)
      littoral kv get k --namespace demo --url http://127.0.0.1:8794 --min-version \"$V\"
  The first kilobyte, and where the answer came from:
      littoral kv get big.bin --namespace demo --range 0-1023 --verbose --output head.bin")]
pub struct Get {
    /// The key.
    pub key: String,

    /// Write to this file instead; it appears whole or not at all.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Refuse anything older than this version.
    #[arg(long, value_name = "VERSION")]
    pub min_version: Option<String>,

    /// Bytes to read: "0-99", "100-" or "-10".
    #[arg(long, value_name = "BYTES", value_parser = parse::range, allow_hyphen_values = true)]
    pub range: Option<String>,

    /// Show the key's metadata, as JSON, instead of its value.
    #[arg(long, conflicts_with_all = ["range", "output"])]
    pub metadata: bool,

    /// Show status, version and the hops of the answer on standard error.
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub at: At,
}

/// Write a key; prints the version of the write.
///
/// Value, expiry and metadata are replaced together: what is left out is cleared.
#[derive(Debug, Args)]
#[command(override_usage = "littoral kv put [OPTIONS] --namespace <NAMESPACE> <KEY> <VALUE>
       littoral kv put [OPTIONS] --namespace <NAMESPACE> <KEY> --path <FILE>")]
#[command(group(ArgGroup::new("content").required(true).args(["value", "path"])))]
#[command(after_long_help = "\
Examples:
  littoral kv put greeting 'hello, coast' --namespace demo
  littoral kv put picture.png --path picture.png --namespace demo --metadata '{\"type\":\"image/png\"}'
  date | littoral kv put now - --namespace demo --ttl 1h
  Only if nobody else has written it:
      littoral kv put lock me --namespace demo --if-none-match
  Only over what was read:
      littoral kv put counter 2 --namespace demo --if-match \"$VERSION\"

Exits with 3 when --if-match or --if-none-match does not hold.")]
pub struct Put {
    /// The key.
    pub key: String,

    /// The value; `-` reads it from standard input. One that begins with a dash goes last, after
    /// `--`.
    #[arg(allow_negative_numbers = true)]
    pub value: Option<String>,

    /// Read the value from this file.
    #[arg(long, value_name = "FILE")]
    pub path: Option<PathBuf>,

    /// How long the key lives: seconds, or a length of time such as "90s" or "7d".
    #[arg(long, value_name = "TIME", value_parser = parse::seconds, conflicts_with = "expiration")]
    pub ttl: Option<u64>,

    /// When the key expires: seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    pub expiration: Option<u64>,

    /// JSON to keep beside the value, at most 1024 bytes.
    #[arg(long, value_name = "JSON", value_parser = parse::json)]
    pub metadata: Option<String>,

    /// Write only if the key has this version; `*`: only if it exists.
    #[arg(long, value_name = "VERSION", conflicts_with = "if_none_match")]
    pub if_match: Option<String>,

    /// Write only if the key does not exist.
    #[arg(long)]
    pub if_none_match: bool,

    #[command(flatten)]
    pub at: At,
}

/// Delete keys; prints the version of each delete.
///
/// A key that is not there is deleted all the same.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral kv delete greeting --namespace demo
  littoral kv delete a b c --namespace demo
  Only what was read:
      littoral kv delete counter --namespace demo --if-match \"$VERSION\"")]
pub struct Delete {
    /// The keys.
    #[arg(required = true)]
    pub keys: Vec<String>,

    /// Delete only if the key has this version; `*`: only if it exists.
    #[arg(long, value_name = "VERSION")]
    pub if_match: Option<String>,

    #[command(flatten)]
    pub at: At,
}

/// Show keys in order, one a line.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral kv list --namespace demo
  littoral kv list --namespace demo --prefix main/de/ --limit 10
  The last five, with values, for a program:
      littoral kv list --namespace demo --reverse --limit 5 --values --json

A line is the key; a key with control characters is shown as a JSON string. With --values a tab and
the value follow, as JSON. --json prints one object a line: name, version, expiration, metadata and
value (with \"base64\": true when it is not text), each where there is one.")]
pub struct List {
    /// Only keys that begin with this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,

    /// At most this many keys; without it, all.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Keys strictly after this one, in the direction of the list.
    #[arg(long, value_name = "KEY")]
    pub start_after: Option<String>,

    /// From the last key to the first.
    #[arg(long)]
    pub reverse: bool,

    /// With values.
    #[arg(long)]
    pub values: bool,

    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub at: At,
}

/// Show changes as they happen, until stopped.
///
/// Reconnects by itself and goes on where it was.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  littoral kv watch --namespace demo
  littoral kv watch --namespace demo --prefix main/de/ --json
  Wait for one change of one key:
      littoral kv watch --namespace demo --key greeting --count 1

A line is `put` or `delete`, the key and the version, parted by tabs.")]
pub struct Watch {
    /// Only this key.
    #[arg(long, value_name = "KEY", conflicts_with = "prefix")]
    pub key: Option<String>,

    /// Only keys that begin with this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,

    /// End after this many changes.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,

    /// Changes after this one: an id that --json showed.
    #[arg(long, value_name = "ID")]
    pub since: Option<String>,

    /// One JSON object a line: event, key, version, id.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub at: At,
}

/// Delete every key that begins with a prefix.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["prefix", "everything"])))]
#[command(after_long_help = "\
Examples:
  littoral kv delete-prefix main/de/ --namespace demo
  Empty a namespace, and keep it:
      littoral kv delete-prefix --everything --namespace demo")]
pub struct DeletePrefix {
    /// The prefix; not empty.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub prefix: Option<String>,

    /// Every key of the namespace.
    #[arg(long)]
    pub everything: bool,

    #[command(flatten)]
    pub at: At,
}

/// Make every cache ask anew, without changing a key.
///
/// A write does this for its key by itself; purging by hand is for doubt.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("which").required(true).args(["keys", "prefixes", "everything"])
))]
#[command(after_long_help = "\
Examples:
  littoral kv purge greeting --namespace demo
  littoral kv purge --prefix main/de/ --prefix main/fr/ --namespace demo
  littoral kv purge --everything --namespace demo")]
pub struct Purge {
    /// Keys.
    pub keys: Vec<String>,

    /// Every key that begins with this. May be given more than once.
    #[arg(long = "prefix", value_name = "TEXT")]
    pub prefixes: Vec<String>,

    /// The whole namespace.
    #[arg(long)]
    pub everything: bool,

    #[command(flatten)]
    pub at: At,
}
