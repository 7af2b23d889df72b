//! What is told of requests, and where it goes: an access log, warnings of slow ones, and traces for a
//! collector.

mod collector;
mod file;

use std::path::{Path, PathBuf};
use std::time::Duration;

use littoral_http::Watching;
use littoral_telemetry::lines::Lines;
use littoral_telemetry::metrics::Registry;
use littoral_telemetry::traces::{Options as TraceOptions, Traces};

use crate::network::Error;
use crate::node::Shared;
pub use collector::Collector;

/// What somebody wants to know of requests.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file of the access log; `-` is standard output.
    pub access: Option<PathBuf>,
    /// What takes longer to be answered is logged, and traced whatever the share.
    pub slow: Option<Duration>,
    /// Where traces go.
    pub collector: Option<Collector>,
    /// Share of requests that is traced.
    pub share: f64,
}

/// How often what waits is written or sent.
const PAUSE: Duration = Duration::from_millis(250);

impl Options {
    /// The lines of the access log, written from now on.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn lines(&self, shared: &Shared) -> Result<Option<Lines>, Error> {
        let Some(path) = &self.access else { return Ok(None) };
        let lines = Lines::default();
        file::write(path, &lines, shared).map_err(|error| {
            Error::Other(format!("the access log {} cannot be written: {error}", path.display()))
        })?;
        Ok(Some(lines))
    }

    /// What the listener of one location is told.
    pub fn watching(
        &self,
        location: &str,
        lines: Option<&Lines>,
        registry: &Registry,
        shared: &Shared,
    ) -> Watching {
        let traces = self.collector.as_ref().map(|collector| {
            let location = location.to_owned();
            let options = TraceOptions { share: self.share, slow: self.slow, location };
            let traces = Traces::new(options, registry);
            collector.send(&traces, shared);
            traces
        });
        Watching { location: location.to_owned(), traces, access: lines.cloned(), slow: self.slow }
    }
}

/// Whether this is standard output.
fn is_standard_output(path: &Path) -> bool {
    path.as_os_str() == "-"
}
