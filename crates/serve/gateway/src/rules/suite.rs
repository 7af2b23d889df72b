//! The cases of the public caching suite (<https://cache-tests.fyi>) that rules alone decide, by their
//! names there: an answer comes, time passes, and the same is asked for again.
//!
//! Dates are written `@-10`: ten seconds before the first answer came.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;

const NOW: u64 = 1_795_500_000;

/// What becomes of the second request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Answered from what is stored.
    Reused,
    /// The site is asked; what is stored, if anything, cannot be told from others.
    Asked,
    /// The site is asked whether what is stored is still it.
    Validated,
}
use Then::{Asked, Reused, Validated};

/// Name, section of the standard, request, status, answer, seconds passed, second request, outcome.
type Row = (&'static str, &'static str, &'static str, u16, &'static str, u64, &'static str, Then);

fn headers(text: &str) -> HeaderMap {
    let line = |line: &str| {
        let (name, value) = line.split_once(':').expect("a colon");
        let value = match value.trim().strip_prefix('@') {
            Some(delta) => date::write(NOW.saturating_add_signed(delta.parse().expect("seconds"))),
            None => value.trim().to_owned(),
        };
        let name = HeaderName::from_bytes(name.trim().as_bytes()).expect("a name");
        (name, HeaderValue::from_str(&value).expect("a value"))
    };
    text.split(" | ").filter(|text| !text.is_empty()).map(line).collect()
}

fn play((_, _, asked, status, answered, passed, again, _): &Row) -> Then {
    let (asked, answered, again) = (headers(asked), headers(answered), headers(again));
    let status = StatusCode::from_u16(*status).expect("a status");
    if storable(&Method::GET, &asked, status, &answered, NOW, false).is_err() {
        return Asked;
    }
    match Vary::of(&answered) {
        Vary::Nothing => {}
        Vary::By(names) if selection(&names, &asked) == selection(&names, &again) => {}
        Vary::By(_) | Vary::Star => return Asked,
    }
    let (directives, _) = Directives::effective(&answered);
    let lifetime = lifetime(status, &answered, NOW, false).seconds();
    let age = initial_age(&answered, NOW, Duration::ZERO) + Duration::from_secs(*passed);
    let standing = Standing { directives: &directives, lifetime, age };
    match standing.judge(&Wants::of(&again)) {
        Verdict::Validate if Validators::of(&answered).any() => Validated,
        Verdict::Validate => Asked,
        _ => Reused,
    }
}

#[test]
fn every_case_ends_as_the_suite_demands() {
    let wrong = |row: &&Row| play(row) != row.7;
    let wrong: Vec<_> = ROWS.iter().filter(wrong).map(|row| (row.0, row.1, play(row))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_case_stands_here_twice() {
    let mut names: Vec<_> = ROWS.iter().map(|row| row.0).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Explicit freshness: RFC 9111, sections 4.2, 4.2.1 and 5.2.2.
    ("freshness-none", "4.2", "", 200, "", 0, "", Asked),
    ("freshness-max-age", "5.2.2.1", "", 200, "Cache-Control: max-age=3600", 3, "", Reused),
    ("freshness-max-age-stale", "5.2.2.1", "", 200, "Cache-Control: max-age=2", 3, "", Asked),
    ("freshness-max-age-0", "5.2.2.1", "", 200, "Cache-Control: max-age=0", 3, "", Asked),
    ("freshness-max-age-max-minus-1", "1.2.2", "", 200, "Cache-Control: max-age=2147483647", 3, "", Reused),
    ("freshness-max-age-max", "1.2.2", "", 200, "Cache-Control: max-age=2147483648", 3, "", Reused),
    ("freshness-max-age-max-plus-1", "1.2.2", "", 200, "Cache-Control: max-age=2147483649", 3, "", Reused),
    ("freshness-max-age-max-plus", "1.2.2", "", 200, "Cache-Control: max-age=99999999999", 3, "", Reused),
    ("freshness-max-age-age", "4.2.3", "", 200, "Cache-Control: max-age=3600 | Age: 12000", 3, "", Asked),
    ("freshness-max-age-date", "4.2.3", "", 200, "Cache-Control: max-age=3600 | Date: @-7200", 3, "", Asked),
    ("freshness-max-age-expires", "5.3", "", 200, "Cache-Control: max-age=3600 | Expires: @-7200 | Date: @0", 3, "", Reused),
    ("freshness-max-age-expires-invalid", "5.3", "", 200, "Cache-Control: max-age=3600 | Expires: 0 | Date: @0", 3, "", Reused),
    ("freshness-max-age-0-expires", "5.3", "", 200, "Cache-Control: max-age=0 | Expires: @7200 | Date: @0", 3, "", Asked),
    ("freshness-max-age-extension", "5.2.3", "", 200, "Cache-Control: foobar, max-age=3600", 3, "", Reused),
    ("freshness-max-age-case-insenstive", "5.2", "", 200, "Cache-Control: MaX-AgE=3600", 3, "", Reused),
    ("freshness-max-age-negative", "1.2.2", "", 200, "Cache-Control: max-age=-3600", 3, "", Asked),
    ("freshness-s-maxage-shared", "5.2.2.10", "", 200, "Cache-Control: s-maxage=3600", 3, "", Reused),
    ("freshness-max-age-s-maxage-shared-longer", "4.2.1", "", 200, "Cache-Control: max-age=3600, s-maxage=1", 3, "", Asked),
    ("freshness-max-age-s-maxage-shared-longer-reversed", "4.2.1", "", 200, "Cache-Control: s-maxage=1, max-age=3600", 3, "", Asked),
    ("freshness-max-age-s-maxage-shared-longer-multiple", "4.2.1", "", 200, "Cache-Control: max-age=3600 | Cache-Control: s-maxage=1", 3, "", Asked),
    ("freshness-max-age-s-maxage-shared-shorter", "4.2.1", "", 200, "Cache-Control: max-age=1, s-maxage=3600", 3, "", Reused),
    ("freshness-max-age-s-maxage-shared-shorter-expires", "4.2.1", "", 200, "Cache-Control: max-age=0, s-maxage=3600 | Expires: @-7200", 3, "", Reused),
    // Reading directives: RFC 9111, section 5.2.
    ("freshness-max-age-ignore-quoted", "5.2", "", 200, "Cache-Control: extension=\"max-age=3600\", max-age=1", 3, "", Asked),
    ("freshness-max-age-ignore-quoted-rev", "5.2", "", 200, "Cache-Control: max-age=1, extension=\"max-age=3600\"", 3, "", Asked),
    ("freshness-max-age-leading-zero", "1.2.2", "", 200, "Cache-Control: max-age=003600", 3, "", Reused),
    ("freshness-max-age-single-quoted", "5.2", "", 200, "Cache-Control: max-age='3600'", 3, "", Asked),
    ("freshness-max-age-quoted", "5.2", "", 200, "Cache-Control: max-age=\"3600\"", 3, "", Reused),
    ("freshness-max-age-two-fresh-stale-sameline", "4.2.1", "", 200, "Cache-Control: max-age=1800, max-age=1", 3, "", Asked),
    ("freshness-max-age-two-stale-fresh-sepline", "4.2.1", "", 200, "Cache-Control: max-age=1 | Cache-Control: max-age=1800", 3, "", Asked),
    ("freshness-max-age-space-before-equals", "5.2", "", 200, "Cache-Control: max-age =3600", 3, "", Asked),
    ("freshness-max-age-decimal-zero", "1.2.2", "", 200, "Cache-Control: max-age=3600.0", 3, "", Asked),
    ("freshness-max-age-a100", "1.2.2", "", 200, "Cache-Control: max-age=a3600", 3, "", Asked),
    // Age: RFC 9111, section 5.1.
    ("age-parse-nonnumeric", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: abc", 0, "", Reused),
    ("age-parse-negative", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: -7200", 0, "", Reused),
    ("age-parse-float", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 7200.0", 0, "", Reused),
    ("age-parse-large-minus-one", "1.2.2", "", 200, "Cache-Control: max-age=3600 | Age: 2147483647", 0, "", Asked),
    ("age-parse-large", "1.2.2", "", 200, "Cache-Control: max-age=3600 | Age: 2147483648", 0, "", Asked),
    ("age-parse-larger", "1.2.2", "", 200, "Cache-Control: max-age=3600 | Age: 2147483649", 0, "", Asked),
    ("age-parse-suffix", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 7200, 0", 0, "", Asked),
    ("age-parse-prefix", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 0, 7200", 0, "", Reused),
    ("age-parse-suffix-twoline", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 7200 | Age: 0", 0, "", Asked),
    ("age-parse-prefix-twoline", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 0 | Age: 7200", 0, "", Reused),
    ("age-parse-dup-0", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 0, 0", 0, "", Reused),
    ("age-parse-dup-0-twoline", "5.1", "", 200, "Cache-Control: max-age=3600 | Age: 0 | Age: 0", 0, "", Reused),
    ("age-parse-dup-old", "5.1", "", 200, "Cache-Control: max-age=10000 | Age: 3600 | Age: 3600", 0, "", Reused),
    // Expires: RFC 9111, section 5.3, and dates: RFC 9110, section 5.6.7.
    ("freshness-expires-future", "5.3", "", 200, "Expires: @2592000 | Date: @0", 3, "", Reused),
    ("freshness-expires-past", "5.3", "", 200, "Expires: @-2592000 | Date: @0", 3, "", Asked),
    ("freshness-expires-present", "5.3", "", 200, "Expires: @0 | Date: @0", 3, "", Asked),
    ("freshness-expires-old-date", "4.2.1", "", 200, "Expires: @1800 | Date: @3600", 3, "", Asked),
    ("freshness-expires-invalid", "5.3", "", 200, "Expires: 0 | Date: @0", 3, "", Asked),
    ("freshness-expires-invalid-date", "5.3", "", 200, "Expires: @600 | Date: foo", 3, "", Reused),
    ("freshness-expires-age-slow-date", "4.2.3", "", 200, "Date: @-10 | Expires: @10 | Age: 25", 0, "", Asked),
    ("freshness-expires-age-fast-date", "4.2.3", "", 200, "Date: @10 | Expires: @20 | Age: 15", 0, "", Asked),
    ("freshness-expires-32bit", "5.3", "", 200, "Expires: Tue, 19 Jan 2038 14:14:08 GMT", 3, "", Reused),
    ("freshness-expires-far-future", "5.3", "", 200, "Expires: Sun, 21 Nov 2286 04:46:39 GMT", 3, "", Reused),
    ("freshness-expires-rfc850", "5.6.7", "", 200, "Expires: Thursday, 18-Aug-50 02:01:18 GMT", 3, "", Reused),
    ("freshness-expires-ansi-c", "5.6.7", "", 200, "Expires: Thu Aug 18 02:01:18 2050", 3, "", Reused),
    ("freshness-expires-wrong-case-weekday", "5.6.7", "", 200, "Expires: THU, 18 Aug 2050 02:01:18 GMT", 3, "", Reused),
    ("freshness-expires-wrong-case-month", "5.6.7", "", 200, "Expires: Thu, 18 AUG 2050 02:01:18 GMT", 3, "", Reused),
    ("freshness-expires-wrong-case-tz", "5.6.7", "", 200, "Expires: Thu, 18 Aug 2050 02:01:18 gMT", 3, "", Reused),
    ("freshness-expires-invalid-utc", "5.6.7", "", 200, "Expires: Thu, 18 Aug 2050 02:01:18 UTC", 3, "", Asked),
    ("freshness-expires-invalid-aest", "5.6.7", "", 200, "Expires: Thu, 18 Aug 2050 02:01:18 AEST", 3, "", Asked),
    ("freshness-expires-invalid-2-digit-year", "5.6.7", "", 200, "Expires: Thu, 18 Aug 50 02:01:18 GMT", 3, "", Asked),
    ("freshness-expires-invalid-no-comma", "5.6.7", "", 200, "Expires: Thu 18 Aug 2050 02:01:18 GMT", 3, "", Asked),
    ("freshness-expires-invalid-multiple-spaces", "5.6.7", "", 200, "Expires: Thu, 18  Aug  2050 02:01:18 GMT", 3, "", Asked),
    ("freshness-expires-invalid-date-dashes", "5.6.7", "", 200, "Expires: Thu, 18-Aug-2050 02:01:18 GMT", 3, "", Asked),
    ("freshness-expires-invalid-time-periods", "5.6.7", "", 200, "Expires: Thu, 18 Aug 2050 02.01.18 GMT", 3, "", Asked),
    ("freshness-expires-invalid-1-digit-hour", "5.6.7", "", 200, "Expires: Thu, 18 Aug 2050 2:01:18 GMT", 3, "", Asked),
    ("freshness-expires-invalid-multiple-lines", "5.3", "", 200, "Expires: Thu, 18 Aug 2050 2:01:18 GMT | Expires: Thu, 18 Aug 2050 2:01:19 GMT", 3, "", Asked),
    // Directives of answers: RFC 9111, section 5.2.2.
    ("cc-resp-private-shared", "5.2.2.7", "", 200, "Cache-Control: private, max-age=10000", 3, "", Asked),
    ("cc-resp-no-store", "5.2.2.5", "", 200, "Cache-Control: no-store", 3, "", Asked),
    ("cc-resp-no-store-case-insensitive", "5.2.2.5", "", 200, "Cache-Control: No-StOrE, max-age=9", 3, "", Asked),
    ("cc-resp-no-store-fresh", "5.2.2.5", "", 200, "Cache-Control: max-age=10000, no-store | Expires: @10000", 3, "", Asked),
    ("cc-resp-no-cache", "5.2.2.4", "", 200, "Cache-Control: no-cache, max-age=10000 | Expires: @10000", 3, "", Asked),
    ("cc-resp-no-cache-case-insensitive", "5.2.2.4", "", 200, "Cache-Control: No-CaChE, max-age=10000", 3, "", Asked),
    ("cc-resp-no-cache-revalidate", "5.2.2.4", "", 200, "Cache-Control: no-cache | ETag: \"a\"", 3, "", Validated),
    ("cc-resp-no-cache-revalidate-fresh", "5.2.2.4", "", 200, "Cache-Control: max-age=10000, no-cache | ETag: \"a\"", 3, "", Validated),
    ("cc-resp-must-revalidate-fresh", "5.2.2.2", "", 200, "Cache-Control: max-age=10000, must-revalidate", 3, "", Reused),
    ("cc-resp-must-revalidate-stale", "5.2.2.2", "", 200, "Cache-Control: max-age=2, must-revalidate | ETag: \"a\"", 3, "", Validated),
    ("stale-while-revalidate", "RFC 5861, 3", "", 200, "Cache-Control: max-age=1, stale-while-revalidate=3600 | ETag: \"a\"", 3, "", Reused),
    ("stale-while-revalidate-window", "RFC 5861, 3", "", 200, "Cache-Control: max-age=1, stale-while-revalidate=4 | ETag: \"a\"", 6, "", Validated),
    // Status codes: RFC 9111, section 3; nothing by heuristics, which nobody asked for: 4.2.2.
    ("heuristic-201-not_cached", "4.2.2", "", 201, "Last-Modified: @-100000 | Date: @0", 3, "", Asked),
    ("heuristic-403-not_cached", "4.2.2", "", 403, "Last-Modified: @-100000 | Date: @0", 3, "", Asked),
    ("heuristic-502-not_cached", "4.2.2", "", 502, "Last-Modified: @-100000 | Date: @0", 3, "", Asked),
    ("heuristic-599-not_cached", "4.2.2", "", 599, "Last-Modified: @-100000 | Date: @0", 3, "", Asked),
    ("status-299-fresh", "3", "", 299, "Cache-Control: max-age=3600", 3, "", Reused),
    ("status-302-fresh", "3", "", 302, "Cache-Control: max-age=3600", 3, "", Reused),
    ("status-404-fresh", "3", "", 404, "Cache-Control: max-age=3600", 3, "", Reused),
    ("status-499-fresh", "3", "", 499, "Cache-Control: max-age=3600", 3, "", Reused),
    ("status-503-fresh", "3", "", 503, "Cache-Control: max-age=3600", 3, "", Reused),
    ("status-599-fresh", "3", "", 599, "Cache-Control: max-age=3600", 3, "", Reused),
    ("status-404-stale", "4.2", "", 404, "Cache-Control: max-age=2", 3, "", Asked),
    ("status-599-must-understand", "5.2.2.3", "", 599, "Cache-Control: max-age=3600, no-store, must-understand", 3, "", Asked),
    ("status-200-must-understand", "5.2.2.3", "", 200, "Cache-Control: max-age=3600, no-store, must-understand", 3, "", Reused),
    // Directives of requests: RFC 9111, sections 5.2.1 and 5.4.
    ("ccreq-ma0", "5.2.1.1", "", 200, "Cache-Control: max-age=3600", 1, "Cache-Control: max-age=0", Asked),
    ("ccreq-ma1", "5.2.1.1", "", 200, "Cache-Control: max-age=3600", 3, "Cache-Control: max-age=1", Asked),
    ("ccreq-magreaterage", "5.2.1.1", "", 200, "Cache-Control: max-age=3600 | Age: 1800", 3, "Cache-Control: max-age=600", Asked),
    ("ccreq-max-stale", "5.2.1.2", "", 200, "Cache-Control: max-age=2", 3, "Cache-Control: max-stale=1000", Reused),
    ("ccreq-max-stale-age", "5.2.1.2", "", 200, "Cache-Control: max-age=1500 | Age: 2000", 0, "Cache-Control: max-stale=1000", Reused),
    ("ccreq-min-fresh", "5.2.1.3", "", 200, "Cache-Control: max-age=1500", 0, "Cache-Control: min-fresh=2000", Asked),
    ("ccreq-min-fresh-age", "5.2.1.3", "", 200, "Cache-Control: max-age=1500 | Age: 1000", 0, "Cache-Control: min-fresh=1000", Asked),
    ("ccreq-no-cache", "5.2.1.4", "", 200, "Cache-Control: max-age=3600", 0, "Cache-Control: no-cache", Asked),
    ("ccreq-no-cache-lm", "5.2.1.4", "", 200, "Cache-Control: max-age=3600 | Last-Modified: @-10000", 0, "Cache-Control: no-cache", Validated),
    ("ccreq-no-cache-etag", "5.2.1.4", "", 200, "Cache-Control: max-age=3600 | ETag: \"a\"", 0, "Cache-Control: no-cache", Validated),
    ("pragma-request-no-cache", "5.4", "", 200, "Cache-Control: max-age=3600", 0, "Pragma: no-cache", Asked),
    ("pragma-request-extension", "5.4", "", 200, "Cache-Control: max-age=3600", 0, "Pragma: unknown", Reused),
    ("pragma-response-no-cache", "5.4", "", 200, "Cache-Control: max-age=3600 | Pragma: no-cache", 0, "", Reused),
    // Vary: RFC 9111, section 4.1.
    ("vary-match", "4.1", "Foo: 1", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "Foo: 1", Reused),
    ("vary-no-match", "4.1", "Foo: 1", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "Foo: 2", Asked),
    ("vary-omit-stored", "4.1", "", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "Foo: 1", Asked),
    ("vary-omit", "4.1", "Foo: 1", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "", Asked),
    ("vary-cache-key", "4.1", "Foo: 1 | Other: 2", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "Foo: 1 | Other: 3", Reused),
    ("vary-2-match", "4.1", "Foo: 1 | Bar: abc", 200, "Cache-Control: max-age=5000 | Vary: Foo, Bar", 0, "Foo: 1 | Bar: abc", Reused),
    ("vary-2-no-match", "4.1", "Foo: 1 | Bar: abc", 200, "Cache-Control: max-age=5000 | Vary: Foo, Bar", 0, "Foo: 2 | Bar: abc", Asked),
    ("vary-2-match-omit", "4.1", "Foo: 1 | Bar: abc", 200, "Cache-Control: max-age=5000 | Vary: Foo, Bar", 0, "", Asked),
    ("vary-3-order", "4.1", "Foo: 1 | Bar: abc | Baz: 789", 200, "Cache-Control: max-age=5000 | Vary: Foo, Bar, Baz", 0, "Foo: 1 | Baz: 789 | Bar: abcde", Asked),
    ("vary-3-omit", "4.1", "Foo: 1 | Baz: 789", 200, "Cache-Control: max-age=5000 | Vary: Foo, Bar, Baz", 0, "Foo: 1 | Baz: 789", Reused),
    ("vary-star", "4.1", "Foo: 1", 200, "Cache-Control: max-age=5000 | Vary: *", 0, "Foo: 1", Asked),
    ("vary-syntax-empty-star-lines", "4.1", "Foo: 1", 200, "Cache-Control: max-age=5000 | Vary: | Vary: *", 0, "Foo: 1", Asked),
    ("vary-syntax-foo-star", "4.1", "Foo: 1", 200, "Cache-Control: max-age=5000 | Vary: Foo, *", 0, "Foo: 1", Asked),
    ("vary-normalise-combine", "4.1", "Foo: 1, 2", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "Foo: 1 | Foo: 2", Reused),
    ("vary-normalise-lang-order", "4.1", "Accept-Language: en, de", 200, "Cache-Control: max-age=5000 | Vary: Accept-Language", 0, "Accept-Language: de, en", Reused),
    ("vary-normalise-lang-case", "4.1", "Accept-Language: en, de", 200, "Cache-Control: max-age=5000 | Vary: Accept-Language", 0, "Accept-Language: eN, De", Reused),
    ("vary-normalise-lang-space", "4.1", "Accept-Language: en, de", 200, "Cache-Control: max-age=5000 | Vary: Accept-Language", 0, "Accept-Language: en ,   de", Reused),
    ("vary-normalise-space", "4.1", "Foo: 1,2", 200, "Cache-Control: max-age=5000 | Vary: Foo", 0, "Foo: 1, 2", Reused),
    // Authorization: RFC 9111, section 3.5.
    ("other-authorization", "3.5", "Authorization: x", 200, "Cache-Control: max-age=3600", 0, "", Asked),
    ("other-authorization-public", "3.5", "Authorization: x", 200, "Cache-Control: max-age=3600, public", 0, "", Reused),
    ("other-authorization-must-revalidate", "3.5", "Authorization: x", 200, "Cache-Control: max-age=3600, must-revalidate", 0, "", Reused),
    ("other-authorization-smaxage", "3.5", "Authorization: x", 200, "Cache-Control: s-maxage=3600", 0, "", Reused),
    ("other-set-cookie", "7.3", "", 200, "Cache-Control: max-age=3600 | Set-Cookie: a=b", 3, "", Reused),
    ("other-cookie", "7.3", "", 200, "Cache-Control: max-age=3600", 3, "Cookie: a=b", Reused),
    // Targeted fields: RFC 9213, sections 2.1 and 2.2.
    ("cdn-max-age", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=3600", 3, "", Reused),
    ("cdn-max-age-max-plus", "RFC 9213, 2.1", "", 200, "CDN-Cache-Control: max-age=99999999999", 3, "", Reused),
    ("cdn-max-age-age", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=3600 | Age: 7200", 3, "", Asked),
    ("cdn-max-age-space-before-equals", "RFC 9213, 2.1", "", 200, "CDN-Cache-Control: max-age =100 | Cache-Control: max-age=1", 3, "", Asked),
    ("cdn-max-age-0", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=0", 3, "", Asked),
    ("cdn-max-age-extension", "RFC 9213, 2.1", "", 200, "CDN-Cache-Control: foobar, max-age=3600", 3, "", Reused),
    ("cdn-max-age-expires", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=3600 | Expires: @-10000", 3, "", Reused),
    ("cdn-max-age-0-expires", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=0 | Expires: @10000", 3, "", Asked),
    ("cdn-max-age-short-cc-max-age", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=3600 | Cache-Control: max-age=1", 3, "", Reused),
    ("cdn-max-age-long-cc-max-age", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=1 | Cache-Control: max-age=3600", 3, "", Asked),
    ("cdn-private", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: private | Cache-Control: max-age=10000", 0, "", Asked),
    ("cdn-no-cache", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: no-cache | Cache-Control: max-age=10000 | Expires: @10000", 0, "", Asked),
    ("cdn-no-store-cc-fresh", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: no-store | Cache-Control: max-age=10000", 0, "", Asked),
    ("cdn-fresh-cc-nostore", "RFC 9213, 2.2", "", 200, "CDN-Cache-Control: max-age=10000 | Cache-Control: no-store", 0, "", Reused),
    ("cdn-cc-invalid-sh-type-unknown", "RFC 9213, 2.1", "", 200, "CDN-Cache-Control: max-age=10000, &&&&& | Cache-Control: no-store", 0, "", Asked),
    ("cdn-cc-invalid-sh-type-wrong", "RFC 9213, 2.1", "", 200, "CDN-Cache-Control: max-age=\"10000\" | Cache-Control: no-store", 0, "", Asked),
];
