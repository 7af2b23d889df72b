//! The signal that a node drains.

use tokio_util::sync::CancellationToken;

/// Clones see the same signal. It is given once and stays.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn signal(&self) {
        self.0.cancel();
    }

    pub fn signalled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns when the signal is given. Cancel-safe.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }
}
