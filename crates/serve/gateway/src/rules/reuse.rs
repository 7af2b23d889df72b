//! Whether a stored answer may be used for a request: fresh, stale by somebody's leave, or only
//! once it was validated (RFC 9111, section 4; RFC 5861).

use std::time::Duration;

use super::{Directives, Wants};

/// A stored answer in time.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    pub directives: &'a Directives,
    /// For how long it was fresh, in seconds.
    pub lifetime: u64,
    /// How old it is (RFC 9111, section 4.2.3).
    pub age: Duration,
}

/// What to do with a stored answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Serve.
    Fresh,
    /// Serve, though stale: the client said that it accepts that.
    Accepted,
    /// Serve, though stale, and validate beside (RFC 5861, section 3).
    Meanwhile,
    /// Ask first.
    Validate,
}

impl Standing<'_> {
    /// Seconds of freshness left; below zero when stale.
    pub fn left(&self) -> i64 {
        let age = i64::try_from(self.age.as_secs()).unwrap_or(i64::MAX / 2);
        self.lifetime as i64 - age
    }

    fn fresh(&self) -> bool {
        self.age < Duration::from_secs(self.lifetime)
    }

    /// How long it has been stale.
    fn stale_for(&self) -> Duration {
        self.age.saturating_sub(Duration::from_secs(self.lifetime))
    }

    pub fn judge(&self, wants: &Wants) -> Verdict {
        let young = wants.max_age.is_none_or(|most| self.age <= Duration::from_secs(most));
        if wants.no_cache || self.directives.always_validate() || !young {
            return Verdict::Validate;
        }
        if self.fresh() {
            let longer = wants.min_fresh.is_none_or(|least| self.left() >= least as i64);
            return if longer { Verdict::Fresh } else { Verdict::Validate };
        }
        if self.directives.never_stale() || wants.min_fresh.is_some() {
            return Verdict::Validate;
        }
        if within(self.stale_for(), wants.max_stale) {
            Verdict::Accepted
        } else if within(self.stale_for(), self.directives.stale_while_revalidate) {
            Verdict::Meanwhile
        } else {
            Verdict::Validate
        }
    }

    /// Whether it may be served because the site does not answer, or only with an error (RFC 5861,
    /// section 4). `route`: for how long the route allows that, where the answer does not say.
    pub fn serves_on_error(&self, wants: &Wants, route: Option<u64>) -> bool {
        if self.directives.never_stale() || wants.no_cache || wants.min_fresh.is_some() {
            return false;
        }
        let young = wants.max_age.is_none_or(|most| self.age <= Duration::from_secs(most));
        let allowed = self.directives.stale_if_error.or(route);
        young && (self.fresh() || within(self.stale_for(), allowed))
    }
}

fn within(stale_for: Duration, allowed: Option<u64>) -> bool {
    allowed.is_some_and(|seconds| stale_for <= Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::*;

    fn map(directives: &'static str) -> HeaderMap {
        [(header::CACHE_CONTROL, HeaderValue::from_static(directives))].into_iter().collect()
    }

    fn standing<T>(says: &'static str, age: u64, judge: impl Fn(Standing<'_>) -> T) -> T {
        let directives = &Directives::of(&map(says));
        let lifetime = directives.s_maxage.or(directives.max_age).unwrap_or(0);
        judge(Standing { directives, lifetime, age: Duration::from_secs(age) })
    }

    fn verdict(says: &'static str, age: u64, wants: &'static str) -> Verdict {
        let wants = Wants::of(&map(wants));
        standing(says, age, |standing| standing.judge(&wants))
    }

    #[test]
    fn an_answer_is_fresh_until_its_age_reaches_its_lifetime() {
        // RFC 9111, section 4.2.
        assert_eq!(verdict("max-age=2", 1, ""), Verdict::Fresh);
        assert_eq!(verdict("max-age=2", 2, ""), Verdict::Validate);
        assert_eq!(verdict("max-age=3600", 7200, ""), Verdict::Validate);
        assert_eq!(verdict("max-age=9, must-revalidate", 1, ""), Verdict::Fresh);
    }

    #[test]
    fn no_cache_is_validated_however_fresh() {
        // RFC 9111, sections 5.2.1.4 and 5.2.2.4.
        assert_eq!(verdict("max-age=9, no-cache", 1, ""), Verdict::Validate);
        assert_eq!(verdict("max-age=9", 1, "no-cache"), Verdict::Validate);
        assert_eq!(verdict("max-age=9, no-cache=\"set-cookie\"", 1, ""), Verdict::Fresh);
    }

    #[test]
    fn a_client_may_want_it_younger_or_fresh_for_longer() {
        // RFC 9111, sections 5.2.1.1 and 5.2.1.3.
        assert_eq!(verdict("max-age=3600", 2, "max-age=1"), Verdict::Validate);
        assert_eq!(verdict("max-age=3600", 1, "max-age=0"), Verdict::Validate);
        assert_eq!(verdict("max-age=3600", 1, "max-age=1"), Verdict::Fresh);
        assert_eq!(verdict("max-age=1500", 0, "min-fresh=2000"), Verdict::Validate);
        assert_eq!(verdict("max-age=1500", 1000, "min-fresh=1000"), Verdict::Validate);
        assert_eq!(verdict("max-age=1500", 1000, "min-fresh=500"), Verdict::Fresh);
    }

    #[test]
    fn stale_answers_need_somebodys_leave() {
        // RFC 9111, sections 4.2.4 and 5.2.1.2; RFC 5861, section 3.
        assert_eq!(verdict("max-age=2", 5, "max-stale=3"), Verdict::Accepted);
        assert_eq!(verdict("max-age=2", 6, "max-stale=3"), Verdict::Validate);
        assert_eq!(verdict("max-age=2", 9_999, "max-stale"), Verdict::Accepted);
        assert_eq!(verdict("max-age=1, stale-while-revalidate=4", 5, ""), Verdict::Meanwhile);
        assert_eq!(verdict("max-age=1, stale-while-revalidate=4", 6, ""), Verdict::Validate);
        assert_eq!(
            verdict("max-age=1, stale-while-revalidate=4", 5, "no-cache"),
            Verdict::Validate
        );
        for never in [
            "max-age=2, must-revalidate, stale-while-revalidate=99",
            "max-age=2, proxy-revalidate, stale-while-revalidate=99",
            "s-maxage=2, stale-while-revalidate=99",
        ] {
            assert_eq!(verdict(never, 5, "max-stale"), Verdict::Validate, "{never}");
        }
    }

    #[test]
    fn an_error_brings_back_only_what_says_so() {
        // RFC 5861, section 4; RFC 9111, section 4.2.4.
        let on_error = |says, age, wants, route| {
            let wants = Wants::of(&map(wants));
            standing(says, age, |standing| standing.serves_on_error(&wants, route))
        };
        assert!(on_error("max-age=2, stale-if-error=60", 62, "", None));
        assert!(!on_error("max-age=2, stale-if-error=60", 63, "", None));
        assert!(!on_error("max-age=2", 3, "", None), "nobody says so");
        assert!(on_error("max-age=2", 3, "", Some(5)), "the route does");
        assert!(!on_error("max-age=2, stale-if-error=0", 3, "", Some(5)), "the answer goes first");
        for never in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"] {
            let says: &'static str =
                Box::leak(format!("max-age=2, stale-if-error=60, {never}").into());
            assert!(!on_error(says, 3, "", Some(60)), "{never}");
        }
        assert!(!on_error("max-age=2, stale-if-error=60", 9, "max-age=5", None));
    }
}
