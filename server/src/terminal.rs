//! What people see: results on standard output, everything else on standard error.

use std::io::{self, Write as _};

use crate::failure::Failure;

/// A line of result.
pub fn say(line: &str) -> Result<(), Failure> {
    write(format!("{line}\n").as_bytes())
}

/// Bytes of result, as they are.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|source| match source.kind() {
        io::ErrorKind::BrokenPipe => Failure::reader_gone(),
        _ => Failure::new("littoral::output", "cannot write the result", "look at where it goes")
            .because(source),
    })
}

/// A line about what happens.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The program as a person would type it again: its path when it has one, from here if it is below.
pub fn program() -> String {
    let Some(typed) = std::env::args_os().next() else {
        return "littoral".into();
    };
    let path = std::path::PathBuf::from(typed);
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(&path).display().to_string()
}
