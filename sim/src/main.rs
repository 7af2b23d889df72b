//! Runs many seeds, on every core, and says which failed and why.

#![expect(clippy::print_stdout, reason = "a command talks to its terminal")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use littoral_rules::Rule;
use littoral_sim::{Options, Report, Tally, run};

/// What was asked for.
struct Args {
    seeds: u64,
    first: u64,
    broken: Option<Rule>,
    verbose: bool,
    /// With a broken rule: stop at the first seed that notices.
    only_first: bool,
}

const USAGE: &str = "\
usage: cargo xtask sim [--seeds N] [--seed S] [--break RULE|list|all] [--verbose]

  --seeds N      how many seeds (200)
  --seed S       the first; alone it runs just that one
  --break RULE   switch one rule of the contract off: some seed must fail
  --break list   name the rules
  --break all    try every rule, each until a seed notices
  --verbose      print every operation and fault (with one seed)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "list") {
        Rule::ALL.iter().for_each(|rule| println!("{}", rule.name()));
        return ExitCode::SUCCESS;
    }
    let Some(args) = parse(&words) else {
        println!("{USAGE}");
        return ExitCode::from(2);
    };
    if words.iter().any(|word| word == "all") {
        return break_all(&args);
    }
    littoral_rules::break_rule(args.broken);
    let (tally, failed) = run_all(&args);
    println!("{tally}");
    for report in &failed {
        println!("seed {} ({} operations):", report.seed, report.operations);
        report.violations.iter().take(5).for_each(|violation| println!("  {violation}"));
        if report.violations.len() > 5 {
            println!("  and {} more", report.violations.len() - 5);
        }
    }
    finish(&args, &tally, failed.len() as u64)
}

fn finish(args: &Args, tally: &Tally, failed: u64) -> ExitCode {
    let missing = if args.seeds >= 20 { tally.missing() } else { Vec::new() };
    if !missing.is_empty() {
        println!("never occurred: {}", missing.join(", "));
    }
    if let Some(rule) = args.broken {
        let noticed = if failed > 0 { "noticed" } else { "NOT noticed" };
        println!("rule {} switched off: {noticed}", rule.name());
    }
    println!("{} seeds passed, {failed} failed", args.seeds - failed);
    if failed == 0 && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each rule in turn, until a seed notices.
fn break_all(args: &Args) -> ExitCode {
    let mut unnoticed = 0;
    for rule in Rule::ALL {
        littoral_rules::break_rule(Some(rule));
        let one = Args { broken: Some(rule), only_first: true, ..*args };
        let (_, failed) = run_all(&one);
        match failed.iter().min_by_key(|report| report.seed) {
            Some(report) => println!(
                "{:<28} noticed by seed {:>4}: {}",
                rule.name(),
                report.seed,
                report.violations[0].split(':').next().unwrap_or_default()
            ),
            None => {
                unnoticed += 1;
                println!("{:<28} NOT noticed in {} seeds", rule.name(), args.seeds);
            }
        }
    }
    println!("{} rules noticed, {unnoticed} not", Rule::ALL.len() - unnoticed);
    if unnoticed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(args: &Args) -> (Tally, Vec<Report>) {
    let next = AtomicU64::new(0);
    let ended: Mutex<(Tally, Vec<Report>)> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= args.seeds {
                        return;
                    }
                    let verbose = args.verbose && args.seeds == 1;
                    let report = run(Options { verbose, ..Options::seed(args.first + n) });
                    let mut ended = ended.lock().expect("a run that panics ends the process");
                    ended.0.add(&report.tally);
                    if !report.violations.is_empty() {
                        ended.1.push(report);
                        if args.only_first {
                            next.store(args.seeds, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (tally, mut failed) = ended.into_inner().expect("a run that panics ends the process");
    failed.sort_by_key(|report| report.seed);
    (tally, failed)
}

fn parse(words: &[String]) -> Option<Args> {
    let mut args = Args { seeds: 200, first: 1, broken: None, verbose: false, only_first: false };
    let mut words = words.iter();
    let (mut counted, mut chosen) = (false, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => {
                args.seeds = words.next()?.parse().ok()?;
                counted = true;
            }
            "--seed" => {
                args.first = words.next()?.parse().ok()?;
                chosen = true;
            }
            "--break" => {
                let name = words.next()?;
                if name != "all" {
                    args.broken = Some(Rule::named(name)?);
                }
            }
            "--verbose" => args.verbose = true,
            _ => return None,
        }
    }
    if chosen && !counted {
        args.seeds = 1;
    }
    Some(args)
}
