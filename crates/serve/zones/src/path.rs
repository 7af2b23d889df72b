//! A path as it is judged, and as it is sent on: one way of writing for each.
//!
//! A rule about `/admin/*` must hold for `/%61dmin/x`, `/a/../admin/x` and `//admin/x` too, whatever
//! the upstream makes of them. So a path is brought into normal form once, rules judge that, and the
//! upstream is sent that.

use std::borrow::Cow;

/// Why a path cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    #[error("a % in the path must be followed by two hexadecimal digits")]
    Percent,
    #[error("the path holds a zero byte")]
    Zero,
    #[error("a path begins with a slash")]
    Slash,
}

/// The normal form of a raw path: unreserved characters are not percent-encoded, other escapes are in
/// upper case, there are no empty segments and none of `.` and `..` (RFC 3986, section 6.2.2).
///
/// # Errors
/// When it is not correctly encoded.
pub fn normal(raw: &str) -> Result<Cow<'_, str>, BadPath> {
    if raw == "*" {
        return Ok(raw.into());
    }
    if !raw.starts_with('/') {
        return Err(BadPath::Slash);
    }
    let plain = !raw.contains('%') && !raw.contains("//") && !raw.contains("/.");
    if plain {
        return Ok(raw.into());
    }
    Ok(collapsed(&unescaped(raw)?).into())
}

fn unescaped(raw: &str) -> Result<String, BadPath> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3).ok_or(BadPath::Percent)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BadPath::Percent);
        }
        let byte = u8::from_str_radix(digits, 16).map_err(|_| BadPath::Percent)?;
        match byte {
            0 => return Err(BadPath::Zero),
            b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => {
                text.push('%');
                text.push_str(&digits.to_ascii_uppercase());
            }
        }
        rest = &rest[at + 3..];
    }
    text.push_str(rest);
    Ok(text)
}

fn collapsed(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    // A path that ends in one of these ends in a slash.
    let open = matches!(text.rsplit('/').next(), Some("" | "." | ".."));
    for segment in text.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut path = String::with_capacity(text.len());
    for segment in &kept {
        path.push('/');
        path.push_str(segment);
    }
    if open || kept.is_empty() {
        path.push('/');
    }
    path
}

/// A file's segment as bytes of its name: decoded once, and never a way out of its folder.
pub(crate) fn file_name(segment: &str) -> Option<String> {
    let decoded = littoral_http::decode(segment).ok()?;
    let name = std::str::from_utf8(&decoded).ok()?;
    let strange = name.is_empty()
        || name == "."
        || name == ".."
        || name.contains(['/', '\\', '\0'])
        || name.starts_with('.');
    (!strange).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(raw: &str) -> String {
        normal(raw).expect(raw).into_owned()
    }

    #[test]
    fn whatever_is_the_same_place_is_written_the_same_way() {
        for raw in ["/admin/x", "/%61dmin/x", "/a/../admin/x", "//admin//x", "/./admin/%2e/x"] {
            assert_eq!(of(raw), "/admin/x", "{raw}");
        }
        for (raw, expected) in [
            ("/", "/"),
            ("//", "/"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/../../etc", "/etc"),
            ("/a%2fb", "/a%2Fb"),
            ("/%7e", "/~"),
            ("/a%20b", "/a%20b"),
            ("/.well-known/x", "/.well-known/x"),
            ("*", "*"),
        ] {
            assert_eq!(of(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_is_not_encoded_correctly_is_no_path() {
        assert_eq!(normal("/%"), Err(BadPath::Percent));
        assert_eq!(normal("/%zz"), Err(BadPath::Percent));
        assert_eq!(normal("/%+1"), Err(BadPath::Percent));
        assert_eq!(normal("/%2\u{e9}"), Err(BadPath::Percent));
        assert_eq!(normal("/a%00"), Err(BadPath::Zero));
        assert_eq!(normal("a"), Err(BadPath::Slash));
    }

    #[test]
    fn a_file_is_below_its_folder_and_not_hidden() {
        assert_eq!(file_name("a%20b").as_deref(), Some("a b"));
        for bad in ["", ".", "..", "%2e%2e", "a%2Fb", "a%5Cb", ".git", "%00", "%ff"] {
            assert_eq!(file_name(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_of_a_normal_form_is_itself(raw in "/[a./%2eE5c~ ]{0,20}") {
            if let Ok(once) = normal(&raw) {
                let once = once.into_owned();
                prop_assert!(!once.split('/').any(|segment| segment == ".." || segment == "."));
                prop_assert!(!once.contains("//"));
                prop_assert_eq!(normal(&once).map(Cow::into_owned), Ok(once.clone()));
            }
        }
    }
}
