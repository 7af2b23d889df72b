//! Values of options, checked as they are read.

use std::time::Duration;

use littoral_config::TimeSpan;
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

/// Host and port of a site, from its URL.
pub fn site(text: &str) -> Result<SiteUrl, String> {
    let wrong = "a site is http://HOST, https://HOST or either with :PORT, without a path";
    let secure = text.strip_prefix("https://");
    let rest = secure.or_else(|| text.strip_prefix("http://")).ok_or(wrong)?;
    let (secure, port) = (secure.is_some(), if secure.is_some() { 443 } else { 80 });
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let authority: http::uri::Authority = host.parse().map_err(|_| wrong)?;
    if authority.as_str().contains('@') {
        return Err(wrong.into());
    }
    let authority = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(port));
    Ok(SiteUrl { authority, secure })
}

/// Where a site is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrl {
    /// Host and port.
    pub authority: String,
    /// By TLS.
    pub secure: bool,
}

impl std::fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// A factor for modelled round trips.
pub fn trips(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.0..=100.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0 (no modelled trips) to 100".into()),
    }
}

/// A number of seconds, or a length of time of whole seconds.
pub fn seconds(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let TimeSpan(time) =
        text.parse().map_err(|error: littoral_config::UnitError| error.to_string())?;
    match time.subsec_nanos() {
        0 => Ok(time.as_secs()),
        _ => Err("whole seconds only".into()),
    }
}

/// A length of time, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Duration>);

/// A length of time, or `never`.
pub fn limit(text: &str) -> Result<Limit, String> {
    if text == "never" {
        return Ok(Limit(None));
    }
    match text.parse::<TimeSpan>() {
        Ok(TimeSpan(time)) => Ok(Limit(Some(time))),
        Err(error) => Err(format!("{error}, or \"never\"")),
    }
}

/// `first-last`, `first-` or `-count`.
pub fn range(text: &str) -> Result<String, String> {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((first, last)) if number(first) && number(last) && text != "-" => Ok(text.to_owned()),
        _ => Err("bytes are \"0-99\", \"100-\" or \"-10\"".into()),
    }
}

/// Any JSON, as it was written.
pub fn json(text: &str) -> Result<String, String> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
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

    #[test]
    fn a_time_to_live_is_seconds_or_has_a_unit() {
        assert_eq!((seconds("90"), seconds("2m"), seconds("0")), (Ok(90), Ok(120), Ok(0)));
        assert!(seconds("1500ms").is_err() && seconds("-1").is_err() && seconds("").is_err());
    }

    #[test]
    fn a_limit_has_a_unit_or_is_never_reached() {
        assert_eq!(limit("66s"), Ok(Limit(Some(Duration::from_secs(66)))));
        assert_eq!(
            (limit("never"), limit("0")),
            (Ok(Limit(None)), Ok(Limit(Some(Duration::ZERO))))
        );
        assert!(limit("66").is_err() && limit("").is_err() && limit("none").is_err());
    }

    #[test]
    fn a_range_has_one_dash_and_a_number() {
        for good in ["0-99", "100-", "-10"] {
            assert_eq!(range(good), Ok(good.to_owned()));
        }
        for bad in ["", "-", "5", "a-b", "0-1,2-3"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }
}
