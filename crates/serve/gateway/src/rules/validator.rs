//! Validators, and the conditions that are made of them (RFC 9110, sections 8.8 and 13; RFC 9111,
//! section 4.3).

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::list::members;
use super::{date, freshness};

/// What an answer can be told from others by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<EntityTag>,
    pub last_modified: Option<HeaderValue>,
}

/// An entity tag (RFC 9110, section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    pub weak: bool,
    /// With its quotes.
    opaque: Vec<u8>,
}

impl EntityTag {
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (weak, opaque) = match text.strip_prefix(b"W/") {
            Some(opaque) => (true, opaque),
            None => (false, text),
        };
        let inner = opaque.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let sound = opaque.len() > 1 && inner.iter().all(|b| *b > b' ' && *b != b'"' && *b != 0x7f);
        sound.then(|| Self { weak, opaque: opaque.to_vec() })
    }

    /// The same bytes (RFC 9110, section 8.8.3.2).
    pub fn same_strongly(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// As good as the same.
    pub fn same_weakly(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }

    /// As a field says it.
    pub fn value(&self) -> HeaderValue {
        let weak: &[u8] = if self.weak { b"W/" } else { b"" };
        HeaderValue::from_bytes(&[weak, &self.opaque].concat()).expect("it came from a value")
    }
}

impl Validators {
    pub fn of(headers: &HeaderMap) -> Self {
        let mut tags = headers.get_all(header::ETAG).iter();
        let etag = tags.next().and_then(|value| EntityTag::parse(value.as_bytes().trim_ascii()));
        Self {
            etag: etag.filter(|_| tags.next().is_none()),
            last_modified: headers.get(header::LAST_MODIFIED).cloned(),
        }
    }

