//! One network without faults in a process of its own, for `cargo xtask bench purges`: prints what a
//! write cost, and what the process holds.

#![expect(clippy::print_stdout, reason = "a command talks to its terminal")]

use std::process::ExitCode;
use std::time::Duration;

use littoral_sim::{PurgeOptions, Quiet, on_own_time};

const USAGE: &str = "\
usage: littoral-purges LOCATIONS REGIONS WRITES READERS

prints, in one line: records of the first and of the second stream for each write, courtesies for
each write, questions of followers in a second for each location and stream, and the resident KiB of
the process once the network is idle, before anything was read or written";

const SEED: u64 = 11;
/// In which nobody asks for anything, of the network's own time.
const IDLE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let words: Vec<u16> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (locations, regions, writes, readers) = match words[..] {
        [locations, regions, writes, readers] if locations > 1 && regions > 0 => {
            (locations, regions, writes, readers)
        }
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let options = PurgeOptions { seed: SEED, locations, regions, writes, readers };
    on_own_time(async move {
        let mut quiet = Quiet::start(options).await;
        quiet.pass(IDLE).await;
        let resident = resident_kib().unwrap_or_default();
        let counted = quiet.count().await;
        let [first, second] = counted.sent;
        println!("{first} {second} {} {} {resident}", counted.pushed, counted.asked);
    });
    ExitCode::SUCCESS
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
