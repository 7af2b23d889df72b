//! A program that a test runs to its end, within a limit.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::wait::until;

/// Real clients start slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// How it ended, and what it said.
#[derive(Clone, Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    /// Itself, if it went well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.text(), self.stderr);
        self
    }

    /// Itself, if it did not.
    #[track_caller]
    pub fn badly(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "{}\n{}", self.text(), self.stderr);
        self
    }

    /// What it wrote to standard output.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// All it said, on either stream.
    pub fn said(&self) -> String {
        self.text() + &self.stderr
    }
}

/// Runs it to its end; past the limit it is killed, which fails the test.
#[track_caller]
pub fn run(command: &mut Command, input: &[u8]) -> Ended {
    let name = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
    let stdout = child.stdout.take().expect("the pipe was asked for");
    let stderr = child.stderr.take().expect("the pipe was asked for");
    let mut stdin = child.stdin.take().expect("the pipe was asked for");
    let input = input.to_vec();
    // Each on its own thread, so that no full pipe holds up the others.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = std::thread::spawn(move || read(stdout));
    let stderr = std::thread::spawn(move || read(stderr));
    let mut guard = Killed(child);
    let status = until(&format!("{name} has ended"), PATIENCE, || guard.0.try_wait().ok()?);
    writer.join().expect("a writer ends");
    Ended {
        code: status.code(),
        stdout: stdout.join().expect("a reader ends"),
        stderr: String::from_utf8_lossy(&stderr.join().expect("a reader ends")).into_owned(),
    }
}

fn read(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error is what it said.
    let _ = from.read_to_end(&mut bytes);
    bytes
}

struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
