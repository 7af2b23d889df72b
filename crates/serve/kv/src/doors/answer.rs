//! How a value is answered: whole, in part, unchanged, or not at all, and what the head says of it.

use http::header::{
    ACCEPT_RANGES, AGE, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use littoral_http::{
    Body, CACHE_STATUS, EntityTags, Places, Range, Refusal, Res, SERVER_TIMING, age, cache_status,
    code, entity_tag, range, server_timing,
};
use littoral_peer::Outcome;
use littoral_types::{Body as Stored, Version};

use super::metadata;
use super::refuse;
use crate::Value;

pub(crate) const VERSION: HeaderName = HeaderName::from_static("littoral-version");
pub(crate) const EARLIER_VERSIONS: HeaderName =
    HeaderName::from_static("littoral-earlier-versions");
const EXPIRATION: HeaderName = HeaderName::from_static("expiration");
const CF_EXPIRATION: HeaderName = HeaderName::from_static("cf-expiration");
const CF_METADATA: HeaderName = HeaderName::from_static("cf-kv-metadata");
const CF_CACHE_STATUS: HeaderName = HeaderName::from_static("cf-cache-status");

/// Which door a value leaves by: the headers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Rest,
    Binding,
}

/// Answers a read.
///
/// # Errors
/// When there is no such key, or the request's conditions say no.
pub(crate) fn value(
    asked: &HeaderMap,
    value: &Value,
    places: &Places,
    exit: Exit,
) -> Result<Res, Refusal> {
    if value.body.is_absent() {
        return Err(explained(refuse::key_not_found(value.version), value, places));
    }
    let etag = entity_tag(value.version);
    if let Some(held) = tags(asked, IF_MATCH).filter(|held| !held.holds(value.version)) {
        tracing::trace!(?held, "not the version asked for");
        let message = format!("precondition failed: the key has version {}", value.version);
        let status = StatusCode::PRECONDITION_FAILED;
        return Err(Refusal::new(status, code::PRECONDITION, message).header(ETAG, etag));
    }
    let mut res = Response::new(Body::empty());
    *res.headers_mut() = HeaderMap::with_capacity(12);
    describe(res.headers_mut(), value, places, exit);
    res.headers_mut().insert(ETAG, etag);
    if tags(asked, IF_NONE_MATCH).is_some_and(|held| held.holds(value.version)) {
        *res.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(res);
    }
    let len = value.body.len();
    let wanted = asked.get(RANGE).filter(|_| same(asked, value.version));
    match range(wanted.map(HeaderValue::as_bytes), len) {
        Range::Whole => *res.body_mut() = part(&value.body, 0, len),
        Range::Part { from, len: some } => {
            *res.status_mut() = StatusCode::PARTIAL_CONTENT;
            let to = from + some - 1;
            res.headers_mut().insert(CONTENT_RANGE, header(&format!("bytes {from}-{to}/{len}")));
            *res.body_mut() = part(&value.body, from, some);
        }
        Range::Unsatisfiable => {
            let message = format!("no byte of the range is in the value's {len}");
            return Err(Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, refuse::RANGE, message)
                .header(CONTENT_RANGE, header(&format!("bytes */{len}")))
                .header(ETAG, entity_tag(value.version)));
        }
    }
    Ok(res)
}

/// Adds to a refusal where it came from.
fn explained(refusal: Refusal, value: &Value, places: &Places) -> Refusal {
    if value.hops.is_empty() {
        return refusal;
    }
    refusal
        .header(AGE, age(value.age))
        .header(CACHE_STATUS, cache_status(&value.hops, places))
        .header(SERVER_TIMING, server_timing(&value.hops, places))
}

/// The headers of every answer that has a value, but its tag.
pub(crate) fn describe(headers: &mut HeaderMap, value: &Value, places: &Places, exit: Exit) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    explain(headers, value, places);
    let expiration = value.expires_at.map(|at| HeaderValue::from(at.seconds()));
    match exit {
        Exit::Rest => {
            if let Some(expiration) = expiration {
                headers.insert(EXPIRATION, expiration);
            }
        }
        Exit::Binding => {
            if let Some(expiration) = expiration {
                headers.insert(CF_EXPIRATION, expiration);
            }
            if let Some(metadata) = some(&value.metadata).and_then(metadata::header) {
                headers.insert(CF_METADATA, metadata);
            }
            if let Some(edge) = value.hops.last() {
                headers.insert(CF_CACHE_STATUS, HeaderValue::from_static(cf_word(edge.outcome)));
            }
        }
    }
}

/// Where an answer came from, and how old it is.
pub(crate) fn explain(headers: &mut HeaderMap, value: &Value, places: &Places) {
    headers.insert(AGE, age(value.age));
    if !value.hops.is_empty() {
        headers.insert(CACHE_STATUS, cache_status(&value.hops, places));
        headers.insert(SERVER_TIMING, server_timing(&value.hops, places));
    }
}

fn some(metadata: &bytes::Bytes) -> Option<&bytes::Bytes> {
    (!metadata.is_empty()).then_some(metadata)
}

fn cf_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Hit => "HIT",
        Outcome::Stale => "STALE",
        Outcome::Miss | Outcome::Collapsed => "MISS",
        Outcome::Suspect => "REVALIDATED",
        Outcome::Bypass => "BYPASS",
    }
}

