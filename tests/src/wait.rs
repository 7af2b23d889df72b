//! Waiting for what a test can only see by looking again.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the black box has been looking.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the black box lives in the machine's time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Milliseconds since 1970, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the black box lives in the machine's time")]
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
    i64::try_from(since.as_millis()).expect("it is not the far future")
}

/// Looks until it sees something, and panics when `limit` is over. Limits are generous: a slow
/// machine is no failure.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(watch.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::park_timeout(BETWEEN_LOOKS);
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
