//! Runs one target, or all, for longer than the tests do: `longer [TARGET|all] [SECONDS] [SEED]`.

use std::process::ExitCode;
use std::time::Duration;

use littoral_fuzz::{Bound, TARGETS, corpus, run};

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "all".into());
    let mut number = |default| {
        let text = arguments.next();
        text.map_or(default, |text| text.parse().expect("seconds and a seed are whole numbers"))
    };
    let (seconds, seed) = (number(10), number(1));
    let bound = Bound { mutations: u64::MAX, time: Duration::from_secs(seconds) };
    let mut failed = false;
    for target in TARGETS.iter().filter(|target| name == "all" || name == target.name) {
        let corpus = corpus(target).expect("the corpus is readable");
        match run(target, corpus, bound, seed) {
            Ok(ran) => println!("{}: {} inputs", target.name, ran.mutations),
            Err(failure) => {
                failed = true;
                println!("{failure}");
            }
        }
    }
    ExitCode::from(u8::from(failed))
}
