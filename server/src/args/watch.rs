//! Options of what is told of requests, for every command that serves.

use std::path::PathBuf;

use clap::Args;
use littoral_config::TimeSpan;

use crate::watch::{Collector, Options};

/// What is told of requests.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is told of requests")]
pub struct WatchArgs {
    /// Write a JSON object for each request here; - is standard output.
    #[arg(long, value_name = "FILE", env = "LITTORAL_ACCESS_LOG")]
    pub access_log: Option<PathBuf>,

    /// Log, as a warning, each request that takes longer to be answered: 500ms, 2s.
    #[arg(long, value_name = "TIME", env = "LITTORAL_SLOW_REQUESTS")]
    pub slow_requests: Option<TimeSpan>,

    /// Send traces to this OpenTelemetry collector: http://HOST:PORT, by OTLP over HTTP.
    #[arg(long, value_name = "URL", env = "LITTORAL_TRACES")]
    pub traces: Option<Collector>,

    /// Share of requests whose trace is kept, from 0 to 1, where the client does not say; what failed or
    /// was slow is kept in any case.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    #[arg(env = "LITTORAL_TRACE_SHARE")]
    pub trace_share: f64,
}

impl WatchArgs {
    pub fn options(&self) -> Options {
        Options {
            access: self.access_log.clone(),
            slow: self.slow_requests.map(|span| span.0),
            collector: self.traces.clone(),
            share: self.trace_share,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 (none) to 1 (all)".into()),
    }
}
