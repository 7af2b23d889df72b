//! One thread takes whatever waits and commits it together: the engine syncs once for all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::Error;

/// How much one commit takes, and how much may wait for the next.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub batch_max: usize,
    pub batch_bytes_max: u64,
    pub waiting_max: usize,
    pub waiting_bytes_max: u64,
}

/// What the thread runs. Each job carries the way to answer it.
pub trait Commit: Send + 'static {
    type Job: Send + 'static;

    fn commit(&mut self, jobs: Vec<Self::Job>);
}

/// The handle: queues jobs, and on drop waits until all that were queued are done.
pub struct Group<J> {
    /// `None` only while dropping.
    sender: Option<mpsc::Sender<Queued<J>>>,
    waiting_bytes: Arc<AtomicU64>,
    waiting_bytes_max: u64,
    thread: Option<JoinHandle<()>>,
}

struct Queued<J> {
    job: J,
    bytes: u64,
}

/// What a client may wait before it asks a busy store again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl<J: Send + 'static> Group<J> {
    pub fn start(
        name: &str,
        limits: Limits,
        commit: impl Commit<Job = J>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(limits.waiting_max.max(1));
        let waiting_bytes = Arc::new(AtomicU64::new(0));
        let waiting = waiting_bytes.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(receiver, limits, &waiting, commit))?;
        Ok(Self {
            sender: Some(sender),
            waiting_bytes,
            waiting_bytes_max: limits.waiting_bytes_max,
            thread: Some(thread),
        })
    }

    /// Queues a job of about `bytes` bytes, or refuses it at once.
    pub fn submit(&self, job: J, bytes: u64) -> Result<(), Error> {
        let sender = self.sender.as_ref().ok_or(Error::Closed)?;
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        // A job larger than the limit passes when nothing else waits.
        let sent = if before > 0 && before + bytes > self.waiting_bytes_max {
            Err(Error::Busy { retry_after: RETRY_AFTER })
        } else {
            sender.try_send(Queued { job, bytes }).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Error::Busy { retry_after: RETRY_AFTER },
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            })
        };
        if sent.is_err() {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        sent
    }
}

impl<J> Drop for Group<J> {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that commits writes panicked");
        }
    }
}

fn run<J: Send + 'static>(
    mut receiver: mpsc::Receiver<Queued<J>>,
    limits: Limits,
    waiting_bytes: &AtomicU64,
    mut commit: impl Commit<Job = J>,
) {
    let mut waiting = Vec::new();
    while receiver.blocking_recv_many(&mut waiting, limits.batch_max.max(1)) > 0 {
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        for queued in waiting.drain(..) {
            waiting_bytes.fetch_sub(queued.bytes, Ordering::Relaxed);
            if bytes + queued.bytes > limits.batch_bytes_max && !jobs.is_empty() {
                commit.commit(std::mem::take(&mut jobs));
                bytes = 0;
            }
            bytes += queued.bytes;
            jobs.push(queued.job);
        }
        commit.commit(jobs);
    }
}
