//! What is told of each request, where somebody wants to know: a trace, a line of the access log, and a
//! warning if it was slow.

use std::net::SocketAddr;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode, header};
use littoral_clock::Clock;
use littoral_telemetry::access::{self, Access};
use littoral_telemetry::lines::Lines;
use littoral_telemetry::traces::{Kind, Span, Traces, Value};
use littoral_types::{Mono, Trace, Wall};

use crate::context::parse;
use crate::{CACHE_STATUS, Res, SERVER_TIMING, Spans, TRACEPARENT};

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Who wants to know of requests. Nobody: it costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Watching {
    /// What this listener's location is called.
    pub location: String,
    pub traces: Option<Traces>,
    pub access: Option<Lines>,
    /// A request that takes longer to be answered is logged as a warning.
    pub slow: Option<Duration>,
}

/// One request that is watched.
pub(crate) struct Watched {
    by: Watching,
    clock: Clock,
    trace: Trace,
    /// The client's span, or 0.
    above: u64,
    state: String,
    method: String,
    host: String,
    path: String,
    query: String,
    agent: String,
    client: SocketAddr,
    spans: Option<Spans>,
    began: Mono,
}

/// A request that was answered; told of when its body has ended.
pub(crate) struct Answered {
    request: Watched,
    status: StatusCode,
    cache: String,
    timing: String,
    begun: Duration,
    pub(crate) bytes: u64,
}

impl Watching {
    fn anybody(&self) -> bool {
        self.traces.is_some() || self.access.is_some() || self.slow.is_some()
    }

    /// Looks at a request; whether it is chosen to be traced shows in `trace` from then on.
    pub(crate) fn look(
        &self,
        head: &mut Parts,
        client: SocketAddr,
        clock: &Clock,
        trace: &mut Trace,
    ) -> Option<Box<Watched>> {
        if !self.anybody() {
            return None;
        }
        let above = head.headers.get(TRACEPARENT).and_then(|value| parse(value.as_bytes()));
        let spans = self.traces.as_ref().map(|traces| {
            // Whoever asks with a trace has decided.
            trace.sampled =
                above.map_or_else(|| traces.chooses(trace.trace), |above| above.sampled);
            let spans = Spans::new(traces.clone(), *trace, clock.clone());
            traces.begin(spans.place());
            spans
        });
        if let Some(spans) = &spans {
            head.extensions.insert(spans.clone());
        }
        let text = |name| text(&head.headers, name);
        let host = match head.uri.authority() {
            Some(authority) => authority.as_str().to_owned(),
            None => text(&header::HOST),
        };
        Some(Box::new(Watched {
            by: self.clone(),
            clock: clock.clone(),
            trace: *trace,
            above: above.map_or(0, |above| above.span),
            state: text(&TRACESTATE),
            method: head.method.as_str().to_owned(),
            host,
            path: head.uri.path().to_owned(),
            query: access::names(head.uri.query().unwrap_or_default()),
            agent: text(&header::USER_AGENT),
            client,
            spans,
            began: clock.mono(),
        }))
    }
}

/// All lines of a header as one.
fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    lines.join(", ")
}

impl Watched {
    /// Its answer begins.
    pub(crate) fn answered(self: Box<Self>, res: &Res) -> Answered {
        let begun = self.clock.mono().since(self.began);
        let cache = text(res.headers(), &CACHE_STATUS);
        let timing = text(res.headers(), &SERVER_TIMING);
        Answered { request: *self, status: res.status(), cache, timing, begun, bytes: 0 }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        let took = self.request.clock.mono().since(self.request.began);
        let Watched { by, spans, .. } = &self.request;
        if let Some(lines) = &by.access {
            lines.push(&self.line(took));
        }
        if by.slow.is_some_and(|slow| self.begun >= slow) {
            self.warn();
        }
        if let Some(spans) = spans {
            self.trace(spans);
        }
    }
}

