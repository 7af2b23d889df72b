//! Writes the lines of the access log, beside those who answer requests.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use littoral_tasks::TaskKind;
use littoral_telemetry::lines::Lines;

use super::{PAUSE, is_standard_output};
use crate::node::Shared;

type To = Arc<Mutex<Box<dyn Write + Send>>>;

/// Opens the file, at whose end lines are added, and writes from now on; at the drain what is left.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn write(path: &Path, lines: &Lines, shared: &Shared) -> io::Result<()> {
    let to: Box<dyn Write + Send> = if is_standard_output(path) {
        Box::new(io::stdout())
    } else {
        Box::new(File::options().append(true).create(true).open(path)?)
    };
    let to: To = Arc::new(Mutex::new(to));
    let (lines, clock) = (lines.clone(), shared.clock.clone());
    let draining = shared.tasks.shutdown().clone();
    shared.tasks.spawn(TaskKind::Report, async move {
        let mut well = true;
        loop {
            let last = clock.timeout(PAUSE, draining.wait()).await.is_ok();
            let waiting = lines.take();
            let result = if waiting.is_empty() { Ok(()) } else { out(&to, waiting).await };
            if let Err(error) = &result
                && well
            {
                tracing::error!(%error, "the access log cannot be written; its lines are lost");
            }
            well = result.is_ok();
            let dropped = lines.dropped();
            if dropped > 0 {
                tracing::warn!(dropped, "lines of the access log found no room and are lost");
            }
            if last {
                return;
            }
        }
    });
    Ok(())
}

async fn out(to: &To, bytes: Vec<u8>) -> io::Result<()> {
    let to = Arc::clone(to);
    let written = tokio::task::spawn_blocking(move || {
        let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(&bytes)?;
        to.flush()
    });
    written.await.map_err(io::Error::other).flatten()
}
