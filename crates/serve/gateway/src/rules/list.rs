//! Lists in header fields: members between commas, quoted strings kept whole (RFC 9110, section 5.6).

use http::{HeaderMap, HeaderName};

/// The members of a list in all lines of a field, in order, without the white space around them.
/// Empty members are none (RFC 9110, section 5.6.1.2).
pub(crate) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    headers.get_all(name).into_iter().flat_map(|line| split(line.as_bytes()))
}

/// The members of one line.
pub(crate) fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        loop {
            let line = rest?;
            let end = comma(line);
            rest = line.get(end + 1..);
            let member = line[..end].trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
    })
}

/// Where the first comma outside of quotes is, or the end.
fn comma(line: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let ends = |byte: &u8| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return true,
            _ => {}
        }
        false
    };
    line.iter().position(ends).unwrap_or(line.len())
}

/// A token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token_byte(*b))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a token or a quoted string says; `None` when it is neither (RFC 9110, section 5.6.4).
pub(crate) fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let Some(inner) = text.strip_prefix(b"\"") else {
        return is_token(text).then(|| text.to_vec());
    };
    let inner = inner.strip_suffix(b"\"")?;
    let mut said = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => said.push(*bytes.next()?),
            byte => said.push(*byte),
        }
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<&str> {
        split(line.as_bytes()).map(|member| std::str::from_utf8(member).expect("text")).collect()
    }

    #[test]
    fn commas_in_quotes_do_not_separate_and_empty_members_are_none() {
        assert_eq!(texts("a, b"), ["a", "b"]);
        assert_eq!(texts(r#"a="x, y\", z", b"#), [r#"a="x, y\", z""#, "b"]);
        assert_eq!(texts(" , ,a,,"), ["a"]);
        assert_eq!(texts(r#"a="open, b"#), [r#"a="open, b"#]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn a_quoted_string_says_what_is_inside() {
        assert_eq!(unquoted(b"abc").as_deref(), Some(&b"abc"[..]));
        assert_eq!(unquoted(br#""a\"b""#).as_deref(), Some(&b"a\"b"[..]));
        for neither in [&b""[..], b"'a b'", b"\"a", b"\"", b"\"a\"b\"", b"\"a\\\""] {
            assert_eq!(unquoted(neither), None, "{}", String::from_utf8_lossy(neither));
        }
    }
}
