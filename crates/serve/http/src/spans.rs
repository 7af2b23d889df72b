//! Where those who answer a request add spans to its trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use littoral_clock::Clock;
use littoral_telemetry::traces::{Kind, Place, Span, Traces, Value};
use littoral_types::{Mono, Trace};

use crate::watch::nanoseconds;

/// Stands in the extensions of a request's head, if the request is traced. Cheap to clone.
#[derive(Clone)]
pub struct Spans(Arc<Inner>);

struct Inner {
    traces: Traces,
    trace: Trace,
    clock: Clock,
    /// When the request came, by both clocks.
    began: Mono,
    began_ns: u64,
    count: AtomicU64,
}

/// A span that ends when this is dropped.
pub struct OpenSpan {
    spans: Spans,
    id: u64,
    name: String,
    kind: Kind,
    began: Mono,
    said: Vec<(&'static str, Value)>,
    pub failed: bool,
}

/// Numbers of spans are told apart by multiples of this, which is odd and has no pattern.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Spans {
    pub(crate) fn new(traces: Traces, trace: Trace, clock: Clock) -> Self {
        let (began, began_ns) = (clock.mono(), nanoseconds(clock.wall()));
        let count = AtomicU64::new(0);
        Self(Arc::new(Inner { traces, trace, clock, began, began_ns, count }))
    }

    pub(crate) fn place(&self) -> Place {
        Place { trace: self.0.trace.trace, root: self.0.trace.span }
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.0.traces
    }

    /// A number that no other span of the request has.
    pub(crate) fn id(&self) -> u64 {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.trace.span.wrapping_add(count.wrapping_mul(STEP)).max(1)
    }

    /// A time of this machine's as traces have it.
    pub(crate) fn at(&self, time: Mono) -> u64 {
        self.0.began_ns + time.since(self.0.began).as_nanos() as u64
    }

    /// A span that is over already.
    pub fn add(
        &self,
        name: impl Into<String>,
        (began, ended): (Mono, Mono),
        said: Vec<(&'static str, Value)>,
        failed: bool,
    ) {
        let span = Span {
            id: self.id(),
            parent: self.0.trace.span,
            name: name.into(),
            kind: Kind::Internal,
            begun_ns: self.at(began),
            ended_ns: self.at(ended),
            said,
            failed,
            state: String::new(),
        };
        self.0.traces.add(self.place(), span);
    }

    /// Begins a span below the request's own.
    pub fn begin(&self, name: impl Into<String>, kind: Kind) -> OpenSpan {
        OpenSpan {
            spans: self.clone(),
            id: self.id(),
            name: name.into(),
            kind,
            began: self.0.clock.mono(),
            said: Vec::new(),
            failed: false,
        }
    }
}

impl std::fmt::Debug for Spans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spans({:032x})", self.0.trace.trace)
    }
}

impl OpenSpan {
    /// The context that is handed to whoever is called.
    pub fn trace(&self) -> Trace {
        Trace { span: self.id, ..self.spans.0.trace }
    }

    /// Says something of it.
    pub fn say(&mut self, name: &'static str, value: Value) {
        self.said.push((name, value));
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        let inner = &self.spans.0;
        let span = Span {
            id: self.id,
            parent: inner.trace.span,
            name: std::mem::take(&mut self.name),
            kind: self.kind,
            begun_ns: self.spans.at(self.began),
            ended_ns: self.spans.at(inner.clock.mono()),
            said: std::mem::take(&mut self.said),
            failed: self.failed,
            state: String::new(),
        };
        inner.traces.add(self.spans.place(), span);
    }
}
