//! Many operations, packed so that millions fit in memory.

use std::io::{self, BufRead, Read as _};

use crate::names::Names;
use crate::operation::{Defect, Op, Operation, Outcome};

/// Longest line that is read.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// Most operations in one history: each brings up to three versions, numbered with 32 bits, with
/// room between two.
pub const OPERATIONS_MAX: usize = 1 << 29;

/// What clients did and saw, on one clock, in any order.
#[derive(Debug, Default)]
pub struct History {
    pub(crate) rows: Vec<Row>,
    pub(crate) keys: Names,
    pub(crate) locations: Names,
    pub(crate) versions: Names,
}

/// An operation whose texts are numbers of [`Names`]; 0: none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) line: u32,
    pub(crate) key: u32,
    pub(crate) location: u32,
    pub(crate) version: u32,
    pub(crate) min_version: u32,
    pub(crate) if_match: u32,
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
}

/// Why there is no history to judge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("line {line}: {why}")]
    Line { line: usize, why: Defect },
    #[error("line {line} has more than {LINE_BYTES_MAX} bytes")]
    LongLine { line: usize },
    #[error("line {line} cannot be read")]
    Read { line: usize, source: io::Error },
    #[error("line {line} is one more than {OPERATIONS_MAX} operations")]
    TooMany { line: usize },
}

impl History {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a JSON line for each operation; empty lines are passed over.
    pub fn read(mut reader: impl BufRead) -> Result<Self, Error> {
        let mut history = Self::new();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let mut limited = (&mut reader).take(LINE_BYTES_MAX as u64 + 1);
            let read = limited.read_until(b'\n', &mut bytes);
            if read.map_err(|source| Error::Read { line, source })? == 0 {
                break;
            }
            if bytes.len() > LINE_BYTES_MAX {
                return Err(Error::LongLine { line });
            }
            let text = bytes.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let operation = Operation::of_json(text).map_err(|why| Error::Line { line, why })?;
            let number = match u32::try_from(line) {
                Ok(number) if history.rows.len() < OPERATIONS_MAX => number,
                _ => return Err(Error::TooMany { line }),
            };
            history.keep(&operation, number);
        }
        Ok(history)
    }

    /// Adds an operation; its line number is how many there are then.
    ///
    /// # Panics
    /// Beyond [`OPERATIONS_MAX`].
    pub fn push(&mut self, operation: &Operation) -> Result<(), Defect> {
        operation.validate()?;
        assert!(self.rows.len() < OPERATIONS_MAX, "more than {OPERATIONS_MAX} operations");
        let number = u32::try_from(self.rows.len() + 1).expect("below the limit");
        self.keep(operation, number);
        Ok(())
    }

    /// How many operations there are.
    pub fn operations(&self) -> usize {
        self.rows.len()
    }

    fn keep(&mut self, operation: &Operation, line: u32) {
        let mut version =
            |text: &Option<String>| text.as_deref().map_or(0, |text| self.versions.number(text));
        self.rows.push(Row {
            start: operation.start_ns,
            end: operation.end_ns,
            line,
            version: version(&operation.version),
            min_version: version(&operation.min_version),
            if_match: version(&operation.if_match),
            key: self.keys.number(&operation.key),
            location: self.locations.number(&operation.location),
            op: operation.op,
            outcome: operation.outcome,
        });
    }
}
