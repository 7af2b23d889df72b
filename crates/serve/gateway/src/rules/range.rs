//! Parts of answers: what `Range` asks for, what `Content-Range` says (RFC 9110, section 14), and
//! parts put together (RFC 9111, sections 3.3 and 3.4).

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Validators, range_allowed};

/// What to send of a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    Whole,
    Part {
        from: u64,
        len: u64,
    },
    /// Nothing of it is in the range: 416.
    None,
}

/// What a client asks of an answer that is stored whole, of `len` bytes. Several ranges, other units
/// and what makes no sense are answered with the whole (RFC 9110, section 14.2); so is a range under
/// a condition that does not hold.
pub fn portion(asked: &HeaderMap, status: StatusCode, answered: &HeaderMap, len: u64) -> Portion {
    let wanted = asked.get(header::RANGE);
    if status != StatusCode::OK || !range_allowed(asked, answered) {
        return Portion::Whole;
    }
    match littoral_http::range(wanted.map(HeaderValue::as_bytes), len) {
        littoral_http::Range::Whole => Portion::Whole,
        littoral_http::Range::Part { from, len } => Portion::Part { from, len },
        littoral_http::Range::Unsatisfiable => Portion::None,
    }
}

/// Where a part lies: `bytes 4-9/10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    pub first: u64,
    pub last: u64,
    /// Of the whole, if it is known.
    pub whole: Option<u64>,
}

impl ContentRange {
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (unit, rest) = text.split_once(' ')?;
        let (range, whole) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let whole = if whole == "*" { None } else { Some(number(whole)?) };
        let (first, last) = (number(first)?, number(last)?);
        let sound = first <= last && last < u64::MAX && whole.is_none_or(|whole| last < whole);
        (unit.eq_ignore_ascii_case("bytes") && sound).then_some(Self { first, last, whole })
    }

    pub fn value(&self) -> HeaderValue {
        let whole = self.whole.map_or("*".to_owned(), |whole| whole.to_string());
        let text = format!("bytes {}-{}/{whole}", self.first, self.last);
        HeaderValue::try_from(text).expect("digits are plain ASCII")
    }
}

/// A stored part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub at: ContentRange,
    /// Bytes that are there. A part lies where it says that it begins.
    pub len: u64,
}

impl Stretch {
    /// What is stored under these headers, of so many bytes, if it is a part.
    pub fn of(status: StatusCode, headers: &HeaderMap, len: u64) -> Option<Self> {
        let mut lines = headers.get_all(header::CONTENT_RANGE).iter();
        let at = ContentRange::parse(lines.next()?.as_bytes())?;
        let one = status == StatusCode::PARTIAL_CONTENT && lines.next().is_none();
        (one && len > 0).then_some(Self { at, len })
    }

    /// Whether it ends where the whole does.
    fn to_the_end(self) -> bool {
        self.at.whole == Some(self.at.last + 1)
    }

