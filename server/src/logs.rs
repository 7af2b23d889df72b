//! Logs of the commands that serve.

use littoral_telemetry::logs::{self, Format, Options};
use miette::Result;

use crate::args::LogArgs;
use crate::config::{Log, LogFormat};
use crate::failure::Failure;

/// What the command line says goes before what the file says.
pub fn install(args: &LogArgs, log: &Log) -> Result<()> {
    let filter = args.filter.clone().unwrap_or_else(|| log.filter.clone());
    let format = match args.format.unwrap_or(log.format) {
        LogFormat::Human => Format::Human,
        LogFormat::Json => Format::Json,
    };
    logs::install(&Options { filter, format }).map_err(|error| {
        let next = "give a level (error, warn, info, debug, trace), or levels by module such as \
                    \"info,littoral_tiers=debug\"";
        Failure::new("littoral::log_filter", error.to_string(), next).into()
    })
}
