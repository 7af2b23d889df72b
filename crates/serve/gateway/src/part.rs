//! Parts of answers that are kept: put together, completed (RFC 9111, sections 3.3 and 3.4).

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::meta::Head;
use crate::rules::{ContentRange, Stretch, Validators, combinable, combine, update};
use crate::site::Held;
use crate::upstream::Reading;

impl Held {
    /// Where it lies, if it is a part.
    pub(crate) fn stretch(&self) -> Option<Stretch> {
        Stretch::of(self.head.status, &self.head.headers, self.body.len() as u64)
    }

    /// What it lacks can be asked for by one range, which nothing else can be taken for.
    pub(crate) fn ask_for_rest(&self, asking: &mut HeaderMap) -> bool {
        let Some(Stretch { at, len }) = self.stretch() else { return false };
        let etag = Validators::of(&self.head.headers).etag.filter(|etag| !etag.weak);
        let sound = at.first == 0 && at.last + 1 == len && at.whole.is_some();
        let Some(etag) = etag.filter(|_| sound) else { return false };
        let Ok(rest) = HeaderValue::try_from(format!("bytes={len}-")) else { return false };
        asking.insert(header::RANGE, rest);
        asking.insert(header::IF_RANGE, etag.value());
        true
    }

    /// It and a newer part of the same, as one, which may be the whole; `None`: they are not of one, or lie
    /// apart.
    pub(crate) fn with(&self, newer: &HeaderMap, body: &Bytes, at: u64) -> Option<Self> {
        let status = StatusCode::PARTIAL_CONTENT;
        let held = self.stretch()?;
        let new = Stretch::of(status, newer, body.len() as u64)?;
        if !combinable(&self.head.headers, newer) {
            return None;
        }
        let (lies, body) = combine((held.at, &self.body), (new.at, body))?;
        let mut headers = self.head.headers.clone();
        update(&mut headers, newer.clone());
        Some(Self { head: whole_or_part(headers, lies, at), body })
    }
}

/// A part that is all of it is a whole answer.
fn whole_or_part(mut headers: HeaderMap, lies: ContentRange, at: u64) -> Head {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(lies.last - lies.first + 1));
    if lies.first == 0 && lies.whole == Some(lies.last + 1) {
        headers.remove(header::CONTENT_RANGE);
        return Head { status: StatusCode::OK, at, headers };
    }
    headers.insert(header::CONTENT_RANGE, lies.value());
    Head { status: StatusCode::PARTIAL_CONTENT, at, headers }
}

/// What is left of a body, if it is whole and no longer than this.
pub(crate) async fn collect(mut body: Reading, limit: u64) -> Option<Bytes> {
    let mut all = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.ok()?;
        if (all.len() + part.len()) as u64 > limit {
            return None;
        }
        all.extend_from_slice(&part);
    }
    Some(all.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(range: &'static str, etag: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, HeaderValue::from_static(range));
        headers.insert(header::ETAG, HeaderValue::from_static(etag));
        headers
    }

    fn held(range: &'static str, etag: &'static str, body: &'static str) -> Held {
        let head =
            Head { status: StatusCode::PARTIAL_CONTENT, at: 1, headers: headers(range, etag) };
        Held { head, body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn parts_of_one_answer_become_one_and_in_the_end_whole() {
        let held = held("bytes 0-3/10", "\"a\"", "0123");
        let new = |range, etag, body: &'static str| {
            held.with(&headers(range, etag), &Bytes::from_static(body.as_bytes()), 9)
        };
        let more = new("bytes 3-5/10", "\"a\"", "345").expect("they touch");
        assert_eq!((more.head.status.as_u16(), &more.body[..]), (206, &b"012345"[..]));
        assert_eq!(more.head.headers[header::CONTENT_RANGE], "bytes 0-5/10");
        let all = new("bytes 4-9/10", "\"a\"", "456789").expect("they touch");
        assert_eq!((all.head.status.as_u16(), all.head.at), (200, 9));
        assert_eq!(
            (all.head.headers.get(header::CONTENT_RANGE), &all.body[..]),
            (None, &b"0123456789"[..])
        );
        assert_eq!(all.head.headers[header::CONTENT_LENGTH], "10");
        assert!(new("bytes 4-9/10", "\"b\"", "456789").is_none(), "of another answer");
        assert!(new("bytes 5-9/10", "\"a\"", "56789").is_none(), "a byte is missing");
        assert!(new("bytes 4-9/10", "\"a\"", "4567").is_none(), "shorter than it says");
    }

    #[test]
    fn the_rest_is_asked_for_only_of_what_has_a_strong_validator() {
        let asks = |held: Held| {
            let mut asking = HeaderMap::new();
            held.ask_for_rest(&mut asking).then(|| asking[header::RANGE].clone())
        };
        assert_eq!(
            asks(held("bytes 0-3/10", "\"a\"", "0123")),
            Some("bytes=4-".parse().expect("plain"))
        );
        assert_eq!(asks(held("bytes 0-3/10", "W/\"a\"", "0123")), None);
        assert_eq!(asks(held("bytes 1-4/10", "\"a\"", "1234")), None);
        assert_eq!(asks(held("bytes 0-3/*", "\"a\"", "0123")), None);
        assert_eq!(asks(held("bytes 0-4/10", "\"a\"", "0123")), None, "shorter than it says");
    }
}
