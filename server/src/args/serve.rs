//! Options of `serve`, and those about logs.

use std::path::PathBuf;

use clap::Args;

use super::WatchArgs;
use crate::config::LogFormat;

const EXAMPLES: &str = "\
Examples:
  A file to begin with, every key with its meaning and default:
      littoral serve --dump-config > littoral.toml
  A token: keep the text, put the hash under [[tokens]]:
      littoral token hash
  Then:
      littoral serve --config littoral.toml

SIGTERM and ctrl-c drain what is under way and exit with 0.";

/// Run one process of a real deployment, as its configuration says.
///
/// Keys that are not known are refused with their line. Nothing is open without a token.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Serve {
    /// The configuration, in TOML.
    #[arg(long, value_name = "FILE", required_unless_present = "dump_config")]
    pub config: Option<PathBuf>,

    /// Print the effective configuration as TOML, every key with its meaning, and exit.
    #[arg(long)]
    pub dump_config: bool,

    /// With --dump-config: every key as a page of the guide.
    #[arg(long, hide = true, requires = "dump_config")]
    pub markdown: bool,

    #[command(flatten)]
    pub watch: WatchArgs,

    #[command(flatten)]
    pub log: LogArgs,
}

/// What is logged to standard error. Secrets never are.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// Which lines are logged: a level, or levels by module such as "info,littoral_tiers=debug".
    #[arg(long = "log", value_name = "FILTER", env = "LITTORAL_LOG")]
    pub filter: Option<String>,

    /// How lines are logged.
    #[arg(long = "log-format", value_name = "FORMAT", env = "LITTORAL_LOG_FORMAT")]
    pub format: Option<LogFormat>,
}
