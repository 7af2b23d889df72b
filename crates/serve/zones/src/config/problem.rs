//! What is wrong with a `zone.toml`, and where.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong: a place in the text, what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In bytes of the text.
    pub place: Range<usize>,
    pub message: String,
}

impl Problem {
    pub(crate) fn at(text: &str, place: Range<usize>, message: impl Into<String>) -> Self {
        let mut start = place.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            place: start..place.end.clamp(start, text.len()),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}
