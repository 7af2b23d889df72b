//! When a value expires: a time to live, or a point in time, and the least of each.

use littoral_http::{Query, Refusal};
use littoral_types::Wall;
use serde_json::Number;

use super::refuse;
use crate::Policy;

/// What a write says about its expiry, as text, so that a refusal can repeat it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Wins over `at`.
    pub(crate) ttl: Option<String>,
    pub(crate) at: Option<String>,
}

impl Asked {
    pub(crate) fn query(query: Query<'_>) -> Result<Self, Refusal> {
        let text = |name| {
            let text = query.text(name).map_err(refuse::bad_query)?;
            Ok::<_, Refusal>(text.map(|text| text.into_owned()))
        };
        Ok(Self { ttl: text("expiration_ttl")?, at: text("expiration")? })
    }

    pub(crate) fn json(ttl: Option<&Number>, at: Option<&Number>) -> Self {
        Self { ttl: ttl.map(Number::to_string), at: at.map(Number::to_string) }
    }

    /// When the value expires; `None`: never.
    ///
    /// # Errors
    /// When it is not a number, past, or too soon for the namespace.
    pub(crate) fn resolve(&self, policy: &Policy, now: Wall) -> Result<Option<Wall>, Refusal> {
        let least = u64::from(policy.expiration_ttl_min_s);
        match (&self.ttl, &self.at) {
            (Some(ttl), _) => from_ttl(ttl, least, now).map(Some),
            (None, Some(at)) => from_time(at, least, now).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn from_ttl(text: &str, least: u64, now: Wall) -> Result<Wall, Refusal> {
    let refused = |why: String| {
        Err(Refusal::bad_request(
            refuse::EXPIRATION_TTL,
            format!("Invalid expiration_ttl of {text}. {why}"),
        ))
    };
    match integer(text) {
        None | Some(0) => refused("Please specify integer greater than 0.".into()),
        Some(ttl) if ttl < least => refused(format!("Expiration TTL must be at least {least}.")),
        Some(ttl) => Ok(Wall(now.0.saturating_add(ttl.saturating_mul(1000)))),
    }
}

fn from_time(text: &str, least: u64, now: Wall) -> Result<Wall, Refusal> {
    let refused = |why: String| {
        Err(Refusal::bad_request(
            refuse::EXPIRATION,
            format!("Invalid expiration of {text}. {why}"),
        ))
    };
    match integer(text) {
        Some(at) if at > now.seconds() => {
            if at < now.seconds() + least {
                return refused(format!(
                    "Expiration times must be at least {least} seconds in the future."
                ));
            }
            Ok(Wall(at.saturating_mul(1000)))
        }
        _ => refused(
            "Please specify integer greater than the current number of seconds since the UNIX \
             epoch."
                .into(),
        ),
    }
}

/// A whole number, not negative. JSON may write it `60.0` or `6e1`.
fn integer(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall(1_000_900);

    fn resolve(query: &str) -> Result<Option<Wall>, Refusal> {
        Asked::query(Query::new(Some(query)))?.resolve(&Policy::default(), NOW)
    }

    #[test]
    fn a_time_to_live_counts_from_now_and_wins() {
        assert_eq!(resolve(""), Ok(None));
        assert_eq!(resolve("expiration_ttl=60&expiration=1"), Ok(Some(Wall(1_060_900))));
        assert_eq!(resolve("expiration=1060"), Ok(Some(Wall(1_060_000))));
    }

    #[test]
    fn what_is_too_soon_or_no_number_is_refused_in_the_documented_words() {
        let check = |query: &str, code: u32, message: &str| {
            let refusal = resolve(query).expect_err(query);
            assert_eq!((refusal.code, refusal.message.as_ref()), (code, message), "{query}");
        };
        check(
            "expiration_ttl=30",
            10034,
            "Invalid expiration_ttl of 30. Expiration TTL must be at least 60.",
        );
        for bad in ["0", "-1", "nan", "1.5", ""] {
            let message =
                format!("Invalid expiration_ttl of {bad}. Please specify integer greater than 0.");
            check(&format!("expiration_ttl={bad}"), 10034, &message);
        }
        for bad in ["0", "1000", "nan", "-5"] {
            let message = format!(
                "Invalid expiration of {bad}. Please specify integer greater than the current \
                 number of seconds since the UNIX epoch."
            );
            check(&format!("expiration={bad}"), 10033, &message);
        }
        check(
            "expiration=1030",
            10033,
            "Invalid expiration of 1030. Expiration times must be at least 60 seconds in the \
             future.",
        );
    }

    #[test]
    fn a_policy_may_allow_one_second_and_numbers_as_json_writes_them() {
        let policy = Policy { expiration_ttl_min_s: 1, ..Policy::default() };
        let ttl: Number = serde_json::from_str("1.0").expect("a number");
        let asked = Asked::json(Some(&ttl), None);
        assert_eq!(asked.resolve(&policy, NOW), Ok(Some(Wall(1_001_900))));
        let huge: Number = serde_json::from_str("18446744073709551615").expect("a number");
        assert!(Asked::json(None, Some(&huge)).resolve(&policy, NOW).is_ok());
    }
}
