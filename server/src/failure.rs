//! How a failed command ends: exit codes, and errors drawn for a person.

use std::fmt;
use std::process::ExitCode;

use miette::{Diagnostic, Report};

/// A request failed, a file could not be read, a service is not there.
const FAILED: u8 = 1;
/// What was to be judged cannot be read.
const UNREADABLE: u8 = 2;
/// The answer is no: the key or namespace does not exist, or the precondition does not hold.
const NO: u8 = 3;

/// Told to stop: what shells say of a command that ctrl-c ended.
const INTERRUPTED: u8 = 130;

const READER_GONE: &str = "littoral::reader_gone";

/// The codes that end a command with [`NO`] and not [`FAILED`].
pub const CODES_OF_NO: [&str; 5] = [
    "littoral::key_not_found",
    "littoral::namespace_not_found",
    "littoral::token_not_found",
    "littoral::precondition_failed",
    "littoral::doctor_found",
];

/// An error made on the spot: what happened, its code, and the next step.
#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    pub what: String,
    pub next: String,
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    pub fn new(code: &'static str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, what: what.into(), next: next.into(), source: None }
    }

    pub fn interrupted() -> Self {
        Self::new("littoral::interrupted", "interrupted", "run the same command again")
    }

    /// Whoever read the result has enough: `littoral kv list | head`.
    pub fn reader_gone() -> Self {
        Self::new(READER_GONE, "nobody reads the result any more", "")
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.next))
    }
}

/// Sets how reports are drawn. Lines are left whole, so that a word can be searched for.
pub fn install_handler() {
    // A second call would fail; there is none.
    let _ = miette::set_hook(Box::new(|_| {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())
    }));
}

/// Draws the report and picks the exit code.
pub fn report(report: &Report) -> ExitCode {
    if report.code().is_some_and(|code| code.to_string() == READER_GONE) {
        return ExitCode::SUCCESS;
    }
    crate::terminal::note(&format!("{report:?}"));
    ExitCode::from(exit_code(report))
}

fn exit_code(report: &Report) -> u8 {
    let code = report.code().map(|code| code.to_string()).unwrap_or_default();
    match code.as_str() {
        "littoral::interrupted" => INTERRUPTED,
        "littoral::unreadable" => UNREADABLE,
        code if CODES_OF_NO.contains(&code) => NO,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_ends_differently_from_a_broken_request() {
        let no = Failure::new("littoral::key_not_found", "no such key", "look at the list");
        assert_eq!(exit_code(&no.into()), NO);
        let broken = Failure::new("littoral::unreachable", "nobody there", "start it");
        assert_eq!(exit_code(&broken.into()), FAILED);
        assert_eq!(exit_code(&Failure::interrupted().into()), INTERRUPTED);
        let unreadable = Failure::new("littoral::unreadable", "line 7", "mend it");
        assert_eq!(exit_code(&unreadable.into()), UNREADABLE);
    }
}
