//! `littoral history`: whether what clients saw is what they were promised.

mod draw;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use littoral_history::{Bounds, Error, History, Promise, check};
use miette::Result;

use crate::args::{Check, HistoryCommand};
use crate::failure::Failure;
use crate::terminal;

/// How much of a file is read at once.
const READ_BYTES: usize = 1 << 20;

pub fn run(command: HistoryCommand) -> Result<()> {
    match command {
        HistoryCommand::Check(options) => judge(&options),
    }
}

fn judge(options: &Check) -> Result<()> {
    let bounds = Bounds {
        max_skew: options.max_skew.into(),
        stale_after: options.stale_after.0,
        settled_after: options.settled_after.0,
        compare: options.compare,
    };
    let report = check(&read(&options.file)?, &bounds);
    let text = match options.json {
        true => draw::json(&report, &bounds),
        false => draw::text(&report, &bounds),
    };
    let said = terminal::say(&text);
    if report.is_clean() {
        return Ok(said?);
    }
    // Whoever read enough of the list is told all the same how it ends.
    let broken = Promise::ALL.iter().filter(|promise| report.count(**promise) > 0).count();
    let what = format!("the history breaks {}", draw::counted(broken, "promise"));
    let next =
        "look at the lines it names; `littoral history check --help` says what each promise is";
    Err(Failure::new("littoral::promise_broken", what, next).into())
}

fn read(file: &Path) -> Result<History, Failure> {
    let name = file.display();
    let unreadable = |what: String, next: &str| Failure::new("littoral::unreadable", what, next);
    let reader: Box<dyn BufRead> = match file.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => {
            let opened = File::open(file).map_err(|source| {
                let next = "give a file of JSON lines, or - for standard input";
                unreadable(format!("cannot open {name}"), next).because(source)
            })?;
            Box::new(BufReader::with_capacity(READ_BYTES, opened))
        }
    };
    History::read(reader).map_err(|error| {
        let next = match error {
            Error::Line { .. } | Error::LongLine { .. } => {
                "mend the line, or what recorded it; `littoral history check --help` shows the format"
            }
            Error::Read { .. } => "look at where it comes from",
            Error::TooMany { .. } => "divide it by keys, each of which is judged alone",
        };
        let what = format!("{name}: {error}");
        match error {
            Error::Read { source, .. } => unreadable(what, next).because(source),
            _ => unreadable(what, next),
        }
    })
}
