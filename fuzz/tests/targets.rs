//! Every target over its corpus and a bounded number of mutations; and the proof that a bug would
//! be found.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use littoral_fuzz::{Bound, CANARY, TARGETS, WELL, corpus, run, target};

/// Enough to find what is easy to find. For more, see `docs/guide/fuzzing.md`.
const BOUND: Bound = Bound { mutations: 100_000, time: Duration::from_secs(3) };
/// Another number walks another way.
const SEED: u64 = 1;

fn check(name: &str) {
    let target = target(name).expect("a target");
    let corpus = corpus(target).expect("a folder for each target");
    if let Err(failure) = run(target, corpus, BOUND, SEED) {
        panic!("{failure}");
    }
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        mod any_bytes_are_taken_or_refused_by {
            $(#[test]
            fn $name() {
                super::check(stringify!($name));
            })*
        }

        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets![
    bulk,
    certificate,
    config,
    connection,
    control,
    cursor,
    dates,
    directives,
    disk,
    expiry,
    frames,
    headers,
    history,
    identity,
    import,
    key,
    message,
    metadata,
    multipart,
    parts,
    path,
    purge,
    query,
    range,
    selections,
    store,
    stored,
    stored_key,
    targeted,
    told,
    validators,
    value,
    version,
    zone_paths,
    zone_toml,
];

#[test]
fn every_target_has_a_test_a_corpus_and_a_place_with_cargo_fuzz() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), TARGETS.len(), "no name twice");
    assert_eq!(names, TESTED.iter().copied().collect());
    let manifest = std::fs::read_to_string(folder.join("fuzz_targets/Cargo.toml")).expect("it");
    for target in TARGETS {
        let name = target.name;
        let kept = corpus(target).expect("a folder").len() + (target.samples)().len();
        assert!(kept >= 3, "{name} has {kept} inputs to begin with");
        assert!(manifest.contains(&format!("path = \"{name}.rs\"")), "{name} is no binary there");
        let text = std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs")));
        assert!(text.expect(name).contains(&format!("target(\"{name}\")")), "{name}");
    }
}

#[test]
fn a_planted_bug_is_found_and_shown_small() {
    let seeds = || vec![("a".into(), b"5:hello".to_vec()), ("b".into(), b"0:".to_vec())];
    let failure = run(&CANARY, seeds(), BOUND, SEED).expect_err("the bug is there");
    assert!(failure.why.contains("out of range"), "{failure}");
    assert!(failure.input.len() <= 4, "{failure}");
    let ran = run(&WELL, seeds(), BOUND, SEED).expect("the bug is not there");
    assert_eq!(ran.corpus, 2);
    assert!(ran.mutations > 1_000, "{ran:?}");
}
