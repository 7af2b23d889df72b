//! Raw paths and queries: split first, decoded once, never normalised.
//!
//! A `%2F` belongs to the segment it stands in, `..` is a segment like any other, and a trailing
//! slash opens an empty segment: `/a/` is not `/a`.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Text that is not what its encoding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    #[error("a % must be followed by two hexadecimal digits")]
    Percent,
    #[error("text must be UTF-8")]
    NotUtf8,
}

/// The raw segments of a path: what stands between slashes, as it was sent.
pub fn segments(path: &str) -> std::str::Split<'_, char> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// Percent-decodes once. `+` stays a plus.
///
/// # Errors
/// When a `%` is not followed by two hexadecimal digits.
pub fn decode(raw: &str) -> Result<Cow<'_, [u8]>, BadText> {
    decode_bytes(raw.as_bytes())
}

fn decode_bytes(raw: &[u8]) -> Result<Cow<'_, [u8]>, BadText> {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let digits = rest.get(at + 1..at + 3).ok_or(BadText::Percent)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(BadText::Percent);
        }
        rest = &rest[at + 3..];
    }
    Ok(percent_decode(raw).into())
}

/// A raw query: form-encoded, so `+` is a space. The first of several equal names counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub fn new(raw: Option<&'a str>) -> Self {
        Self(raw.unwrap_or(""))
    }

    /// The raw value of a name that needs no decoding itself.
    fn raw(self, name: &str) -> Option<&'a str> {
        self.0.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (pair == name).then_some(""),
        })
    }

    /// The decoded value of a name.
    ///
    /// # Errors
    /// When it is not correctly encoded.
    pub fn bytes(self, name: &str) -> Result<Option<Cow<'a, [u8]>>, BadText> {
        let Some(raw) = self.raw(name) else {
            return Ok(None);
        };
        if !raw.contains('+') {
            return decode(raw).map(Some);
        }
        let spaced = raw.replace('+', " ");
        Ok(Some(Cow::Owned(decode(&spaced)?.into_owned())))
    }

    /// The decoded value of a name, as text.
    ///
    /// # Errors
    /// When it is not correctly encoded UTF-8.
    pub fn text(self, name: &str) -> Result<Option<Cow<'a, str>>, BadText> {
        match self.bytes(name)? {
            None => Ok(None),
            Some(Cow::Borrowed(bytes)) => {
                std::str::from_utf8(bytes).map(|t| Some(t.into())).map_err(|_| BadText::NotUtf8)
            }
            Some(Cow::Owned(bytes)) => {
                String::from_utf8(bytes).map(|t| Some(t.into())).map_err(|_| BadText::NotUtf8)
            }
        }
    }

    /// Whether a name is given as `true`.
    pub fn flag(self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Vec<&str> {
        segments(path).collect()
    }

    #[test]
    fn a_path_is_split_before_it_is_decoded_and_keeps_its_empty_segments() {
        assert_eq!(split("/a/b%2Fc/.."), ["a", "b%2Fc", ".."]);
        assert_eq!(split("/a/"), ["a", ""]);
        assert_eq!(split("/"), [""]);
        assert_eq!(split("//a"), ["", "a"]);
    }

    #[test]
    fn a_path_is_decoded_once_and_its_plus_is_a_plus() {
        assert_eq!(decode("a+b%20c%252F").as_deref(), Ok(b"a+b c%2F".as_slice()));
        assert_eq!(decode("%ff").as_deref(), Ok(b"\xff".as_slice()));
        for bad in ["%", "%2", "%zz", "a%+1", "%%20", "%2\u{e9}"] {
            assert_eq!(decode(bad), Err(BadText::Percent), "{bad}");
        }
    }

    #[test]
    fn a_query_is_form_encoded() {
        let query = Query::new(Some("prefix=a+b%2Bc&limit=10&prefix=second&flag&x=%ff"));
        assert_eq!(query.text("prefix"), Ok(Some("a b+c".into())));
        assert_eq!(query.text("limit"), Ok(Some("10".into())));
        assert_eq!(query.text("flag"), Ok(Some("".into())));
        assert_eq!(query.text("absent"), Ok(None));
        assert_eq!(query.text("x"), Err(BadText::NotUtf8));
        assert!(Query::new(Some("values=true")).flag("values"));
        assert!(!Query::new(None).flag("values"));
    }
}
