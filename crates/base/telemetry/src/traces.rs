//! Traces: the spans of each request, held until it has ended, and then kept or not.
//!
//! A request begins a trace ([`Traces::begin`]), everything on its way adds spans to it
//! ([`Traces::add`]), and its end decides ([`Traces::end`]): kept is what a share of all was chosen
//! for at its beginning, or whoever asks wanted kept (head sampling), and what failed or was slow (tail
//! sampling). Who sends them off [takes](Traces::take) what was kept. A span that comes after its
//! request's end is lost.

mod otlp;
mod proto;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::metrics::{Counter, Metric, Registry};

const SPANS: Metric = Metric::new("trace_spans", "Spans of traces that were kept");
const SPANS_LOST: Metric =
    Metric::new("trace_spans_lost", "Spans for which there was no room, or no collector");

/// Requests under way whose spans are held; further ones are not traced.
const OPEN_MAX: usize = 64 * 1024;
/// Spans of one request; further ones are lost.
const SPANS_PER_TRACE_MAX: usize = 128;
/// Spans that wait to be sent off; those of a further trace are lost.
const WAITING_MAX: usize = 32 * 1024;
const SHARDS: usize = 16;

/// Which traces are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Share of requests that is kept, from 0 to 1, where the client does not say.
    pub share: f64,
    /// Whatever takes longer to begin its answer is kept.
    pub slow: Option<Duration>,
    /// What the node is called in its traces.
    pub location: String,
}

/// A trace and the span by which a request goes through this node: where its spans belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub trace: u128,
    pub root: u64,
}

/// What a span is to the one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Internal,
    /// Answers somebody's call.
    Server,
    /// Calls somebody.
    Client,
}

/// A value that is said of a span.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// One thing that was done, and how long it took. Times are nanoseconds since the UNIX epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub id: u64,
    /// 0: none.
    pub parent: u64,
    pub name: String,
    pub kind: Kind,
    pub begun_ns: u64,
    pub ended_ns: u64,
    pub said: Vec<(&'static str, Value)>,
    pub failed: bool,
    /// `tracestate` as it came.
    pub state: String,
}

/// The spans of requests. Clones share them.
#[derive(Clone)]
pub struct Traces(Arc<Inner>);

struct Inner {
    options: Options,
    open: Vec<Mutex<Open>>,
    kept: Mutex<Vec<(u128, Span)>>,
    spans: Counter,
    lost: Counter,
}

type Open = HashMap<Place, Vec<Span>, BuildHasherDefault<std::hash::DefaultHasher>>;

impl Traces {
    pub fn new(options: Options, registry: &Registry) -> Self {
        Self(Arc::new(Inner {
            options,
            open: (0..SHARDS).map(|_| Mutex::default()).collect(),
            kept: Mutex::default(),
            spans: registry.counter(&SPANS),
            lost: registry.counter(&SPANS_LOST),
        }))
    }

    /// Whether a trace that nobody decided on is kept: the same for each of its requests.
    pub fn chooses(&self, trace: u128) -> bool {
        // Traces are random numbers: their share below a bound is the bound.
        (trace as u64 >> 11) as f64 / (1_u64 << 53) as f64 <= self.0.options.share
            && self.0.options.share > 0.0
    }

    /// From now on spans are held for this request.
    pub fn begin(&self, place: Place) {
        let mut open = self.open(place);
        if open.len() < OPEN_MAX / SHARDS {
            open.insert(place, Vec::new());
        }
    }

    /// Adds a span to a request that is under way here.
    pub fn add(&self, place: Place, span: Span) {
        if let Some(spans) = self.open(place).get_mut(&place) {
            if spans.len() < SPANS_PER_TRACE_MAX {
                spans.push(span);
            } else {
                self.0.lost.inc();
            }
        }
    }

    /// The request has ended with `root`: its spans are kept if it was `chosen`, failed, or was slow
    /// to begin.
    pub fn end(&self, place: Place, root: Span, chosen: bool, begun: Duration) {
        let Some(mut spans) = self.open(place).remove(&place) else { return };
        let slow = self.0.options.slow.is_some_and(|slow| begun >= slow);
        if !(chosen || root.failed || slow) {
            return;
        }
        spans.push(root);
        let count = spans.len() as u64;
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + spans.len() > WAITING_MAX {
            self.0.lost.inc_by(count);
            return;
        }
        kept.extend(spans.into_iter().map(|span| (place.trace, span)));
        self.0.spans.inc_by(count);
    }