    pub fn any(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// Asks whether this is still it (RFC 9111, section 4.3.1), instead of whatever the client asked.
    pub fn condition(&self, asking: &mut HeaderMap) {
        strip_conditions(asking);
        if let Some(etag) = &self.etag {
            asking.insert(header::IF_NONE_MATCH, etag.value());
        }
        if let Some(date) = &self.last_modified {
            asking.insert(header::IF_MODIFIED_SINCE, date.clone());
        }
    }

    /// Whether a "not modified" is about what has these validators. With a strong validator it says
    /// so; with a weak one, or none, it is about what was asked for (RFC 9111, section 4.3.4).
    pub fn confirmed_by(&self, not_modified: &HeaderMap) -> bool {
        match (&self.etag, Self::of(not_modified).etag) {
            (Some(held), Some(new)) => held.same_weakly(&new),
            _ => true,
        }
    }
}

/// Takes away every condition.
pub fn strip_conditions(asking: &mut HeaderMap) {
    for name in [
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
    ] {
        asking.remove(name);
    }
}

/// Whether a client's condition says that it holds this answer already: it is told 304.
///
/// `If-None-Match` goes before `If-Modified-Since` (RFC 9110, section 13.2.2). `stored_at`: when the
/// answer came, which stands for a last change that nobody states (RFC 9111, section 4.3.2).
pub fn not_modified(
    asked: &HeaderMap,
    status: StatusCode,
    answered: &HeaderMap,
    stored_at: u64,
) -> bool {
    if status != StatusCode::OK {
        return false;
    }
    if asked.contains_key(header::IF_NONE_MATCH) {
        let held = Validators::of(answered).etag;
        let same = |tag: &[u8]| {
            tag == b"*"
                || EntityTag::parse(tag)
                    .is_some_and(|tag| held.as_ref().is_some_and(|held| held.same_weakly(&tag)))
        };
        return members(asked, &header::IF_NONE_MATCH).any(same);
    }
    let Some(since) = asked.get(header::IF_MODIFIED_SINCE) else { return false };
    let Some(since) = date::parse(since.as_bytes(), stored_at) else { return false };
    let changed = answered.get(header::LAST_MODIFIED);
    let changed = changed.and_then(|value| date::parse(value.as_bytes(), stored_at));
    let changed = changed.or_else(|| freshness::date_of(answered, stored_at)).unwrap_or(stored_at);
    changed <= since
}

/// Whether `If-Range` lets a part of this answer be sent: it is not there, or names exactly this
/// answer (RFC 9110, section 13.1.5).
pub fn range_allowed(asked: &HeaderMap, answered: &HeaderMap) -> bool {
    let Some(condition) = asked.get(header::IF_RANGE) else { return true };
    let held = Validators::of(answered);
    match EntityTag::parse(condition.as_bytes()) {
        Some(tag) => held.etag.is_some_and(|held| held.same_strongly(&tag)),
        // A date is a weak validator, unless it lies well before the answer's own.
        None => {
            let exact = held.last_modified.as_ref() == Some(condition);
            let at = |value: Option<&HeaderValue>| date::parse(value?.as_bytes(), 0);
            let (changed, date) = (at(Some(condition)), at(answered.get(header::DATE)));
            exact && changed.zip(date).is_some_and(|(changed, date)| changed + 60 <= date)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::examples::map;

    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEW: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    #[test]
    fn weak_tags_are_the_same_only_weakly() {
        // RFC 9110, section 8.8.3.2.
        let tag = |text: &str| EntityTag::parse(text.as_bytes()).expect("a tag");
        assert!(tag("\"1\"").same_strongly(&tag("\"1\"")));
        assert!(!tag("W/\"1\"").same_strongly(&tag("W/\"1\"")));
        assert!(tag("W/\"1\"").same_weakly(&tag("\"1\"")));
        assert!(!tag("W/\"1\"").same_weakly(&tag("W/\"2\"")));
        assert_eq!(tag("W/\"1\"").value(), "W/\"1\"");
        for bad in ["", "abc", "\"", "w/\"a\"", "W\\\"a\"", "\"a b\"", "\"a\"b\"", "W/"] {
            assert!(EntityTag::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn if_none_match_goes_before_if_modified_since() {
        // RFC 9110, section 13.2.2.
        let held = map(&[("etag", "\"abcdef\""), ("last-modified", NEW)]);
        let told = |asked: &[(&'static str, &'static str)]| {
            not_modified(&map(asked), StatusCode::OK, &held, 0)
        };
        assert!(told(&[("if-none-match", "\"abcdef\""), ("if-modified-since", OLD)]));
        assert!(!told(&[("if-none-match", "\"other\""), ("if-modified-since", NEW)]));
        for matches in [
            "W/\"abcdef\"",
            "\"a\", \"abcdef\"",
            "\"abcdef\", \"a\"",
            "*",
            "\"a\",\"abcdef\",\"b\"",
        ] {
            assert!(told(&[("if-none-match", matches)]), "{matches}");
        }
        assert!(!told(&[("if-none-match", "abcdef")]), "no tag");
        assert!(!told(&[]));
        assert!(!not_modified(&map(&[("if-none-match", "*")]), StatusCode::NOT_FOUND, &held, 0));
    }

    #[test]
    fn if_modified_since_asks_for_the_last_change_or_the_date() {
        // RFC 9111, section 4.3.2.
        let told = |asked: &'static str, held: &[(&'static str, &'static str)], stored_at| {
            not_modified(
                &map(&[("if-modified-since", asked)]),
                StatusCode::OK,
                &map(held),
                stored_at,
            )
        };
        assert!(told(NEW, &[("last-modified", NEW)], 0));
        assert!(told(NEW, &[("last-modified", OLD)], 0));
        assert!(!told(OLD, &[("last-modified", NEW)], 0));
        assert!(told("Monday, 07-Nov-94 08:49:37 GMT", &[("last-modified", OLD)], 784_111_777));
        assert!(told(NEW, &[("date", OLD)], 0));
        assert!(!told(OLD, &[("date", NEW)], 0));
        assert!(told(OLD, &[], 784_111_777) && !told(OLD, &[], 784_111_778));
        assert!(!told("yesterday", &[("last-modified", OLD)], 0));
    }

    #[test]
    fn we_ask_with_our_validators_instead_of_the_clients() {
        // RFC 9111, section 4.3.1.
        let held = Validators::of(&map(&[("etag", "W/\"abc\""), ("last-modified", OLD)]));
        let mut asking = map(&[("if-none-match", "\"x\""), ("if-range", "\"x\""), ("a", "b")]);
        held.condition(&mut asking);
        let expected =
            map(&[("a", "b"), ("if-none-match", "W/\"abc\""), ("if-modified-since", OLD)]);
        assert_eq!(asking, expected);
        assert!(!Validators::of(&map(&[("etag", "no quotes")])).any());
    }

    #[test]
    fn a_304_about_something_else_confirms_nothing() {
        // RFC 9111, section 4.3.4.
        let held = Validators::of(&map(&[("etag", "\"a\"")]));
        assert!(held.confirmed_by(&map(&[("etag", "\"a\"")])));
        assert!(held.confirmed_by(&map(&[])));
        assert!(!held.confirmed_by(&map(&[("etag", "\"b\"")])));
    }

    #[test]
    fn if_range_lets_only_exactly_this_answer_be_sent_in_part() {
        // RFC 9110, section 13.1.5.
        let held = map(&[("etag", "\"a\""), ("last-modified", OLD), ("date", NEW)]);
        let allowed = |condition| range_allowed(&map(&[("if-range", condition)]), &held);
        assert!(allowed("\"a\"") && allowed(OLD));
        assert!(!allowed("\"b\"") && !allowed("W/\"a\"") && !allowed(NEW) && !allowed("x"));
        assert!(range_allowed(&map(&[]), &held));
        let weak = map(&[("etag", "W/\"a\"")]);
        assert!(!range_allowed(&map(&[("if-range", "W/\"a\"")]), &weak));
    }
}
