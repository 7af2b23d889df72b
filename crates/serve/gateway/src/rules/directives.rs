//! `Cache-Control` as a response says it (RFC 9111, section 5.2.2). What cannot be read means the
//! strictest that it could.

use http::{HeaderMap, HeaderName, header};

use super::list::{self, members, unquoted};

/// Seconds, as caches count them: what is larger than this is this (RFC 9111, section 1.2.2).
pub const SECONDS_MAX: u64 = 1 << 31;

/// What a response lets a shared cache do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    pub no_store: bool,
    pub no_cache: Option<Fields>,
    pub private: Option<Fields>,
    pub public: bool,
    pub must_revalidate: bool,
    pub proxy_revalidate: bool,
    pub must_understand: bool,
    pub max_age: Option<u64>,
    pub s_maxage: Option<u64>,
    pub stale_while_revalidate: Option<u64>,
    pub stale_if_error: Option<u64>,
}

/// What a directive is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// The whole response.
    All,
    /// These fields of it.
    Only(Vec<HeaderName>),
}

impl Directives {
    /// What `Cache-Control` says, over all of its lines.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        for member in members(headers, &header::CACHE_CONTROL) {
            said.add(member);
        }
        said
    }

    fn add(&mut self, member: &[u8]) {
        let (name, value) = pair(member);
        let seconds = || value.and_then(|value| seconds(&unquoted(value)?)).unwrap_or(0);
        match name.as_str() {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = Some(fields(self.no_cache.take(), value)),
            "private" => self.private = Some(fields(self.private.take(), value)),
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "max-age" => least(&mut self.max_age, seconds()),
            "s-maxage" => least(&mut self.s_maxage, seconds()),
            "stale-while-revalidate" => least(&mut self.stale_while_revalidate, seconds()),
            "stale-if-error" => least(&mut self.stale_if_error, seconds()),
            _ => {}
        }
        // A string that does not end may have swallowed anything.
        if value.is_some_and(|value| value.starts_with(b"\"") && unquoted(value).is_none()) {
            self.no_cache = Some(Fields::All);
        }
    }

    /// Whether a stored response must be validated before each use.
    pub fn always_validate(&self) -> bool {
        self.no_cache == Some(Fields::All)
    }

    /// Whether a stale response may not be used without validation, whatever else says so: by
    /// `must-revalidate`, and for shared caches by `proxy-revalidate` and `s-maxage` (RFC 9111,
    /// sections 5.2.2.2, 5.2.2.8 and 5.2.2.10).
    pub fn never_stale(&self) -> bool {
        let shared = self.proxy_revalidate || self.s_maxage.is_some();
        self.must_revalidate || shared || self.always_validate()
    }
}

/// A directive's name in lower case, and its value. White space around `=` is not allowed; it is
/// read all the same, so that a value cannot hide behind it, and then makes no sense.
pub(crate) fn pair(member: &[u8]) -> (String, Option<&[u8]>) {
    let (name, value) = match member.iter().position(|byte| *byte == b'=') {
        Some(at) => (&member[..at], Some(&member[at + 1..])),
        None => (member, None),
    };
    let exact = name.trim_ascii();
    let value = value.map(|value| if exact.len() < name.len() { b" " } else { value });
    (String::from_utf8_lossy(exact).to_ascii_lowercase(), value)
}

/// Digits and nothing else (RFC 9111, section 1.2.2).
pub(crate) fn seconds(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = |so_far: u64, digit: &u8| (so_far * 10 + u64::from(digit - b'0')).min(SECONDS_MAX);
    Some(text.iter().fold(0, value))
}

fn least(held: &mut Option<u64>, new: u64) {
    *held = Some(held.map_or(new, |held| held.min(new)));
}

/// Said twice, it is about what either is about; a list that cannot be read is about everything.
fn fields(before: Option<Fields>, value: Option<&[u8]>) -> Fields {
    let named = value.and_then(unquoted).and_then(|text| {
        let names = list::split(&text).map(HeaderName::from_bytes);
        names.collect::<Result<Vec<_>, _>>().ok()
    });
    match (before, named) {
        (Some(Fields::All), _) | (_, None) => Fields::All,
        (_, Some(names)) if names.is_empty() => Fields::All,
        (None, Some(names)) => Fields::Only(names),
        (Some(Fields::Only(mut before)), Some(names)) => {
            before.extend(names);
            Fields::Only(before)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(lines: &[&str]) -> Directives {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_str(line).expect("a value"));
        }
        Directives::of(&headers)
    }

    fn max_age(line: &str) -> Option<u64> {
        of(&[line]).max_age
    }

    #[test]
    fn seconds_are_digits_and_saturate() {
        // RFC 9111, section 1.2.2.
        for (line, expected) in [
            ("max-age=3600", Some(3600)),
            ("MaX-AgE=3600", Some(3600)),
            ("max-age=003600", Some(3600)),
            ("max-age=\"3600\"", Some(3600)),
            ("max-age=2147483649", Some(SECONDS_MAX)),
            ("max-age=99999999999999999999999999", Some(SECONDS_MAX)),
            ("max-age=-1", Some(0)),
            ("max-age='3600'", Some(0)),
            ("max-age=3600.0", Some(0)),
            ("max-age=a100", Some(0)),
            ("max-age=100a", Some(0)),
            ("max-age =100", Some(0)),
            ("max-age= 100", Some(0)),
            ("max-age", Some(0)),
            ("foobar, max-age=7", Some(7)),
            ("public", None),
        ] {
            assert_eq!(max_age(line), expected, "{line}");
        }
    }

    #[test]
    fn of_a_directive_said_twice_the_strictest_holds() {
        // RFC 9111, section 4.2.1: the first, or stale; never more than either.
        assert_eq!(max_age("max-age=1800, max-age=1"), Some(1));
        assert_eq!(max_age("max-age=1, max-age=1800"), Some(1));
        assert_eq!(of(&["max-age=1800", "max-age=1"]).max_age, Some(1));
        let only = |names: &[&'static str]| {
            Fields::Only(names.iter().map(|name| HeaderName::from_static(name)).collect())
        };
        assert_eq!(of(&["private=\"a, b\"", "private=c"]).private, Some(only(&["a", "b", "c"])));
        assert_eq!(of(&["private=\"a\", private"]).private, Some(Fields::All));
    }

    #[test]
    fn what_stands_in_quotes_is_no_directive_of_its_own() {
        // RFC 9111, section 5.2: an argument can be a quoted string.
        assert_eq!(max_age("extension=\"max-age=100\", max-age=1"), Some(1));
        assert_eq!(max_age("max-age=1, extension=\"max-age=100\""), Some(1));
        assert!(!of(&["x=\"no-store\""]).no_store);
        assert!(of(&["max-age=9, x=\"no-store"]).always_validate(), "it never ends");
    }

    #[test]
    fn no_cache_of_some_fields_is_about_these_only() {
        // RFC 9111, section 5.2.2.4.
        assert!(of(&["no-cache"]).always_validate());
        assert!(of(&["No-CaChE"]).always_validate());
        assert!(!of(&["no-cache=\"set-cookie\""]).always_validate());
        assert!(of(&["no-cache=\"set cookie\""]).always_validate(), "no such names");
        assert!(of(&["no-cache=\"\""]).always_validate());
    }

    #[test]
    fn some_directives_forbid_stale_answers() {
        for forbids in ["must-revalidate", "proxy-revalidate", "s-maxage=2", "no-cache"] {
            assert!(of(&[forbids]).never_stale(), "{forbids}");
        }
        assert!(!of(&["max-age=2, public"]).never_stale());
    }
}
