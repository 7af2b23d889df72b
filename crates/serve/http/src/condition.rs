//! Entity tags: `ETag`, and the lists in `If-Match` and `If-None-Match` (RFC 9110, section 13).

use http::HeaderValue;
use littoral_types::Version;

/// What an `If-Match` or `If-None-Match` header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityTags<'a> {
    /// `*`
    Any,
    /// What stands between the quotes of each tag; weakness is dropped.
    Some(Vec<&'a str>),
}

/// A version as `ETag` shows it.
pub fn entity_tag(version: Version) -> HeaderValue {
    use std::io::Write as _;

    // Two quotes around a version, which is always as long: made in place, for the hot path.
    let mut tag = [0; 2 + 16 + 1 + 16];
    write!(tag.as_mut_slice(), "\"{version}\"").expect("it fits");
    HeaderValue::from_bytes(&tag).expect("a version is plain ASCII")
}

impl<'a> EntityTags<'a> {
    /// Reads a list of entity tags; `None` when it is not one.
    pub fn parse(header: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?.trim();
        if text == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = text;
        loop {
            let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
            let (tag, after) = opened.split_once('"')?;
            tags.push(tag);
            rest = after.trim_start();
            if rest.is_empty() {
                return Some(Self::Some(tags));
            }
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }

    /// Whether `version` is among the tags.
    pub fn holds(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Some(tags) => tags.iter().any(|tag| tag.parse() == Ok(version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::Wall;

    use super::*;

    #[test]
    fn a_list_of_tags_is_read_weak_or_strong() {
        assert_eq!(EntityTags::parse(b" * "), Some(EntityTags::Any));
        let tags = EntityTags::parse(br#""a", W/"b,c" ,"""#);
        assert_eq!(tags, Some(EntityTags::Some(vec!["a", "b,c", ""])));
        for bad in ["", "a", "\"a", "\"a\" \"b\"", "\"a\",", "**", "w/\"a\""] {
            assert_eq!(EntityTags::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_version_matches_its_own_tag_only() {
        let version = Version::new(Wall(1_000), 1, 9);
        let tag = entity_tag(version);
        let tags = EntityTags::parse(tag.as_bytes()).expect("our own tag");
        assert!(tags.holds(version) && !tags.holds(Version::ZERO));
        assert!(EntityTags::Any.holds(version));
    }
}
