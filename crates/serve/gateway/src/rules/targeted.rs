//! Cache directives for caches like this one only (RFC 9213): dictionaries of structured fields (RFC
//! 8941), so that a field that cannot be read is no field.

use http::{HeaderMap, HeaderName};

use super::Directives;
use super::directives::{Fields, SECONDS_MAX};
use super::list::split;

/// For Littoral's caches alone: not passed on.
pub const LITTORAL_CDN_CACHE_CONTROL: HeaderName =
    HeaderName::from_static("littoral-cdn-cache-control");
/// For every shared cache that a site pays for: passed on.
pub const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The fields that are addressed to us, the nearest first.
const TARGETS: [HeaderName; 2] = [LITTORAL_CDN_CACHE_CONTROL, CDN_CACHE_CONTROL];

impl Directives {
    /// What the first sound field that is addressed to us says. Then neither `Cache-Control` nor
    /// `Expires` counts (RFC 9213, section 2.2).
    pub fn targeted(headers: &HeaderMap) -> Option<Self> {
        TARGETS.iter().find_map(|name| {
            let lines: Vec<_> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
            let directives = read(&lines.join(&b", "[..]))?;
            Some(directives)
        })
    }

    /// What holds for us: the field that is addressed to us, or `Cache-Control`. Also whether it was
    /// the former.
    pub fn effective(headers: &HeaderMap) -> (Self, bool) {
        match Self::targeted(headers) {
            Some(targeted) => (targeted, true),
            None => (Self::of(headers), false),
        }
    }
}

/// A dictionary's directives; `None` when it is empty, no dictionary, or gives a directive that we
/// know a value of another type.
pub(crate) fn read(text: &[u8]) -> Option<Directives> {
    let mut said = Directives::default();
    let mut rest = Reader(text);
    rest.skip_spaces();
    if rest.0.is_empty() {
        return None;
    }
    loop {
        let key = rest.key()?;
        let value = if rest.take(b'=') { rest.item()? } else { Item::Bool(true) };
        rest.parameters()?;
        // Said twice, the last holds: each replaces.
        apply(&mut said, key, value)?;
        rest.skip_white();
        if rest.0.is_empty() {
            return Some(said);
        }
        if !rest.take(b',') {
            return None;
        }
        rest.skip_white();
        // A comma at the end is an error.
        if rest.0.is_empty() {
            return None;
        }
    }
}

fn apply(said: &mut Directives, key: &[u8], value: Item) -> Option<()> {
    match key {
        b"no-store" => said.no_store = value.flag()?,
        b"public" => said.public = value.flag()?,
        b"must-revalidate" => said.must_revalidate = value.flag()?,
        b"proxy-revalidate" => said.proxy_revalidate = value.flag()?,
        b"must-understand" => said.must_understand = value.flag()?,
        b"no-cache" => said.no_cache = value.fields()?,
        b"private" => said.private = value.fields()?,
        b"max-age" => said.max_age = Some(value.seconds()?),
        b"s-maxage" => said.s_maxage = Some(value.seconds()?),
        b"stale-while-revalidate" => said.stale_while_revalidate = Some(value.seconds()?),
        b"stale-if-error" => said.stale_if_error = Some(value.seconds()?),
        _ => {}
    }
    Some(())
}

/// A bare item.
enum Item {
    Bool(bool),
    Integer(i64),
    Text(Vec<u8>),
    Token(Vec<u8>),
    /// Of a type that no directive has.
    Other,
}