    /// Where in the stored bytes the one range lies that a client asks for, and where in the whole; `None`
    /// unless all of it is there (RFC 9111, section 3.3).
    pub fn answers(&self, asked: &HeaderMap, stored: &HeaderMap) -> Option<(usize, ContentRange)> {
        let mut lines = asked.get_all(header::RANGE).iter();
        let range = std::str::from_utf8(lines.next()?.as_bytes()).ok()?;
        let (unit, range) = range.split_once('=')?;
        if lines.next().is_some() || !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (from, to) = range.trim().split_once('-')?;
        let end = self.at.first + self.len;
        let (from, until) = match (number(from), number(to)) {
            (Some(from), Some(to)) if to >= end && self.to_the_end() => (from, end),
            (Some(from), Some(to)) => (from, to.checked_add(1)?),
            (Some(from), None) if to.is_empty() && self.to_the_end() => (from, end),
            (None, Some(last)) if from.is_empty() && self.to_the_end() => {
                (end.checked_sub(last)?, end)
            }
            _ => return None,
        };
        let there = self.at.first <= from && from < until && until <= end;
        let at = ContentRange { first: from, last: until.checked_sub(1)?, whole: self.at.whole };
        let offset = from.checked_sub(self.at.first)? as usize;
        (there && range_allowed(asked, stored)).then_some((offset, at))
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Whether two parts are of one answer: both show the same strong validator (RFC 9110, section
/// 15.3.7.3).
pub fn combinable(one: &HeaderMap, other: &HeaderMap) -> bool {
    let tag = |headers| Validators::of(headers).etag;
    tag(one).zip(tag(other)).is_some_and(|(one, other)| one.same_strongly(&other))
}

/// Two parts that touch or overlap, as one; `None` if they do neither, or speak of wholes of
/// different lengths. Where both have a byte, it is the newer one's.
pub fn combine(
    (held_at, held): (ContentRange, &Bytes),
    (new_at, new): (ContentRange, &Bytes),
) -> Option<(ContentRange, Bytes)> {
    let fits = |at: ContentRange, bytes: &Bytes| bytes.len() as u64 == at.last - at.first + 1;
    let whole = match (held_at.whole, new_at.whole) {
        (Some(held), Some(new)) if held != new => return None,
        (held, new) => held.or(new),
    };
    let apart = held_at.last + 1 < new_at.first || new_at.last + 1 < held_at.first;
    if !fits(held_at, held) || !fits(new_at, new) || apart {
        return None;
    }
    let (first, last) = (held_at.first.min(new_at.first), held_at.last.max(new_at.last));
    let mut all = BytesMut::new();
    if held_at.first < new_at.first {
        all.extend_from_slice(&held[..(new_at.first - held_at.first) as usize]);
    }
    all.extend_from_slice(new);
    if held_at.last > new_at.last {
        let behind = new_at.last + 1 - held_at.first.min(new_at.last + 1);
        all.extend_from_slice(&held[behind as usize..]);
    }
    Some((ContentRange { first, last, whole }, all.freeze()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::examples::map;

    #[test]
    fn a_range_is_a_part_of_what_is_stored_whole() {
        // RFC 9110, section 14.2.
        let of = |asked: &[(&'static str, &'static str)], status| {
            portion(&map(asked), status, &map(&[("etag", "\"a\"")]), 11)
        };
        let ok = StatusCode::OK;
        assert_eq!(of(&[("range", "bytes=0-1")], ok), Portion::Part { from: 0, len: 2 });
        assert_eq!(of(&[("range", "bytes=1-")], ok), Portion::Part { from: 1, len: 10 });
        assert_eq!(of(&[("range", "bytes=-1")], ok), Portion::Part { from: 10, len: 1 });
        assert_eq!(of(&[("range", "bytes=11-")], ok), Portion::None);
        assert_eq!(of(&[("range", "bytes=0-1, 3-4")], ok), Portion::Whole);
        assert_eq!(of(&[("range", "bytes=0-1"), ("if-range", "\"b\"")], ok), Portion::Whole);
        assert_eq!(of(&[("range", "bytes=0-1")], StatusCode::NOT_FOUND), Portion::Whole);
    }

    #[test]
    fn where_a_part_lies_must_make_sense() {
        // RFC 9110, section 14.4.
        let at = |first, last, whole| Some(ContentRange { first, last, whole });
        assert_eq!(ContentRange::parse(b"bytes 4-9/10"), at(4, 9, Some(10)));
        assert_eq!(ContentRange::parse(b"Bytes 0-0/*"), at(0, 0, None));
        for bad in ["bytes 4-10/10", "bytes 5-4/10", "bytes */10", "lines 0-1/2", "bytes 0-1", ""] {
            assert_eq!(ContentRange::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(ContentRange { first: 4, last: 9, whole: Some(10) }.value(), "bytes 4-9/10");
    }

    #[test]
    fn parts_are_of_one_answer_only_by_a_strong_validator() {
        // RFC 9110, section 15.3.7.3.
        let strong = map(&[("etag", "\"a\"")]);
        let weak = map(&[("etag", "W/\"a\"")]);
        assert!(combinable(&strong, &strong));
        assert!(!combinable(&weak, &weak) && !combinable(&strong, &map(&[])));
    }

    proptest! {
        /// A part answers a range as the whole would, or not at all.
        #[test]
        fn a_part_answers_as_the_whole_does(
            first in 0_u64..20, len in 1_u64..20, range in "bytes=([0-9]{1,2})?-([0-9]{1,2})?",
        ) {
            let whole: Vec<u8> = (0..30).collect();
            let last = (first + len - 1).min(29);
            let at = ContentRange { first, last, whole: Some(30) };
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, at.value());
            let stretch = Stretch::of(StatusCode::PARTIAL_CONTENT, &headers, last - first + 1);
            let stretch = stretch.expect("a part");
            let mut asked = HeaderMap::new();
            asked.insert(header::RANGE, HeaderValue::try_from(range).expect("plain"));
            let expected = match portion(&asked, StatusCode::OK, &headers, 30) {
                Portion::Part { from, len } => Some(from..from + len),
                Portion::Whole | Portion::None => None,
            };
            let there = expected.filter(|range| first <= range.start && range.end <= last + 1);
            let got = stretch.answers(&asked, &headers);
            prop_assert_eq!(got.map(|(_, at)| at.first..at.last + 1), there);
            if let Some((offset, at)) = got {
                prop_assert_eq!(whole[first as usize..][offset], whole[at.first as usize]);
            }
        }

        /// RFC 9111, section 3.4.
        #[test]
        fn two_parts_make_the_part_that_both_cover(
            a in 0_u64..40, a_len in 1_u64..20, b in 0_u64..40, b_len in 1_u64..20,
        ) {
            let whole: Vec<u8> = (0..60).collect();
            let part = |from: u64, len: u64| {
                let at = ContentRange { first: from, last: from + len - 1, whole: Some(60) };
                (at, Bytes::copy_from_slice(&whole[from as usize..(from + len) as usize]))
            };
            let ((at_a, bytes_a), (at_b, bytes_b)) = (part(a, a_len), part(b, b_len));
            let touch = a <= b + b_len && b <= a + a_len;
            let both = combine((at_a, &bytes_a), (at_b, &bytes_b));
            prop_assert_eq!(both.is_some(), touch);
            if let Some((at, bytes)) = both {
                prop_assert_eq!(at.first, a.min(b));
                prop_assert_eq!(at.last, (a + a_len).max(b + b_len) - 1);
                prop_assert_eq!(&bytes[..], &whole[at.first as usize..=at.last as usize]);
            }
        }
    }
}
