//! A few hundred seeds with each test run; thousands with `cargo xtask sim --seeds N`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use littoral_sim::{Options, Tally, run};

const SEEDS: u64 = 200;

/// Seeds that failed once, with what they found. They stay.
const KEPT: [(u64, &str); 8] = [
    (19, "a node that passed an answer on unkept went on serving an older entry"),
    (170, "the same, with its memory of versions small"),
    (9, "an age older than the node's clock became endless"),
    (7, "a clock set forward stamped writes from the future that nobody could follow"),
    (11, "debts stamped in the future were refused and stayed"),
    (420, "a node that swept a value it had shown was handed an older one by its key's keeper"),
    (292, "a store that failed for ordinary calls only was refilled as fast as before"),
    (3, "two honest clocks and a step forward together passed the skew that is taken"),
];

#[test]
fn every_promise_holds_in_every_seed() {
    let next = AtomicU64::new(1);
    let ended: Mutex<(Tally, Vec<String>)> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > SEEDS {
                        return;
                    }
                    let report = run(Options::seed(seed));
                    assert!(report.operations >= 2_000);
                    let mut ended = ended.lock().unwrap();
                    ended.0.add(&report.tally);
                    let broken = report.violations.into_iter().take(3);
                    ended.1.extend(broken.map(|what| format!("seed {seed}: {what}")));
                }
            });
        }
    });
    let (tally, broken) = ended.into_inner().unwrap();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(tally.missing(), Vec::<&str>::new(), "every fault and outcome occurs:\n{tally}");
}

#[test]
fn seeds_that_failed_once_stay_well() {
    for (seed, found) in KEPT {
        assert_eq!(run(Options::seed(seed)).violations, Vec::<String>::new(), "{seed}: {found}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [5, 77] {
        let (one, two) = (run(Options::seed(seed)), run(Options::seed(seed)));
        assert_eq!(one, two, "seed {seed}");
        assert_ne!(one.fingerprint, run(Options::seed(seed + 1)).fingerprint);
    }
}
