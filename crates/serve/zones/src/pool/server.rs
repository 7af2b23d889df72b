//! One server of an upstream, and whether it works.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderValue, Request, header};
use littoral_clock::Clock;
use littoral_gateway::{Answered, Error, Sent, Upstream as Connections, nothing};
use littoral_types::Mono;

use crate::config::{Health, Upstream};

/// However often it was left alone, it is tried again after so many times the first while.
const EJECTIONS_MAX: u32 = 30;

pub(super) struct Server {
    authority: String,
    connections: Connections,
    under_way: AtomicUsize,
    seen: Mutex<Seen>,
}

/// What has been seen of it.
#[derive(Debug, Default)]
struct Seen {
    /// Says nothing, or bad things, when it is asked how it is.
    down: bool,
    /// Signs of life in a row that were missed, or that came.
    missed: u32,
    came: u32,
    /// Failures of requests in a row.
    failures: u32,
    /// How often in a row it has been left alone, and until when.
    ejections: u32,
    ejected_until: Option<Mono>,
}

/// One more under way, until it is dropped.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    pub(super) fn new(authority: String, connections: Connections) -> Self {
        let (under_way, seen) = (AtomicUsize::new(0), Mutex::default());
        Self { authority, connections, under_way, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    pub(super) fn ejected(&self, now: Mono) -> bool {
        self.seen().ejected_until.is_some_and(|until| until > now)
    }

    pub(super) fn works(&self, now: Mono) -> bool {
        !self.seen().down && !self.ejected(now)
    }

    pub(super) async fn ask(&self, request: Request<Sent>) -> Result<Answered, Error> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let _under_way = UnderWay(&self.under_way);
        self.connections.ask(request).await
    }

    /// Takes down how a request went. After too many failures in a row it is left alone, longer each
    /// time.
    pub(super) fn judged(
        &self,
        bad: bool,
        config: &Upstream,
        now: Mono,
        may_eject: impl FnOnce() -> bool,
    ) {
        {
            let mut seen = self.seen();
            if !bad {
                (seen.failures, seen.ejections) = (0, 0);
                return;
            }
            seen.failures = seen.failures.saturating_add(1);
            if seen.failures < config.eject_after {
                return;
            }
        }
        // Looks at all servers, this one too.
        if !may_eject() {
            return;
        }
        let mut seen = self.seen();
        seen.failures = 0;
        seen.ejections = (seen.ejections + 1).min(EJECTIONS_MAX);
        seen.ejected_until = Some(now.plus(config.eject_time * seen.ejections));
        tracing::warn!(server = %self.authority, times = seen.ejections, "left alone for a while");
    }

    /// Asks for a sign of life.
    pub(super) async fn probe(&self, health: &Health, host: &str, clock: &Clock) {
        let mut request = Request::new(nothing());
        *request.uri_mut() = health.path.parse().unwrap_or_default();
        let host = HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("localhost"));
        request.headers_mut().insert(header::HOST, host);
        let answered = clock.timeout(health.timeout, self.connections.ask(request)).await;
        let well = match answered {
            Ok(Ok(answered)) => answered.head.status.as_u16() < 400,
            _ => false,
        };
        let mut seen = self.seen();
        if well {
            (seen.came, seen.missed) = (seen.came.saturating_add(1), 0);
            if seen.down && seen.came >= health.passes {
                seen.down = false;
                tracing::info!(server = %self.authority, "answers again");
            }
        } else {
            (seen.came, seen.missed) = (0, seen.missed.saturating_add(1));
            if !seen.down && seen.missed >= health.fails {
                seen.down = true;
                tracing::warn!(server = %self.authority, "gives no sign of life");
            }
        }
    }
}
