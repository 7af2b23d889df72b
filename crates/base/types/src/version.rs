//! The stamp of one write: totally ordered over all writers.

use std::fmt;
use std::str::FromStr;

use crate::Wall;

/// A hybrid logical clock reading (wall milliseconds and a counter) and the writer's id, which is
/// new at each start of a node. Two writes never share a version.
///
/// As text: sixteen hexadecimal digits of time, a dash, sixteen of writer. Text sorts as versions do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Milliseconds shifted left by 16, plus the counter.
    time: u64,
    writer: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is 1 to 40 characters of [0-9a-z-], as an ETag or Littoral-Version showed it")]
pub struct VersionError;

impl Version {
    /// Older than every write: what a key without a row has.
    pub const ZERO: Self = Self { time: 0, writer: 0 };

    /// `counter` breaks ties inside one millisecond.
    pub fn new(wall: Wall, counter: u16, writer: u64) -> Self {
        Self { time: (wall.0 << 16) | u64::from(counter), writer }
    }

    pub fn from_parts(time: u64, writer: u64) -> Self {
        Self { time, writer }
    }

    pub fn parts(self) -> (u64, u64) {
        (self.time, self.writer)
    }

    pub fn wall(self) -> Wall {
        Wall(self.time >> 16)
    }

    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.time, self.writer)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (time, writer) = text.split_once('-').ok_or(VersionError)?;
        let part = |digits: &str| {
            let plain = digits.len() == 16
                && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if !plain {
                return Err(VersionError);
            }
            u64::from_str_radix(digits, 16).map_err(|_| VersionError)
        };
        Ok(Self { time: part(time)?, writer: part(writer)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_the_order_and_comes_back() {
        let early = Version::new(Wall(1_700_000_000_000), 0xffff, u64::MAX);
        let late = Version::new(Wall(1_700_000_000_001), 0, 0);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(late.wall(), Wall(1_700_000_000_001));
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for bad in ["", "-", "1-2", "0000000000000001", "000000000000000G-0000000000000000"] {
            assert_eq!(bad.parse::<Version>(), Err(VersionError), "{bad}");
        }
        assert!("+000000000000001-0000000000000000".parse::<Version>().is_err());
    }
}