impl Item {
    fn flag(self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(flag) } else { None }
    }

    /// Below zero is zero: stale.
    fn seconds(self) -> Option<u64> {
        let Self::Integer(seconds) = self else { return None };
        Some(u64::try_from(seconds).unwrap_or(0).min(SECONDS_MAX))
    }

    fn fields(self) -> Option<Option<Fields>> {
        let names = match self {
            Self::Bool(true) => return Some(Some(Fields::All)),
            Self::Bool(false) => return Some(None),
            Self::Text(names) | Self::Token(names) => names,
            _ => return None,
        };
        let names = split(&names).map(HeaderName::from_bytes).collect::<Result<Vec<_>, _>>();
        Some(Some(match names {
            Ok(names) if !names.is_empty() => Fields::Only(names),
            _ => Fields::All,
        }))
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        rest.inspect(|rest| self.0 = rest).is_some()
    }

    fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !fits(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn skip_spaces(&mut self) {
        self.take_while(|byte| byte == b' ');
    }

    fn skip_white(&mut self) {
        self.take_while(|byte| byte == b' ' || byte == b'\t');
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        let begins = self.0.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'*');
        begins.then(|| {
            self.take_while(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b)
            })
        })
    }

    fn item(&mut self) -> Option<Item> {
        match self.0.first()? {
            b'?' => {
                self.take(b'?');
                let flag = self.take(b'1');
                (flag || self.take(b'0')).then_some(Item::Bool(flag))
            }
            b'"' => self.text().map(Item::Text),
            b':' => self.binary(),
            b'(' => self.inner_list(),
            b'-' | b'0'..=b'9' => self.number(),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => {
                let token = self
                    .take_while(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&b));
                Some(Item::Token(token.to_vec()))
            }
            _ => None,
        }
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        self.take(b'"');
        let mut said = Vec::new();
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return Some(said),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    said.push(*[b'"', b'\\'].iter().find(|byte| *byte == escaped)?);
                }
                0x20..=0x7e => said.push(*byte),
                _ => return None,
            }
        }
    }

    fn binary(&mut self) -> Option<Item> {
        self.take(b':');
        self.take_while(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        self.take(b':').then_some(Item::Other)
    }

    fn inner_list(&mut self) -> Option<Item> {
        self.take(b'(');
        loop {
            self.skip_spaces();
            if self.take(b')') {
                return Some(Item::Other);
            }
            if matches!(self.0.first()?, b'(') {
                return None;
            }
            self.item()?;
            self.parameters()?;
            if !matches!(self.0.first()?, b' ' | b')') {
                return None;
            }
        }
    }

    /// An integer has at most 15 digits, a decimal at most 12 before its point and 3 behind.
    fn number(&mut self) -> Option<Item> {
        let negative = self.take(b'-');
        let digits = self.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() || digits.len() > 15 {
            return None;
        }
        if self.take(b'.') {
            let part = self.take_while(|b| b.is_ascii_digit());
            let sound = digits.len() <= 12 && (1..=3).contains(&part.len());
            return sound.then_some(Item::Other);
        }
        let value = digits.iter().fold(0, |so_far, b| so_far * 10 + i64::from(b - b'0'));
        Some(Item::Integer(if negative { -value } else { value }))
    }

    /// Read, and ignored.
    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip_spaces();
            self.key()?;
            if self.take(b'=') {
                match self.0.first()? {
                    b'(' => return None,
                    _ => self.item()?,
                };
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn max_age(text: &str) -> Option<Option<u64>> {
        read(text.as_bytes()).map(|directives| directives.max_age)
    }

    #[test]
    fn a_dictionary_is_read_and_its_parameters_are_ignored() {
        // RFC 9213, section 2.1.
        assert_eq!(max_age("max-age=3600"), Some(Some(3600)));
        assert_eq!(max_age("foobar, max-age=3600"), Some(Some(3600)));
        assert_eq!(max_age("max-age=99999999999"), Some(Some(SECONDS_MAX)));
        assert_eq!(max_age("max-age=10;x=?1;y=\"a,b\", z=(a \"b\" 1.5);q"), Some(Some(10)));
        assert_eq!(max_age("max-age=1, max-age=5"), Some(Some(5)), "the last of a key holds");
        assert_eq!(max_age("max-age=-5"), Some(Some(0)));
        assert!(read(b"no-store").expect("sound").no_store);
        assert!(!read(b"no-store=?0").expect("sound").no_store);
        assert_eq!(read(b"private").expect("sound").private, Some(Fields::All));
    }

    #[test]
    fn a_field_that_is_no_dictionary_or_of_a_wrong_type_is_no_field() {
        // RFC 9213, section 2.1: "ignored", also when a value has not the type of its directive.
        for bad in [
            "",
            "  ",
            "max-age=10000, &&&&&",
            "max-age=\"10000\"",
            "max-age=10.5",
            "max-age",
            "max-age =100",
            "max-age= 100",
            "MaX-aGe=3600",
            "max-age=5,",
            "max-age=5 no-store",
            "max-age=1234567890123456",
            "no-store=1",
            "x=\"open",
            "x=(a",
            "x=:a",
        ] {
            assert!(read(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_nearest_target_counts_then_the_next_then_cache_control() {
        // RFC 9213, section 2.2.
        let of = |lines: &[(&'static str, &'static str)]| {
            let line = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            let headers = lines.iter().map(line).collect::<HeaderMap>();
            let (directives, targeted) = Directives::effective(&headers);
            (directives.max_age, directives.no_store, targeted)
        };
        let cc = ("cache-control", "no-store");
        assert_eq!(of(&[("cdn-cache-control", "max-age=9"), cc]), (Some(9), false, true));
        assert_eq!(of(&[("cdn-cache-control", "max-age=x y"), cc]), (None, true, false));
        let ours = ("littoral-cdn-cache-control", "max-age=3");
        assert_eq!(of(&[("cdn-cache-control", "max-age=9"), ours]), (Some(3), false, true));
        let two = [("cdn-cache-control", "foo"), ("cdn-cache-control", "max-age=4")];
        assert_eq!(of(&two), (Some(4), false, true), "lines of one field are one dictionary");
    }
}
