//! Whether an answer may be stored (RFC 9111, section 3).

use http::{HeaderMap, Method, StatusCode, header};

use super::directives::Fields;
use super::{Directives, Lifetime, Validators, Vary, Wants, lifetime, too_many_tags};

/// Why an answer is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unstorable {
    Method,
    /// Not final, or not to be understood alone: 1xx, 304, 206 without its request.
    Status,
    NoStore,
    Private,
    /// It was made for somebody who identified themselves.
    Authorization,
    VaryStar,
    /// Neither fresh for any time nor able to be validated: of no use.
    Useless,
    /// Longer than answers may be.
    Long,
    /// A purge by one of its labels would miss it.
    Labels,
}

impl Unstorable {
    /// In an order that does not change: entries hold it.
    pub const ALL: [Self; 9] = [
        Self::Method,
        Self::Status,
        Self::NoStore,
        Self::Private,
        Self::Authorization,
        Self::VaryStar,
        Self::Useless,
        Self::Long,
        Self::Labels,
    ];

    /// As `detail` in `Cache-Status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::VaryStar => "vary-star",
            Self::Useless => "no-freshness",
            Self::Long => "too-long",
            Self::Labels => "too-many-labels",
        }
    }
}

/// Whether the answer to a request may be stored, by a shared cache. `heuristics`: whether the route
/// asks for freshness that nobody states.
///
/// # Errors
/// Why it may not, or why it would be of no use.
pub fn storable(
    method: &Method,
    asked: &HeaderMap,
    status: StatusCode,
    answered: &HeaderMap,
    now: u64,
    heuristics: bool,
) -> Result<(), Unstorable> {
    let (directives, _) = Directives::effective(answered);
    // Only answers to GET are kept: of HEAD there is nothing to keep.
    if method != Method::GET {
        return Err(Unstorable::Method);
    }
    let part = status == StatusCode::PARTIAL_CONTENT && !asked.contains_key(header::RANGE);
    if status.is_informational() || status == StatusCode::NOT_MODIFIED || part {
        return Err(Unstorable::Status);
    }
    forbidden(&directives, asked, status)?;
    if too_many_tags(answered) {
        return Err(Unstorable::Labels);
    }
    if Vary::of(answered) == Vary::Star {
        return Err(Unstorable::VaryStar);
    }
    let lifetime = lifetime(status, answered, now, heuristics);
    let explicit = matches!(lifetime, Lifetime::Explicit(_)) || directives.public;
    if !explicit && !super::freshness::heuristic_by_status(status) {
        return Err(Unstorable::Status);
    }
    let stale_use = directives.stale_while_revalidate.or(directives.stale_if_error);
    let useful = lifetime.seconds() > 0 || stale_use.is_some_and(|seconds| seconds > 0);
    // What was stale when it came can still be validated.
    if useful || Validators::of(answered).any() { Ok(()) } else { Err(Unstorable::Useless) }
}

fn forbidden(
    directives: &Directives,
    asked: &HeaderMap,
    status: StatusCode,
) -> Result<(), Unstorable> {
    // With `must-understand`, `no-store` is for those who do not (RFC 9111, section 5.2.2.3).
    let understood = directives.must_understand && understands(status);
    if directives.must_understand && !understands(status) {
        return Err(Unstorable::Status);
    }
    if (directives.no_store && !understood) || Wants::of(asked).no_store {
        return Err(Unstorable::NoStore);
    }
    if directives.private == Some(Fields::All) {
        return Err(Unstorable::Private);
    }
    // RFC 9111, section 3.5.
    let shared = directives.must_revalidate || directives.public || directives.s_maxage.is_some();
    if asked.contains_key(header::AUTHORIZATION) && !shared {
        return Err(Unstorable::Authorization);
    }
    Ok(())
}

