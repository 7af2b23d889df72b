//! A child that runs one ignored test of this binary until it dies, and what it said by then.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use littoral_clock::Chance;

const DIR: &str = "LITTORAL_KILL_TEST_DIR";
const LINES: &str = "LITTORAL_KILL_TEST_LINES";

/// Lines of a child start with this: the test harness says things too.
const SAID: &str = "said ";

/// How a child dies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// Killed from outside, wherever all of its threads are.
    Killed,
    /// Gone in the very moment in which it said something, too soon for anything to follow.
    Aborts,
}

/// Runs `test` on `dir` until it dies after up to `lines_max` lines. Everything it said by then.
pub(crate) fn run_until_dead(
    test: &str,
    dir: &Path,
    death: Death,
    lines_max: u64,
    chance: &mut Chance,
) -> Vec<String> {
    let count = 1 + chance.below(lines_max);
    let aborts_at = match death {
        Death::Killed => u64::MAX,
        Death::Aborts => count,
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(LINES, aborts_at.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = lines.by_ref().filter_map(|line| {
        let line = line.unwrap();
        line.find(SAID).map(|at| line[at + SAID.len()..].to_owned())
    });
    let before: Vec<_> = said.by_ref().take(count as usize).collect();
    if matches!(death, Death::Killed) {
        child.kill().unwrap();
    }
    let after = said.collect::<Vec<_>>();
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "the child ended by itself: {status}");
    assert_eq!(before.len() as u64, count);
    [before, after].concat()
}

/// The folder a child works on; `None` in a run that nobody started for it.
pub(crate) fn dir() -> Option<OsString> {
    std::env::var_os(DIR)
}

/// One line, whole, to whoever waits for us to die.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn say(line: &str) {
    static ABORTS_AT: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let aborts_at = *ABORTS_AT.get_or_init(|| {
        std::env::var_os(LINES).and_then(|lines| lines.to_str()?.parse().ok()).unwrap_or(u64::MAX)
    });
    println!("{SAID}{line}");
    if COUNT.fetch_add(1, Ordering::Relaxed) + 1 == aborts_at {
        std::process::abort();
    }
}