impl Answered {
    fn line(&self, took: Duration) -> Vec<u8> {
        let request = &self.request;
        Access {
            time: access::now(),
            location: &request.by.location,
            client: request.client.ip().to_string(),
            method: &request.method,
            host: &request.host,
            path: &request.path,
            query: request.query.clone(),
            status: self.status.as_u16(),
            bytes: self.bytes,
            begun_ms: milliseconds(self.begun),
            ms: milliseconds(took),
            cache: &self.cache,
            trace: format!("{:032x}", request.trace.trace),
            agent: &request.agent,
        }
        .line()
    }

    fn warn(&self) {
        let Watched { method, host, path, trace, .. } = &self.request;
        tracing::warn!(
            %method,
            %host,
            %path,
            status = self.status.as_u16(),
            ms = milliseconds(self.begun),
            cache = %self.cache,
            timing = %self.timing,
            trace = %format_args!("{:032x}", trace.trace),
            "slow request"
        );
    }

    fn trace(&self, spans: &Spans) {
        let request = &self.request;
        let (place, traces) = (spans.place(), spans.traces());
        let begun_ns = spans.at(request.began);
        let answered_ns = begun_ns + self.begun.as_nanos() as u64;
        for hop in hops(&self.cache, &self.timing) {
            let took = hop.took.unwrap_or(self.begun).min(self.begun);
            traces.add(
                place,
                Span {
                    id: spans.id(),
                    parent: place.root,
                    name: hop.name.to_owned(),
                    kind: Kind::Internal,
                    begun_ns: answered_ns - took.as_nanos() as u64,
                    ended_ns: answered_ns,
                    said: vec![("littoral.outcome", Value::Text(hop.outcome.to_owned()))],
                    failed: false,
                    state: String::new(),
                },
            );
        }
        let text = |text: &str| Value::Text(text.to_owned());
        let mut said = vec![
            ("http.request.method", text(&request.method)),
            ("url.path", text(&request.path)),
            ("server.address", text(&request.host)),
            ("client.address", Value::Text(request.client.ip().to_string())),
            ("http.response.status_code", Value::Number(self.status.as_u16().into())),
            ("http.response.body.size", Value::Number(self.bytes as i64)),
        ];
        if !self.cache.is_empty() {
            said.push(("littoral.cache_status", text(&self.cache)));
        }
        let root = Span {
            id: place.root,
            parent: request.above,
            name: request.method.clone(),
            kind: Kind::Server,
            begun_ns,
            ended_ns: spans.at(request.clock.mono()),
            said,
            failed: self.status.is_server_error(),
            state: request.state.clone(),
        };
        traces.end(place, root, request.trace.sampled, self.begun);
    }
}

/// A hop as the answer's own headers tell of it.
struct Told<'a> {
    name: &'a str,
    outcome: &'a str,
    took: Option<Duration>,
}

/// `ams-edge; hit; ttl=5` in `Cache-Status`, `ams-edge;dur=0.012` at the same place in `Server-Timing`.
/// Members of others, which stand in quotes or have no `-`, are hops as well.
fn hops<'a>(cache: &'a str, timing: &'a str) -> impl Iterator<Item = Told<'a>> {
    let mut times = timing.split(", ").filter(|time| !time.is_empty());
    cache.split(", ").filter(|member| !member.is_empty()).map(move |member| {
        let (name, outcome) = member.split_once("; ").unwrap_or((member, ""));
        let ms = times.next().and_then(|time| time.split_once(";dur=")?.1.parse::<f64>().ok());
        let took = ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
        Told { name, outcome, took }
    })
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Since the UNIX epoch.
pub(crate) fn nanoseconds(wall: Wall) -> u64 {
    wall.0.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_read_from_what_the_answer_says() {
        let cache = "ams-upper; fwd=miss; stored, ams-edge; fwd=miss";
        let told: Vec<_> = hops(cache, "ams-upper;dur=80.250, ams-edge;dur=80.500")
            .map(|hop| (hop.name, hop.outcome, hop.took.map(|took| took.as_micros())))
            .collect();
        assert_eq!(
            told,
            [
                ("ams-upper", "fwd=miss; stored", Some(80_250)),
                ("ams-edge", "fwd=miss", Some(80_500)),
            ]
        );
        assert_eq!(hops("", "").count(), 0);
        assert_eq!(hops("other", "nonsense").next().map(|hop| hop.took), Some(None));
    }
}
