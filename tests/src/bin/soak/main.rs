//! A long run at full load: memory, descriptors and disk of the process must stay flat.
//!
//! `cargo xtask soak --minutes 20` builds what this needs and runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the terminal")]

mod load;
mod sample;
mod verdict;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use littoral_tests::{Dev, Options, Stopwatch, littoral_at, run};
use load::{Counts, Kind};
use sample::Sample;

const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Samples between two lines of the table.
const LINE_EVERY: usize = 15;
/// Files of an import, which is repeated over and over.
const IMPORT_FILES: usize = 500;

fn main() -> ExitCode {
    let Some(minutes) = minutes() else {
        eprintln!("soak --minutes N");
        return ExitCode::from(2);
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let more = ["--trips", "0"].map(str::to_owned).to_vec();
    let dev = Dev::with(Options { data_dir: Some(data_dir.clone()), more, ..Options::default() });
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    let import = folder.path().join("import");
    write_files(&import);
    let namespace = dev.namespace("soak");
    let imported = dev.namespace("soak-import");
    let samples = std::thread::scope(|scope| {
        load::start(scope, &dev, &namespace, &counts, &over);
        scope.spawn(|| {
            let tree = import.to_str().expect("a plain path");
            let arguments = ["kv", "import", "--namespace", "soak-import", tree];
            while !over.load(Ordering::Relaxed) {
                run(&mut littoral_at(&dev, &arguments), b"").well();
                counts.add(Kind::Import);
            }
        });
        let watched = watch(&dev, &data_dir, &counts, Duration::from_secs(60 * minutes));
        over.store(true, Ordering::Relaxed);
        watched
    });
    assert_eq!(imported.names("").len(), IMPORT_FILES, "an import is whole");
    let verdict = verdict::of(&samples);
    println!("\n{verdict}");
    if !dev.stop().success() {
        println!("it did not end well");
        return ExitCode::FAILURE;
    }
    if verdict.is_flat() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn minutes() -> Option<u64> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(20),
        ["--minutes", minutes] => minutes.parse().ok().filter(|minutes| *minutes > 0),
        _ => None,
    }
}

fn write_files(dir: &std::path::Path) {
    std::fs::create_dir_all(dir).expect("a folder");
    for n in 0..IMPORT_FILES {
        std::fs::write(dir.join(format!("file-{n:03}")), vec![b'i'; 2000]).expect("a file");
    }
}

/// Samples the process until the time is over, and prints the table.
fn watch(dev: &Dev, data_dir: &std::path::Path, counts: &Counts, time: Duration) -> Vec<Sample> {
    println!("{}", Sample::heading());
    let watch = Stopwatch::start();
    let mut samples: Vec<Sample> = Vec::new();
    let mut before = (Duration::ZERO, counts.read());
    while watch.elapsed() < time {
        let next = SAMPLE_EVERY * (u32::try_from(samples.len()).unwrap_or(u32::MAX) + 1);
        while let Some(left) = next.checked_sub(watch.elapsed()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
        let sample = Sample::take(dev.id(), data_dir, watch.elapsed());
        if samples.len() % LINE_EVERY == LINE_EVERY - 1 {
            let now = counts.read();
            println!("{}", sample.line(&load::rates(&before.1, &now, sample.at - before.0)));
            before = (sample.at, now);
        }
        samples.push(sample);
    }
    samples
}
