//! Runs a target over its corpus and what grows from it, within a bound.

use std::fmt;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use littoral_clock::Clock;

use crate::Target;
use crate::mutate::Mutator;
use crate::shrink::shrink;

/// How long a target is run: until either is used up, and the corpus always whole.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub mutations: u64,
    pub time: Duration,
}

/// One input may take this long: what a client sends must not hold up a node.
const INPUT_TIME_MAX: Duration = Duration::from_secs(5);

/// What a run without failure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Inputs from files, and samples.
    pub corpus: usize,
    pub mutations: u64,
}

/// An input that a target does not take, as small as it could be made.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    pub target: &'static str,
    pub why: String,
    pub input: Vec<u8>,
    /// The file it came from, if it came from one.
    pub file: Option<PathBuf>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, why, input, file } = self;
        writeln!(f, "{target} fails: {why}")?;
        if let Some(file) = file {
            writeln!(f, "on {}, smaller:", file.display())?;
        }
        writeln!(f, "  b\"{}\"", input.escape_ascii())?;
        write!(f, "fix the parser, and keep the input in fuzz/corpus/{target}")
    }
}

/// Inputs kept in files, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn corpus(target: &Target) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let bytes = std::fs::read(&path)?;
        inputs.push((path, bytes));
    }
    inputs.sort();
    Ok(inputs)
}

/// Runs a target over `corpus`, its samples, and changes of both.
///
/// # Errors
/// With the first input that fails.
pub fn run(
    target: &Target,
    corpus: Vec<(PathBuf, Vec<u8>)>,
    bound: Bound,
    seed: u64,
) -> Result<Ran, Box<Failure>> {
    let clock = Clock::system();
    let mut inputs = Vec::new();
    for (file, bytes) in corpus {
        check(target, &clock, &bytes, Some(file))?;
        inputs.push(bytes);
    }
    for sample in (target.samples)() {
        check(target, &clock, &sample, None)?;
        inputs.push(sample);
    }
    let mut ran = Ran { corpus: inputs.len(), mutations: 0 };
    let end = clock.after(bound.time);
    let mut mutator = Mutator::new(inputs, target.words, seed);
    while ran.mutations < bound.mutations && clock.mono() < end {
        check(target, &clock, &mutator.next(), None)?;
        ran.mutations += 1;
    }
    Ok(ran)
}

fn check(
    target: &Target,
    clock: &Clock,
    bytes: &[u8],
    file: Option<PathBuf>,
) -> Result<(), Box<Failure>> {
    let began = clock.mono();
    let failed = panics(target, bytes);
    let took = clock.mono().since(began);
    let (why, input) = match failed {
        Some(why) => (why, shrink(bytes, |bytes| panics(target, bytes).is_some())),
        None if took > INPUT_TIME_MAX => (format!("it takes {took:?}"), bytes.to_vec()),
        None => return Ok(()),
    };
    Err(Box::new(Failure { target: target.name, why, input, file }))
}

/// Why a target does not take an input, if it does not.
fn panics(target: &Target, bytes: &[u8]) -> Option<String> {
    let cause = catch_unwind(|| (target.run)(bytes)).err()?;
    let text = cause.downcast_ref::<String>().cloned();
    Some(
        text.or_else(|| cause.downcast_ref().map(|&text: &&str| text.to_owned()))
            .unwrap_or_default(),
    )
}
