//! Where a node's clock stood, kept over restarts: a machine's clock may be set back meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use littoral_clock::{Clock, Hlc};
use littoral_types::Wall;

/// How often it is written down.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Mark {
    file: PathBuf,
    hlc: Arc<Hlc>,
}

impl Mark {
    pub fn new(dir: &Path, hlc: &Arc<Hlc>) -> Self {
        Self { file: dir.join("clock"), hlc: Arc::clone(hlc) }
    }

    /// Goes on from the last mark. Without one, or with a damaged one, from the machine's clock.
    pub fn resume(&self) {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        if let Ok(ms) = text.trim().parse() {
            self.hlc.resume(Wall(ms));
        }
    }

    pub async fn keep(self, clock: Clock) {
        loop {
            clock.sleep(EVERY).await;
            self.write();
        }
    }

    pub fn write(&self) {
        let whole = self.file.with_extension("new");
        let text = format!("{}\n", self.hlc.mark().0);
        if let Err(error) = fs::write(&whole, text).and_then(|()| fs::rename(&whole, &self.file)) {
            tracing::warn!(%error, file = %self.file.display(), "cannot write down the clock");
        }
    }
}
