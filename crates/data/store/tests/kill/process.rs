//! A child that runs one ignored test of this binary until it is killed, and what it said by then.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use littoral_clock::Chance;

const DIR: &str = "LITTORAL_KILL_TEST_DIR";

/// Lines of a child start with this: the test harness says things too.
const SAID: &str = "said ";

/// Runs `test` on `dir` and kills it at a random moment: after up to `lines_max` lines, wherever
/// its other threads are by then. Everything it said before it died.
pub(crate) fn run_until_killed(
    test: &str,
    dir: &Path,
    lines_max: u64,
    chance: &mut Chance,
) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = lines.by_ref().filter_map(|line| {
        let line = line.unwrap();
        line.find(SAID).map(|at| line[at + SAID.len()..].to_owned())
    });
    let before: Vec<_> = said.by_ref().take(1 + chance.below(lines_max) as usize).collect();
    child.kill().unwrap();
    let after = said.collect::<Vec<_>>();
    let status = child.wait().unwrap();
    assert!(!before.is_empty() && !status.success(), "the child ended by itself: {status}");
    [before, after].concat()
}

/// The folder a child works on; `None` in a run that nobody started for it.
pub(crate) fn dir() -> Option<OsString> {
    std::env::var_os(DIR)
}

/// One line, whole, to whoever kills us.
pub(crate) fn say(line: &str) {
    println!("{SAID}{line}");
}
