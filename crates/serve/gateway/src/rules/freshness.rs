//! How long an answer is fresh, and how old it is (RFC 9111, sections 4.2.1 to 4.2.3).

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::directives::{SECONDS_MAX, seconds};
use super::list::members;
use super::{Directives, date};

/// Share of the time since the last change that an answer without explicit freshness is taken for
/// fresh, where a route asks for that (RFC 9111, section 4.2.2).
const HEURISTIC_PART: u64 = 10;
/// The longest such time.
const HEURISTIC_MAX: u64 = 24 * 60 * 60;

/// How long an answer is fresh, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// By `s-maxage`, `max-age` or `Expires`.
    Explicit(u64),
    /// Nobody says so, but it was not changed for long.
    Heuristic(u64),
    Unknown,
}

impl Lifetime {
    pub fn seconds(self) -> u64 {
        match self {
            Self::Explicit(seconds) | Self::Heuristic(seconds) => seconds,
            Self::Unknown => 0,
        }
    }
}

/// The freshness lifetime of an answer that came at `now`, in seconds since the UNIX epoch.
///
/// `s-maxage` goes before `max-age`, that before `Expires`; with directives addressed to caches like
/// this one, `Expires` does not count (RFC 9213, section 2.2).
pub fn lifetime(status: StatusCode, headers: &HeaderMap, now: u64, heuristics: bool) -> Lifetime {
    let (directives, targeted) = Directives::effective(headers);
    if let Some(seconds) = directives.s_maxage.or(directives.max_age) {
        return Lifetime::Explicit(seconds);
    }
    let date = date_of(headers, now).unwrap_or(now);
    if !targeted && headers.contains_key(header::EXPIRES) {
        return Lifetime::Explicit(expires(headers, now).map_or(0, |at| at.saturating_sub(date)));
    }
    let allowed = heuristics && (heuristic_by_status(status) || directives.public);
    let changed = single(headers, &header::LAST_MODIFIED).and_then(|text| date::parse(text, now));
    match changed.filter(|_| allowed) {
        Some(changed) => {
            let unchanged = date.saturating_sub(changed);
            Lifetime::Heuristic((unchanged / HEURISTIC_PART).min(HEURISTIC_MAX))
        }
        None => Lifetime::Unknown,
    }
}

/// Statuses that are fresh by heuristics where nothing forbids it (RFC 9110, section 15.1).
pub(crate) fn heuristic_by_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// When it expires; `None` if the field makes no sense: then it has (RFC 9111, section 5.3).
fn expires(headers: &HeaderMap, now: u64) -> Option<u64> {
    date::parse(single(headers, &header::EXPIRES)?, now)
}

pub(crate) fn date_of(headers: &HeaderMap, now: u64) -> Option<u64> {
    date::parse(single(headers, &header::DATE)?, now)
}

/// The one line of a field.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?.as_bytes();
    lines.next().is_none().then_some(first)
}

/// `Age` in seconds: the first of its members, if that makes sense (RFC 9111, section 5.1).
pub fn age_of(headers: &HeaderMap) -> Option<u64> {
    members(headers, &header::AGE).next().and_then(seconds)
}

