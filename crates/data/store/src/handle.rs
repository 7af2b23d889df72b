//! An engine that is opened again under its readers, after a commit failed.
//!
//! The engine locks its folder, so the old one must be let go of before the new one opens: readers
//! that come in between wait, and those who hold the old one are waited for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use littoral_clock::Clock;
use littoral_types::Mono;
use tokio::sync::watch;

use crate::{Error, room};

/// What readers and the writer take an engine from.
pub(crate) struct Handle<T> {
    now: watch::Sender<Now<T>>,
}

enum Now<T> {
    Open(Arc<T>),
    Reopening,
    Failed(String),
}

/// How long readers of the old engine are waited for.
const RELEASE_MAX: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

impl<T> Handle<T> {
    pub(crate) fn new(opened: T) -> Self {
        Self { now: watch::Sender::new(Now::Open(Arc::new(opened))) }
    }

    /// The engine, unless it is being opened or does not open.
    pub(crate) fn get(&self) -> Result<Arc<T>, Error> {
        match &*self.now.borrow() {
            Now::Open(opened) => Ok(opened.clone()),
            Now::Reopening => Err(Error::Read("it is being opened again".into())),
            Now::Failed(why) => Err(Error::Read(why.clone())),
        }
    }

    /// The engine, waited for while it is being opened.
    pub(crate) async fn wait(&self) -> Result<Arc<T>, Error> {
        if let Now::Open(opened) = &*self.now.borrow() {
            return Ok(opened.clone());
        }
        let mut now = self.now.subscribe();
        // An error means that the sender is gone: this handle, which we are borrowing.
        drop(now.wait_for(|now| !matches!(now, Now::Reopening)).await);
        self.get()
    }

    /// Lets go of the engine and opens it anew. Blocks; only the writer calls this.
    pub(crate) fn reopen(
        &self,
        open: impl FnOnce() -> Result<T, Error>,
        clock: &Clock,
    ) -> Result<Arc<T>, Error> {
        if let Now::Open(old) = self.now.send_replace(Now::Reopening) {
            self.release(old, clock)?;
        }
        match open() {
            Ok(opened) => {
                let opened = Arc::new(opened);
                self.now.send_replace(Now::Open(opened.clone()));
                Ok(opened)
            }
            Err(error) => {
                self.now.send_replace(Now::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    /// Waits for readers that hold the old engine; gives it back to them when they take too long.
    fn release(&self, mut old: Arc<T>, clock: &Clock) -> Result<(), Error> {
        let until = clock.after(RELEASE_MAX);
        loop {
            match Arc::try_unwrap(old) {
                Ok(opened) => {
                    drop(opened);
                    return Ok(());
                }
                Err(held) => old = held,
            }
            if clock.mono() >= until {
                self.now.send_replace(Now::Open(old));
                return Err(Error::Write("readers hold the store open; it is tried again".into()));
            }
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
    }
}

/// Why an engine takes no writes, and when to try again.
pub(crate) struct Broken {
    why: String,
    retry_at: Mono,
}

/// When a broken engine is opened again: soon, then ever later.
pub(crate) struct Mending {
    clock: Clock,
    wait: Duration,
}

const WAIT_FIRST: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);

impl Mending {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, wait: WAIT_FIRST }
    }

    pub(crate) fn broken(&mut self, why: String) -> Broken {
        let broken = Broken { why, retry_at: self.clock.after(self.wait) };
        self.wait = (self.wait * 2).min(WAIT_MAX);
        broken
    }

    /// A commit went well.
    pub(crate) fn well(&mut self) {
        self.wait = WAIT_FIRST;
    }

    /// Opens the engine in `dir` again if it is time and the disk takes writes.
    pub(crate) fn mend<T>(
        &mut self,
        broken: &mut Broken,
        dir: &Path,
        handle: &Handle<T>,
        open: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        if self.clock.mono() < broken.retry_at {
            return Err(Error::Write(broken.why.clone()));
        }
        // Until it takes a file, the old engine goes on answering readers.
        let mended = room::probe(dir).and_then(|()| handle.reopen(open, &self.clock));
        mended.map_err(|error| {
            tracing::warn!(dir = %dir.display(), %error, "cannot be opened for writing yet");
            *broken = self.broken(error.to_string());
            Error::Write(broken.why.clone())
        })
    }
}

/// What a refused write is told, without saying twice that it is one.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::Write(why) => why.clone(),
        error => error.to_string(),
    }
}
