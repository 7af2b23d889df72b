//! What a request carries from its first byte: deadline and trace.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use littoral_clock::{Chance, Clock};
use littoral_types::{Ctx, Trace};

/// W3C trace context, in requests and, on demand or with a refusal, in answers.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long the client wants to wait at most, in milliseconds.
const TIMEOUT_MS: HeaderName = HeaderName::from_static("littoral-timeout-ms");

/// The context of a request. A client may shorten the time, never lengthen it.
pub(crate) fn context(
    headers: &HeaderMap,
    clock: &Clock,
    time: Duration,
    chance: impl FnOnce() -> (u128, u64),
) -> Ctx {
    let asked = headers
        .get(TIMEOUT_MS)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map_or(time, |ms| Duration::from_millis(ms).min(time));
    let (trace, span) = chance();
    let trace = match headers.get(TRACEPARENT).and_then(|value| parse(value.as_bytes())) {
        Some(above) => Trace { span, ..above },
        None => Trace { trace, span, sampled: false },
    };
    Ctx { deadline: clock.after(asked), trace, ..Ctx::default() }
}

/// A new trace and span; never the forbidden zero.
pub(crate) fn new_trace(chance: &mut Chance) -> (u128, u64) {
    (chance.u128() | 1, chance.u64() | 1)
}

/// A trace as the header shows it: the span is ours.
pub fn traceparent(trace: Trace) -> HeaderValue {
    let text =
        format!("00-{:032x}-{:016x}-{:02x}", trace.trace, trace.span, u8::from(trace.sampled));
    HeaderValue::try_from(text).expect("hexadecimal digits are plain ASCII")
}

/// What a `traceparent` says; `None` when it is not one, and then it is ignored.
pub fn parse(header: &[u8]) -> Option<Trace> {
    let text = std::str::from_utf8(header).ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let more = parts.next().is_some();
    let hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let well_formed = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    if !well_formed || version == "ff" || (version == "00" && more) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok()?;
    let span = u64::from_str_radix(span, 16).ok()?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (trace != 0 && span != 0).then_some(Trace { trace, span, sampled: flags & 1 == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_goes_on_under_a_span_of_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(GOOD));
        let clock = Clock::system();
        let ctx = context(&headers, &clock, Duration::from_secs(1), || (5, 7));
        assert_eq!(
            traceparent(ctx.trace),
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01"
        );
    }

    #[test]
    fn what_is_not_a_trace_is_ignored() {
        assert!(parse(GOOD.as_bytes()).is_some());
        assert!(parse(b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_client_may_wait_shorter_but_not_longer() {
        let clock = Clock::system();
        let deadline = |ms: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT_MS, HeaderValue::from_static(ms));
            let before = clock.mono();
            context(&headers, &clock, Duration::from_secs(9), || (1, 1)).deadline.since(before)
        };
        assert!(deadline("50") < Duration::from_secs(5));
        assert!(deadline("50000") < Duration::from_secs(12));
        assert!(deadline("soon") > Duration::from_secs(5));
    }
}