    /// What was kept since, as the body of an OTLP request: `application/x-protobuf` for `/v1/traces`,
    /// and how many spans it holds.
    pub fn take(&self) -> Option<(Vec<u8>, u64)> {
        let kept = std::mem::take(&mut *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let count = kept.len() as u64;
        (count > 0).then(|| (otlp::request(&self.0.options.location, &kept), count))
    }

    /// So many spans could not be sent off.
    pub fn lost(&self, count: u64) {
        self.0.lost.inc_by(count);
    }

    fn open(&self, place: Place) -> MutexGuard<'_, Open> {
        let shard = (place.root ^ place.root >> 32) as usize % SHARDS;
        self.0.open[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.options.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { trace: 7, root: 9 };

    fn traces(share: f64) -> Traces {
        let slow = Some(Duration::from_millis(100));
        let options = Options { share, slow, location: "ams".into() };
        Traces::new(options, &Registry::new("ams"))
    }

    fn span(id: u64, failed: bool) -> Span {
        Span {
            id,
            parent: 0,
            name: "GET".into(),
            kind: Kind::Server,
            begun_ns: 1,
            ended_ns: 2,
            said: Vec::new(),
            failed,
            state: String::new(),
        }
    }

    fn kept(chosen: bool, failed: bool, begun_ms: u64) -> u64 {
        let traces = traces(0.0);
        traces.begin(PLACE);
        traces.add(PLACE, span(1, false));
        traces.end(PLACE, span(9, failed), chosen, Duration::from_millis(begun_ms));
        traces.take().map_or(0, |(_, count)| count)
    }

    #[test]
    fn what_failed_or_was_slow_is_kept_whether_it_was_chosen_or_not() {
        assert_eq!(kept(false, false, 1), 0);
        assert_eq!(kept(true, false, 1), 2);
        assert_eq!(kept(false, true, 1), 2);
        assert_eq!(kept(false, false, 100), 2);
    }

    #[test]
    fn the_share_of_those_that_are_chosen_is_the_share_that_was_asked_for() {
        let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
        let chosen = |share: f64, next: &mut u64| {
            let traces = traces(share);
            (0..10_000)
                .filter(|_| {
                    *next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    traces.chooses(u128::from(*next))
                })
                .count()
        };
        assert_eq!(chosen(0.0, &mut chance), 0);
        assert_eq!(chosen(1.0, &mut chance), 10_000);
        assert!((800..1_200).contains(&chosen(0.1, &mut chance)));
    }

    #[test]
    fn nothing_grows_without_bound() {
        let traces = traces(1.0);
        traces.begin(PLACE);
        for id in 0..2 * SPANS_PER_TRACE_MAX as u64 {
            traces.add(PLACE, span(id, false));
        }
        traces.end(PLACE, span(9, false), true, Duration::ZERO);
        assert_eq!(traces.take().map(|(_, count)| count), Some(SPANS_PER_TRACE_MAX as u64 + 1));
        for root in 0..2 * WAITING_MAX as u64 {
            let place = Place { trace: 1, root };
            traces.begin(place);
            traces.end(place, span(root, false), true, Duration::ZERO);
        }
        assert_eq!(traces.take().map(|(_, count)| count), Some(WAITING_MAX as u64));
        for root in 0..2 * OPEN_MAX as u64 {
            traces.begin(Place { trace: 1, root });
        }
        let open: usize = traces.0.open.iter().map(|open| open.lock().unwrap().len()).sum();
        assert_eq!(open, OPEN_MAX);
    }

    #[test]
    fn a_span_that_comes_after_the_end_is_lost() {
        let traces = traces(1.0);
        traces.begin(PLACE);
        traces.end(PLACE, span(9, false), true, Duration::ZERO);
        traces.add(PLACE, span(10, false));
        assert_eq!(traces.take().map(|(_, count)| count), Some(1));
        assert!(traces.take().is_none());
    }
}
