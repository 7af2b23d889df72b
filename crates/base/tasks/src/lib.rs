//! Background tasks: each has a kind, and a node's tasks are drained together.

mod kind;
mod shutdown;

pub use kind::TaskKind;
pub use shutdown::Shutdown;

use std::future::Future;
use std::time::Duration;

use littoral_clock::Clock;
use tokio_util::task::TaskTracker;

/// One node's tasks. Clones share them.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: Shutdown,
    cut: Shutdown,
    clock: Clock,
}

impl Tasks {
    pub fn new(clock: Clock) -> Self {
        Self { tracker: TaskTracker::new(), shutdown: Shutdown::new(), cut: Shutdown::new(), clock }
    }

    /// Runs `future` beside its caller. Tasks that [`TaskKind::ends_at_shutdown`] are dropped at
    /// their next await when the node drains; the others are waited for.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, kind: TaskKind, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Boxed at once: the runtime moves what it spawns five times, and some futures are kibibytes.
        let future = Box::pin(future);
        if kind.ends_at_shutdown() {
            let shutdown = self.shutdown.clone();
            tokio::spawn(self.tracker.track_future(async move {
                tokio::select! {
                    biased;
                    () = shutdown.wait() => tracing::debug!(task = kind.name(), "ended by drain"),
                    () = future => {}
                }
            }));
        } else {
            let cut = self.cut.clone();
            tokio::spawn(self.tracker.track_future(async move {
                tokio::select! {
                    biased;
                    () = cut.wait() => {}
                    () = future => {}
                }
            }));
        }
    }

    /// The signal by which long-lived work learns that the node drains.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Drops every task at its next await, as when the process is killed.
    pub fn cut(&self) {
        self.shutdown.signal();
        self.cut.signal();
    }

    /// Signals the drain, then waits for what must finish, at most `limit`. Whether all did.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.shutdown.signal();
        self.tracker.close();
        self.clock.timeout(limit, self.tracker.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_loops_and_waits_for_what_must_finish() {
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        tasks.spawn(TaskKind::Follower, std::future::pending());
        let finished = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&finished);
        tasks.spawn(TaskKind::Write, async move {
            clock.sleep(Duration::from_millis(50)).await;
            mark.store(true, Ordering::Release);
        });
        assert!(tasks.drain(Duration::from_secs(1)).await);
        assert!(finished.load(Ordering::Acquire));
    }
}
