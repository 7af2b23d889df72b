//! What people see: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};

/// A line of result. A reader that has gone away is not an error.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A line about what happens.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether a person may see colours on standard output.
pub fn is_colourful() -> bool {
    io::stdout().is_terminal()
}

/// The program as a person would type it again: its path when it has one, from here if it is below.
pub fn program() -> String {
    let Some(typed) = std::env::args_os().next() else {
        return "littoral".into();
    };
    let path = std::path::PathBuf::from(typed);
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(&path)
        .display()
        .to_string()
}
