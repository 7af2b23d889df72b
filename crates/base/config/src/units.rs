//! Numbers with their unit: `"5s"`, `"25MiB"`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time. As text a whole number and `ms`, `s`, `m`, `h` or `d`; `0` needs no unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(pub Duration);

/// A number of bytes. As text a whole number and `B`, `KiB`, `MiB`, `GiB` or `TiB` (or `kB`, `MB`,
/// `GB`, `TB`, of a thousand each); `0` needs no unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteCount(pub u64);

/// Why a text is no such number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct UnitError {
    text: String,
    expected: &'static str,
}

/// Milliseconds per unit, largest first.
const TIMES: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Bytes per unit; the binary ones, largest first, are those a count is shown in.
const BYTES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

impl TimeSpan {
    pub const ZERO: Self = Self(Duration::ZERO);

    pub const fn milliseconds(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    pub const fn hours(count: u64) -> Self {
        Self(Duration::from_secs(count * 3_600))
    }
}

impl ByteCount {
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }
}

/// A whole number and one of `units`, as the product; `None` when it is neither or overflows.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.checked_mul(*size)
}

/// The largest unit that divides `amount`.
fn shown(amount: u64, units: &[(&str, u64)]) -> String {
    let whole = |(_, size): &&(&str, u64)| amount != 0 && amount.is_multiple_of(*size);
    match units.iter().find(whole) {
        Some((unit, size)) => format!("{}{unit}", amount / size),
        None => format!("{amount}{}", units.last().map_or("", |(unit, _)| unit)),
    }
}

impl FromStr for TimeSpan {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let expected = "a length of time such as \"500ms\", \"5s\", \"10m\", \"24h\" or \"7d\"";
        measure(text, &TIMES)
            .map(Self::milliseconds)
            .ok_or_else(|| UnitError { text: text.into(), expected })
    }
}

impl FromStr for ByteCount {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let expected = "a size such as \"512B\", \"64KiB\", \"25MiB\" or \"2GiB\"";
        measure(text, &BYTES).map(Self).ok_or_else(|| UnitError { text: text.into(), expected })
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        f.write_str(&shown(milliseconds, &TIMES))
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0, &BYTES[..5]))
    }
}

impl From<TimeSpan> for Duration {
    fn from(span: TimeSpan) -> Self {
        span.0
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("text with a number and its unit, in quotes")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

as_text!(TimeSpan);
as_text!(ByteCount);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_in_their_largest_whole_unit() {
        for (text, milliseconds, shown) in [
            ("500ms", 500, "500ms"),
            ("1500ms", 1_500, "1500ms"),
            ("5s", 5_000, "5s"),
            ("90 s", 90_000, "90s"),
            ("60m", 3_600_000, "1h"),
            ("24h", 86_400_000, "1d"),
            ("7d", 604_800_000, "7d"),
            ("0", 0, "0ms"),
        ] {
            let span: TimeSpan = text.parse().expect(text);
            assert_eq!(span, TimeSpan::milliseconds(milliseconds));
            assert_eq!(span.to_string(), shown);
            assert_eq!(shown.parse(), Ok(span));
        }
    }

    #[test]
    fn sizes_of_both_kinds_are_read_and_shown_in_binary_ones() {
        for (text, bytes, shown) in [
            ("25MiB", 26_214_400, "25MiB"),
            ("25MB", 25_000_000, "25000000B"),
            ("1024KiB", 1 << 20, "1MiB"),
            ("3B", 3, "3B"),
            ("0", 0, "0B"),
        ] {
            let count: ByteCount = text.parse().expect(text);
            assert_eq!((count.0, count.to_string().as_str()), (bytes, shown));
        }
    }

    #[test]
    fn what_has_no_unit_or_too_many_digits_is_refused() {
        for bad in ["", "5", "s", "-5s", "5 minutes", "1.5s", "99999999999999999999s", "+5s"] {
            assert!(bad.parse::<TimeSpan>().is_err(), "{bad}");
        }
        for bad in ["", "5", "MiB", "5mib", "99999999999TiB", "1e3B"] {
            assert!(bad.parse::<ByteCount>().is_err(), "{bad}");
        }
    }
}
