//! Headers, as the tests of the rules write them down.

use http::{HeaderMap, HeaderName, HeaderValue};

pub(super) fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    lines.iter().map(line).collect()
}
