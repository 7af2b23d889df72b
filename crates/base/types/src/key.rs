//! Spaces, what answers for them, and tags.

use std::fmt;
use std::str::FromStr;

/// A named key space: a namespace, a zone's responses, the baked files of an app.
///
/// An id belongs to one [`Kind`]: ids of all kinds are one range, and entries are held by it alone.
/// As text: 32 hexadecimal digits, lower case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(pub u128);

/// Which `Origin` (of `crates/path/tiers`) answers for a space: a small number that each origin's
/// crate takes, the same on every node. `tiers` only looks it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// A space and what answers for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space {
    pub id: SpaceId,
    pub kind: Kind,
}

/// A label by which many entries can be purged at once: a 64-bit hash of its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct SpaceIdError;

impl SpaceId {
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for SpaceId {
    type Err = SpaceIdError;

    fn from_str(text: &str) -> Result<Self, SpaceIdError> {
        if text.len() != 32 {
            return Err(SpaceIdError);
        }
        // By halves: every request shows an id or two, and 128-bit arithmetic is slow.
        let half = |digits: &[u8]| {
            let mut digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
            digits.try_fold(0_u64, |number, digit| Some(number << 4 | u64::from(digit?)))
        };
        let (high, low) = text.as_bytes().split_at(16);
        let halves = half(high).zip(half(low)).ok_or(SpaceIdError)?;
        Ok(Self(u128::from(halves.0) << 64 | u128::from(halves.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_exactly_thirty_two_hex_digits() {
        for id in [SpaceId(0xabc), SpaceId(u128::MAX - 0xabc), SpaceId(1 << 64), SpaceId(0)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(
            "ABCDEFabcdef00000000000000000001".parse(),
            Ok(SpaceId(0xabcdefabcdef00000000000000000001))
        );
        for bad in ["", "abc", "+0000000000000000000000000000000", &"g".repeat(32), &"é".repeat(16)]
        {
            assert!(bad.parse::<SpaceId>().is_err(), "{bad}");
        }
    }
}
