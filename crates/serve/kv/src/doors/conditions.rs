//! Preconditions and minimum versions that a request states.

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use littoral_http::{EntityTags, Refusal};
use littoral_types::Version;

use super::refuse;
use crate::Precondition;

pub(crate) const MIN_VERSION: &str = "littoral-min-version";

/// The oldest version that may be answered with.
///
/// # Errors
/// When it is not a version.
pub(crate) fn minimum(headers: &HeaderMap) -> Result<Option<Version>, Refusal> {
    let Some(value) = headers.get(MIN_VERSION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| refuse::bad_version("Littoral-Min-Version"))?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().map(Some).map_err(|_| refuse::bad_version("Littoral-Min-Version"))
}

/// What a write requires.
///
/// # Errors
/// When it cannot be understood, or asks for what no write can promise.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, Refusal> {
    let refused = |message: &'static str| Err(Refusal::bad_request(refuse::CONDITION, message));
    match (headers.get(IF_MATCH), headers.get(IF_NONE_MATCH)) {
        (None, None) => Ok(Precondition::None),
        (Some(_), Some(_)) => {
            refused("If-Match and If-None-Match exclude each other; send one of them")
        }
        (Some(header), None) => match EntityTags::parse(header.as_bytes()) {
            Some(EntityTags::Any) => Ok(Precondition::Present),
            Some(EntityTags::Some(tags)) => match tags.as_slice() {
                // A tag that no key ever had matches none.
                [tag] => Ok(Precondition::Version(tag.parse().unwrap_or(Version::ZERO))),
                _ => refused("If-Match takes * or one version in quotes"),
            },
            None => refused("If-Match takes * or one version in quotes"),
        },
        (None, Some(header)) => match EntityTags::parse(header.as_bytes()) {
            Some(EntityTags::Any) => Ok(Precondition::Absent),
            _ => refused("If-None-Match on a write takes *"),
        },
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use littoral_types::Wall;

    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        headers
    }

    #[test]
    fn a_minimum_is_a_version_bare_or_quoted() {
        let version = Version::new(Wall(5), 1, 2);
        assert_eq!(minimum(&HeaderMap::new()), Ok(None));
        assert_eq!(minimum(&with(MIN_VERSION, &version.to_string())), Ok(Some(version)));
        assert_eq!(minimum(&with(MIN_VERSION, &format!("\"{version}\""))), Ok(Some(version)));
        for bad in ["", "abc", "\"", &"1".repeat(41)] {
            assert_eq!(minimum(&with(MIN_VERSION, bad)).expect_err(bad).status, 400, "{bad}");
        }
    }

    #[test]
    fn a_write_may_require_a_version_presence_or_absence() {
        let version = Version::new(Wall(5), 1, 2);
        let of = |name, value: &str| precondition(&with(name, value));
        assert_eq!(precondition(&HeaderMap::new()), Ok(Precondition::None));
        assert_eq!(of("if-match", "*"), Ok(Precondition::Present));
        assert_eq!(of("if-none-match", "*"), Ok(Precondition::Absent));
        assert_eq!(of("if-match", &format!("\"{version}\"")), Ok(Precondition::Version(version)));
        assert_eq!(of("if-match", "\"other\""), Ok(Precondition::Version(Version::ZERO)));
        for (name, bad) in
            [("if-match", "\"a\", \"b\""), ("if-match", "abc"), ("if-none-match", "\"a\"")]
        {
            assert_eq!(of(name, bad).expect_err(bad).status, 400, "{bad}");
        }
    }
}