/// The entity tags of a condition; one that cannot be read is ignored.
fn tags(asked: &HeaderMap, name: HeaderName) -> Option<EntityTags<'_>> {
    EntityTags::parse(asked.get(name)?.as_bytes())
}

/// Whether a range is of this version: no `If-Range`, or one with its tag.
fn same(asked: &HeaderMap, version: Version) -> bool {
    asked.get(IF_RANGE).is_none_or(|tag| {
        !tag.as_bytes().starts_with(b"W/")
            && matches!(EntityTags::parse(tag.as_bytes()), Some(tags @ EntityTags::Some(_)) if tags.holds(version))
    })
}

/// A stretch of a stored body.
fn part(body: &Stored, from: u64, len: u64) -> Body {
    match body {
        Stored::Absent => Body::empty(),
        Stored::Bytes(bytes) => Body::from(bytes.slice(from as usize..(from + len) as usize)),
        Stored::File(blob) => Body::file(std::sync::Arc::clone(blob), from, len),
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and ASCII words")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::BodyExt as _;
    use littoral_types::Wall;

    use super::*;

    fn held() -> Value {
        Value {
            version: Version::new(Wall(1_000), 2, 3),
            body: Stored::Bytes(Bytes::from_static(b"0123456789")),
            metadata: Bytes::from_static(b"{\"a\":\"\xc3\xa9\"}"),
            expires_at: Some(Wall(1_500_000)),
            age: Duration::from_millis(2_900),
            hops: Default::default(),
        }
    }

    async fn ask(
        list: &[(&'static str, &str)],
        held: &Value,
    ) -> Result<(u16, HeaderMap, Bytes), Refusal> {
        let mut asked = HeaderMap::new();
        for (name, text) in list {
            asked.insert(*name, HeaderValue::from_str(text).expect("a header"));
        }
        let res = value(&asked, held, &Places::new(["a"]), Exit::Binding)?;
        let (head, body) = res.into_parts();
        let body = body.collect().await.expect("bytes").to_bytes();
        Ok((head.status.as_u16(), head.headers, body))
    }

    #[tokio::test]
    async fn a_value_says_what_it_is() {
        let (status, headers, body) = ask(&[], &held()).await.expect("there");
        assert_eq!((status, body.as_ref()), (200, b"0123456789".as_slice()));
        assert_eq!(headers[ETAG], format!("\"{}\"", held().version));
        assert_eq!(headers[AGE], "2");
        assert_eq!(headers[CF_EXPIRATION], "1500");
        assert_eq!(headers[CF_METADATA].as_bytes(), "{\"a\":\"é\"}".as_bytes());
    }

    #[tokio::test]
    async fn a_held_version_is_not_sent_again() {
        let tag = format!("\"{}\"", held().version);
        for condition in [tag.as_str(), &format!("\"x\", W/{tag}"), "*"] {
            let (status, headers, body) =
                ask(&[("if-none-match", condition)], &held()).await.expect("there");
            assert_eq!((status, body.len()), (304, 0), "{condition}");
            assert_eq!(headers[ETAG], tag);
        }
        assert_eq!(ask(&[("if-none-match", "\"x\"")], &held()).await.expect("there").0, 200);
        assert_eq!(ask(&[("if-match", "\"x\"")], &held()).await.expect_err("other").status, 412);
        assert_eq!(ask(&[("if-match", &tag)], &held()).await.expect("same").0, 200);
    }

    #[tokio::test]
    async fn a_range_is_a_part_of_the_version_it_names() {
        let tag = format!("\"{}\"", held().version);
        let (status, headers, body) = ask(&[("range", "bytes=2-4")], &held()).await.expect("part");
        assert_eq!((status, body.as_ref()), (206, b"234".as_slice()));
        assert_eq!(headers[CONTENT_RANGE], "bytes 2-4/10");
        for (condition, status) in [
            (tag.as_str(), 206),
            ("\"x\"", 200),
            ("W/\"x\"", 200),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
            ("*", 200),
        ] {
            let asked = [("range", "bytes=2-4"), ("if-range", condition)];
            assert_eq!(ask(&asked, &held()).await.expect("there").0, status, "{condition}");
        }
        assert_eq!(ask(&[("range", "bytes=0-1,3-4")], &held()).await.expect("whole").0, 200);
        let refusal = ask(&[("range", "bytes=10-")], &held()).await.expect_err("past the end");
        assert_eq!(refusal.envelope().headers()[CONTENT_RANGE], "bytes */10");
    }

    #[tokio::test]
    async fn a_deleted_key_is_not_found_but_has_a_version() {
        let gone = Value { body: Stored::Absent, ..held() };
        let refusal = ask(&[("if-none-match", "*")], &gone).await.expect_err("gone");
        assert_eq!((refusal.status.as_u16(), refusal.code), (404, 10009));
        assert!(refusal.envelope().headers().contains_key(ETAG));
        let never = Value { version: Version::ZERO, ..gone };
        let refusal = ask(&[], &never).await.expect_err("never there");
        assert!(!refusal.envelope().headers().contains_key(ETAG));
    }
}