/// How old an answer was when its question was sent, so that adding the time since gives its current
/// age. Both of the standard's ways count (RFC 9111, section 4.2.3): what `Age` says and all the time
/// the answer took, or how far `Date` lies back, whichever is more.
pub fn initial_age(headers: &HeaderMap, now: u64, took: Duration) -> Duration {
    let said = Duration::from_secs(age_of(headers).unwrap_or(0));
    let apparent = date_of(headers, now).map_or(0, |date| now.saturating_sub(date));
    // Clocks tell whole seconds: less than one says nothing.
    let apparent = Duration::from_secs(apparent.saturating_sub(1).min(SECONDS_MAX));
    said.max(apparent.saturating_sub(took))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: u64 = 1_795_500_000;

    fn headers(lines: &[(&'static str, String)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, String)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        lines.iter().map(line).collect()
    }

    fn fresh(lines: &[(&'static str, String)]) -> u64 {
        lifetime(StatusCode::OK, &headers(lines), NOW, false).seconds()
    }

    fn at(delta: i64) -> String {
        date::write(NOW.saturating_add_signed(delta))
    }

    #[test]
    fn s_maxage_then_max_age_then_expires() {
        // RFC 9111, section 4.2.1.
        let cc = |text: &str| ("cache-control", text.to_owned());
        assert_eq!(fresh(&[cc("max-age=3600, s-maxage=1")]), 1);
        assert_eq!(fresh(&[cc("s-maxage=1, max-age=3600")]), 1);
        assert_eq!(fresh(&[cc("max-age=1, s-maxage=3600"), ("expires", at(-9))]), 3600);
        assert_eq!(fresh(&[cc("max-age=0"), ("expires", at(9000))]), 0);
        assert_eq!(fresh(&[("expires", at(10)), ("date", at(0))]), 10);
        assert_eq!(fresh(&[("expires", at(10)), ("date", at(-20))]), 30);
        assert_eq!(fresh(&[("expires", at(10)), ("date", "not a date".into())]), 10);
        assert_eq!(fresh(&[("expires", at(0)), ("date", at(0))]), 0);
        assert_eq!(fresh(&[("expires", at(-10))]), 0);
    }

    #[test]
    fn expires_that_makes_no_sense_has_expired() {
        // RFC 9111, section 5.3.
        for bad in ["0", "", "-1", "Thu, 18 Aug 2050 02:01:18 UTC"] {
            assert_eq!(fresh(&[("expires", bad.into())]), 0, "{bad}");
        }
        assert_eq!(fresh(&[("expires", at(9)), ("expires", at(10))]), 0, "two lines are none");
    }

    #[test]
    fn nothing_is_fresh_by_heuristics_unless_asked_for() {
        // RFC 9111, section 4.2.2.
        let old = headers(&[("last-modified", at(-100_000)), ("date", at(0))]);
        let of = |status: u16, heuristics| {
            lifetime(StatusCode::from_u16(status).expect("a status"), &old, NOW, heuristics)
        };
        assert_eq!(of(200, false), Lifetime::Unknown);
        assert_eq!(of(200, true), Lifetime::Heuristic(10_000));
        for no in [201, 202, 403, 502, 503, 504, 599] {
            assert_eq!(of(no, true), Lifetime::Unknown, "{no}");
        }
        for yes in [203, 204, 404, 405, 410, 414, 501] {
            assert_eq!(of(yes, true), Lifetime::Heuristic(10_000), "{yes}");
        }
    }

    #[test]
    fn what_is_addressed_to_us_silences_expires() {
        // RFC 9213, section 2.2.
        let cdn = |text: &str| ("cdn-cache-control", text.to_owned());
        assert_eq!(fresh(&[cdn("max-age=3600"), ("expires", at(-10_000))]), 3600);
        assert_eq!(fresh(&[cdn("max-age=0"), ("expires", at(10_000))]), 0);
        assert_eq!(fresh(&[cdn("public"), ("expires", at(10_000))]), 0);
    }

    #[test]
    fn of_age_the_first_member_counts_if_it_is_a_number() {
        // RFC 9111, section 5.1.
        let age = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("age", (*line).to_owned())).collect();
            age_of(&headers(&lines))
        };
        for (lines, expected) in [
            (&["7200"][..], Some(7200)),
            (&["7200, 0"], Some(7200)),
            (&["0, 7200"], Some(0)),
            (&["7200", "0"], Some(7200)),
            (&["0", "7200"], Some(0)),
            (&["2147483649"], Some(SECONDS_MAX)),
            (&["abc"], None),
            (&["-7200"], None),
            (&["7200.0"], None),
            (&["7200;foo=bar"], None),
        ] {
            assert_eq!(age(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn age_is_what_is_said_or_how_far_the_date_lies_back() {
        // RFC 9111, section 4.2.3.
        let took = Duration::from_secs(5);
        let age =
            |lines: &[(&'static str, String)]| initial_age(&headers(lines), NOW, took).as_secs();
        assert_eq!(age(&[("age", "30".into())]), 30);
        assert_eq!(age(&[("date", at(-106))]), 100);
        assert_eq!(age(&[("age", "500".into()), ("date", at(-106))]), 500);
        assert_eq!(age(&[("date", at(50))]), 0, "a fast clock makes nobody younger");
        assert_eq!(age(&[]), 0);
    }
}
