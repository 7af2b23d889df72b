//! The formats of messages that a node reads, as it states them to others.

use std::fmt;

use littoral_peer::wire;

/// A set of formats. A client writes the highest that both sides read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats(Vec<u8>);

/// The header of an answer to a format that is not read: `1, 2`.
pub(crate) const FORMATS: &str = "littoral-formats";
/// Where a message of a format goes: the format follows.
const PATH: &str = "/peer/";
/// Formats that one node may state.
const FORMATS_MAX: usize = 16;

impl Default for Formats {
    /// What this build reads.
    fn default() -> Self {
        Self(vec![wire::VERSION])
    }
}

impl Formats {
    pub fn new(list: impl IntoIterator<Item = u8>) -> Self {
        let mut list: Vec<_> = list.into_iter().take(FORMATS_MAX).collect();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }

    /// `None`: it is no such list.
    pub fn parse(text: &str) -> Option<Self> {
        let list: Option<Vec<u8>> =
            text.split(',').take(FORMATS_MAX).map(|number| number.trim().parse().ok()).collect();
        list.map(Self::new)
    }

    pub(crate) fn contains(&self, format: u8) -> bool {
        self.0.contains(&format)
    }

    pub(crate) fn highest(&self) -> Option<u8> {
        self.0.last().copied()
    }

    /// The highest that both read.
    pub fn common(&self, other: &Self) -> Option<u8> {
        self.0.iter().rev().copied().find(|format| other.contains(*format))
    }
}

impl fmt::Display for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, format) in self.0.iter().enumerate() {
            write!(f, "{}{format}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

pub(crate) fn path(format: u8) -> String {
    format!("{PATH}{format}")
}

/// The format of a message that is sent to `path`; `None`: it goes nowhere.
pub(crate) fn of_path(path: &str) -> Option<u8> {
    path.strip_prefix(PATH)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_format_that_both_read_is_found() {
        let ours = Formats::new([1, 2, 4]);
        let common = |theirs: &str| ours.common(&Formats::parse(theirs).unwrap());
        assert_eq!(common("1"), Some(1));
        assert_eq!(common("1, 2,3"), Some(2));
        assert_eq!(common("3,5"), None);
        assert_eq!(Formats::parse("1, x"), None);
        assert_eq!(Formats::parse("256"), None);
        assert_eq!(ours.to_string(), "1, 2, 4");
        assert_eq!(Formats::parse(&ours.to_string()), Some(ours));
    }

    #[test]
    fn a_path_names_its_format() {
        assert_eq!(of_path(&path(7)), Some(7));
        assert_eq!(of_path("/peer/"), None);
        assert_eq!(of_path("/peer/1/"), None);
        assert_eq!(of_path("/other/1"), None);
    }
}
