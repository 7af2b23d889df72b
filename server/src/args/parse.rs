//! Values of options, checked as they are read.

use littoral_types::{SpaceId, Tenant};

/// 32 hexadecimal digits.
pub fn account(text: &str) -> Result<Tenant, String> {
    match text.parse::<SpaceId>() {
        Ok(id) => Ok(Tenant(id.0)),
        Err(_) => Err("an account is 32 hexadecimal digits".into()),
    }
}

/// What fits in an `Authorization` header.
pub fn token(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a token is one or more visible ASCII characters, without spaces".into());
    }
    Ok(text.to_owned())
}

/// A factor for modelled round trips.
pub fn trips(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.0..=100.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0 (no modelled trips) to 100".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_exactly_thirty_two_digits() {
        assert_eq!(account("0000000000000000000000000000000A"), Ok(Tenant(10)));
        assert!(account("abc").is_err() && account(&"g".repeat(32)).is_err());
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        assert!(token("dev-token").is_ok());
        for bad in ["", "two words", "naïve", "line\n"] {
            assert!(token(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn trips_may_be_switched_off_but_not_turned_back() {
        assert_eq!(trips("0"), Ok(0.0));
        for bad in ["-1", "101", "NaN", "inf", "x"] {
            assert!(trips(bad).is_err(), "{bad}");
        }
    }
}