/// Statuses whose caching requirements are known here (RFC 9110, section 15).
fn understands(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::examples::map;

    const NOW: u64 = 1_795_500_000;

    fn get(
        asked: &[(&'static str, &'static str)],
        status: u16,
        answered: &[(&'static str, &'static str)],
    ) -> Result<(), Unstorable> {
        let status = StatusCode::from_u16(status).expect("a status");
        storable(&Method::GET, &map(asked), status, &map(answered), NOW, false)
    }

    fn cc(status: u16, directives: &'static str) -> Result<(), Unstorable> {
        get(&[], status, &[("cache-control", directives)])
    }

    #[test]
    fn any_final_status_with_explicit_freshness_may_be_stored() {
        // RFC 9111, section 3.
        for status in [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 599] {
            assert_eq!(cc(status, "max-age=3600"), Ok(()), "{status}");
        }
        for status in [100, 103, 304] {
            assert_eq!(cc(status, "max-age=3600"), Err(Unstorable::Status), "{status}");
        }
        assert_eq!(cc(206, "max-age=3600"), Err(Unstorable::Status), "nobody asked for a part");
        assert_eq!(get(&[("range", "bytes=0-1")], 206, &[("cache-control", "max-age=9")]), Ok(()));
    }

    #[test]
    fn without_freshness_only_what_is_defined_as_cacheable_and_can_be_validated() {
        // RFC 9111, section 3, and RFC 9110, section 15.1.
        let tag = [("etag", "\"a\"")];
        assert_eq!(get(&[], 200, &tag), Ok(()));
        assert_eq!(get(&[], 201, &tag), Err(Unstorable::Status));
        assert_eq!(get(&[], 599, &tag), Err(Unstorable::Status));
        assert_eq!(get(&[], 200, &[]), Err(Unstorable::Useless));
        assert_eq!(cc(200, "max-age=0"), Err(Unstorable::Useless));
        assert_eq!(cc(200, "max-age=0, stale-if-error=60"), Ok(()));
    }

    #[test]
    fn no_store_and_private_forbid_it_of_either_side() {
        // RFC 9111, sections 5.2.1.5, 5.2.2.5 and 5.2.2.7.
        assert_eq!(cc(200, "nO-StOrE, max-age=9"), Err(Unstorable::NoStore));
        assert_eq!(cc(200, "private, max-age=9"), Err(Unstorable::Private));
        assert_eq!(cc(200, "private=\"set-cookie\", max-age=9"), Ok(()), "but for that field");
        let fresh = [("cache-control", "max-age=9")];
        assert_eq!(get(&[("cache-control", "no-store")], 200, &fresh), Err(Unstorable::NoStore));
    }

    #[test]
    fn who_understands_a_status_need_not_mind_no_store() {
        // RFC 9111, section 5.2.2.3.
        assert_eq!(cc(200, "max-age=9, no-store, must-understand"), Ok(()));
        assert_eq!(cc(599, "max-age=9, no-store, must-understand"), Err(Unstorable::Status));
        assert_eq!(cc(599, "max-age=9, must-understand"), Err(Unstorable::Status));
    }

    #[test]
    fn an_answer_for_somebody_is_shared_only_if_it_says_so() {
        // RFC 9111, section 3.5.
        let of = |directives| get(&[("authorization", "x")], 200, &[("cache-control", directives)]);
        assert_eq!(of("max-age=9"), Err(Unstorable::Authorization));
        for shared in ["max-age=9, public", "max-age=9, must-revalidate", "s-maxage=9"] {
            assert_eq!(of(shared), Ok(()), "{shared}");
        }
    }

    #[test]
    fn what_varies_by_everything_and_other_methods_are_not_stored() {
        // RFC 9111, sections 3 and 4.1.
        let star = [("cache-control", "max-age=9"), ("vary", "a, *")];
        assert_eq!(get(&[], 200, &star), Err(Unstorable::VaryStar));
        let fresh = map(&[("cache-control", "max-age=9")]);
        let post = storable(&Method::POST, &map(&[]), StatusCode::OK, &fresh, NOW, false);
        assert_eq!(post, Err(Unstorable::Method));
    }

    #[test]
    fn what_is_addressed_to_us_decides() {
        // RFC 9213, section 2.2.
        let of = |cdn, cc| get(&[], 200, &[("cdn-cache-control", cdn), ("cache-control", cc)]);
        assert_eq!(of("max-age=9", "no-store"), Ok(()));
        assert_eq!(of("no-store", "max-age=9"), Err(Unstorable::NoStore));
        assert_eq!(of("private", "max-age=9"), Err(Unstorable::Private));
        assert_eq!(of("max-age=9, &&&&&", "no-store"), Err(Unstorable::NoStore));
        assert_eq!(of("max-age=\"9\"", "no-store"), Err(Unstorable::NoStore));
    }
}
