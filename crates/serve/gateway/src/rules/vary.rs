//! `Vary`: which headers of a request selected an answer (RFC 9111, section 4.1).

use http::{HeaderMap, HeaderName, header};

use super::list::{is_token, members};

/// What an answer varies by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vary {
    Nothing,
    /// Sorted, without repeats.
    By(Vec<HeaderName>),
    /// By more than requests show, or by something that cannot be read: never reused.
    Star,
}

/// Fields whose members stand in no order of their own, save by weight: `en, de` is `de, en`.
const UNORDERED: [HeaderName; 2] = [header::ACCEPT_LANGUAGE, header::ACCEPT_ENCODING];

impl Vary {
    pub fn of(headers: &HeaderMap) -> Self {
        let mut names = Vec::new();
        for member in members(headers, &header::VARY) {
            match HeaderName::from_bytes(member) {
                Ok(name) if member != b"*" => names.push(name),
                _ => return Self::Star,
            }
        }
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        if names.is_empty() { Self::Nothing } else { Self::By(names) }
    }
}

/// What a request shows of some headers, in a form in which requests that ask for the same look the
/// same: a line for each name that is there. The names are sorted.
pub fn selection(names: &[HeaderName], asked: &HeaderMap) -> Vec<u8> {
    let mut text = Vec::new();
    for name in names.iter().filter(|name| asked.contains_key(*name)) {
        text.extend_from_slice(name.as_str().as_bytes());
        text.push(b':');
        text.extend_from_slice(&normal(name, asked));
        text.push(b'\n');
    }
    text
}

/// All lines as one, without the white space around members; of some fields, if all of it can be read,
/// members in order of weight and name, in lower case.
fn normal(name: &HeaderName, asked: &HeaderMap) -> Vec<u8> {
    let plain = || members(asked, name).collect::<Vec<_>>().join(&b',');
    if !UNORDERED.contains(name) {
        return plain();
    }
    let weighed: Option<Vec<_>> = members(asked, name).map(weighed).collect();
    let Some(mut weighed) = weighed else { return plain() };
    weighed.sort_by(|(a, an), (b, bn)| b.cmp(a).then_with(|| an.cmp(bn)));
    weighed.dedup();
    let written = |(weight, name): (u16, Vec<u8>)| match weight {
        1000 => name,
        weight => [&name[..], format!(";q=0.{weight:03}").as_bytes()].concat(),
    };
    weighed.into_iter().map(written).collect::<Vec<_>>().join(&b',')
}

/// A member and its weight in thousandths.
fn weighed(member: &[u8]) -> Option<(u16, Vec<u8>)> {
    let lower = member.to_ascii_lowercase();
    let mut parts = lower.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().filter(|name| is_token(name))?;
    let weight = match (parts.next(), parts.next()) {
        (None, _) => 1000,
        (Some(part), None) => thousandths(part.strip_prefix(b"q=")?)?,
        _ => return None,
    };
    Some((weight, name.to_vec()))
}

/// `0.5` as 500 (RFC 9110, section 12.4.2).
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, part) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', part @ ..] if part.len() <= 3 => (whole, part),
        _ => return None,
    };
    if !matches!(whole, b'0' | b'1') || !part.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| part.get(at).map_or(0, |digit| u16::from(digit - b'0'));
    let value = u16::from(whole - b'0') * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2);
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(name: &'static str, lines: &[&str]) -> HeaderMap {
        let name = HeaderName::from_static(name);
        let value = |line: &&str| HeaderValue::from_str(line).expect("a value");
        lines.iter().map(|line| (name.clone(), value(line))).collect()
    }

    fn vary(lines: &[&str]) -> Vary {
        Vary::of(&map("vary", lines))
    }

    #[test]
    fn a_star_anywhere_is_a_star() {
        // RFC 9110, section 12.5.5.
        for star in
            [&["*"][..], &["*, *"], &["*", "*"], &[", *"], &["", "*"], &["*, Foo"], &["Foo, *"]]
        {
            assert_eq!(vary(star), Vary::Star, "{star:?}");
        }
        assert_eq!(vary(&["a b"]), Vary::Star, "no name: nobody knows what it varies by");
        assert_eq!(vary(&[]), Vary::Nothing);
        assert_eq!(vary(&[" , "]), Vary::Nothing);
    }

    #[test]
    fn names_are_a_set() {
        let set = Vary::By(vec![HeaderName::from_static("bar"), HeaderName::from_static("foo")]);
        assert_eq!(vary(&["Foo, Bar"]), set);
        assert_eq!(vary(&["bar", "FOO,Bar"]), set);
    }

    #[test]
    fn requests_that_ask_for_the_same_look_the_same() {
        // RFC 9111, section 4.1: white space, lines put together, and what the field's own rules allow.
        let same = |name: &'static str, a: &[&str], b: &[&str]| {
            let names = [HeaderName::from_static(name)];
            selection(&names, &map(name, a)) == selection(&names, &map(name, b))
        };
        assert!(same("foo", &["1, 2"], &["1", "2"]));
        assert!(same("foo", &["1,2"], &[" 1, 2 "]));
        assert!(!same("foo", &["1, 2"], &["2, 1"]));
        assert!(!same("foo", &["a"], &["A"]));
        assert!(!same("foo", &[], &[""]), "absent is not empty");
        assert!(!same("foo", &["\"a, b\""], &["\"a,b\""]), "not inside of quotes");
        assert!(same("accept-language", &["en, de"], &["de, en"]));
        assert!(same("accept-language", &["en, de"], &["eN, De"]));
        assert!(same("accept-language", &["en, de"], &[" en ,   de"]));
        assert!(same("accept-language", &["en;q=1.0, de;q=0.5"], &["de; q=0.50, en"]));
        assert!(!same("accept-language", &["en;q=0.1, de"], &["en, de;q=0.1"]));
        assert!(same("accept-encoding", &["gzip, br"], &["br,gzip"]));
    }
}
