//! Histories made by chance: what keeps its promises is never blamed, and what does not mostly is.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use proptest::prelude::*;

use super::model::{Model, Shape};
use crate::{Bounds, History, Op, Operation, Outcome, Report, check};

fn judged(operations: &[Operation], bounds: &Bounds) -> Report {
    let mut history = History::new();
    for operation in operations {
        history.push(operation).expect("well-formed");
    }
    check(&history, bounds)
}

/// Of a register without delays nothing older is ever shown, and versions are in order.
fn exact() -> Bounds {
    Bounds {
        max_skew: Duration::ZERO,
        stale_after: Some(Duration::ZERO),
        settled_after: Some(Duration::ZERO),
        compare: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_register_with_delays_is_never_blamed(
        seed: u64, keys in 1_usize..5, locations in 1_usize..5, fails: bool,
    ) {
        let shape = Shape { operations: 400, keys, locations, lags: true, fails };
        let operations: Vec<_> = Model::new(seed, shape).collect();
        let bounds = Bounds { max_skew: Duration::ZERO, compare: true, ..Bounds::default() };
        let report = judged(&operations, &bounds);
        prop_assert!(report.is_clean(), "{:#?}", report.violations);
    }

    #[test]
    fn a_register_without_delays_is_never_blamed_by_the_strictest(
        seed: u64, keys in 1_usize..5, locations in 1_usize..5, fails: bool,
    ) {
        let shape = Shape { operations: 400, keys, locations, lags: false, fails };
        let operations: Vec<_> = Model::new(seed, shape).collect();
        let report = judged(&operations, &exact());
        prop_assert!(report.is_clean(), "{:#?}", report.violations);
    }

    #[test]
    fn the_order_of_lines_changes_nothing(seed: u64) {
        let shape = Shape { operations: 200, keys: 2, locations: 3, lags: true, fails: true };
        let mut operations: Vec<_> = Model::new(seed, shape).collect();
        // Far too strict for what lags, so that there is something to find.
        let counts = |report: Report| crate::Promise::ALL.map(|promise| report.count(promise));
        let before = counts(judged(&operations, &exact()));
        Rng::with_seed(seed).shuffle(&mut operations);
        let after = counts(judged(&operations, &exact()));
        // Which of two that disagree was first depends on the lines.
        prop_assert_eq!(&before[..9], &after[..9]);
    }
}

/// Shows one read something older than it was shown; `None` if there is nothing to change.
fn spoil(operations: &mut [Operation], rng: &mut Rng) -> Option<()> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut spoilt = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let Operation { op, outcome, key, version: Some(version), .. } = operation else {
            continue;
        };
        let older = values.entry(key.clone()).or_default();
        match (op, outcome) {
            (Op::Put | Op::Cas, Outcome::Ok) => older.push(version.clone()),
            (Op::Get, Outcome::Ok) => {
                let older: Vec<_> = older.iter().filter(|other| *other < version).collect();
                if let Some(older) = rng.choice(older) {
                    spoilt.push((index, older.clone()));
                }
            }
            _ => {}
        }
    }
    let (index, version) = rng.choice(spoilt)?;
    operations[index].version = Some(version);
    Some(())
}

#[test]
fn one_read_that_is_older_than_it_should_be_is_mostly_found() {
    let mut rng = Rng::with_seed(7);
    let (mut spoilt, mut found, mut found_blindly) = (0, 0, 0);
    for seed in 0..300 {
        let shape = Shape { operations: 300, keys: 2, locations: 2, lags: false, fails: true };
        let mut operations: Vec<_> = Model::new(seed, shape).collect();
        if spoil(&mut operations, &mut rng).is_none() {
            continue;
        }
        spoilt += 1;
        found += usize::from(!judged(&operations, &exact()).is_clean());
        let blind = Bounds { stale_after: None, settled_after: None, ..exact() };
        found_blindly += usize::from(!judged(&operations, &blind).is_clean());
    }
    assert!(spoilt > 250, "{spoilt}");
    // What is left overlaps with the write that it should have seen.
    assert!(found * 10 > spoilt * 8, "{found} of {spoilt}");
    assert!(found_blindly * 10 > spoilt * 6, "{found_blindly} of {spoilt} without bounds of time");
}

#[test]
fn a_million_operations_are_judged() {
    let shape = Shape { operations: 1_000_000, keys: 1_000, locations: 8, lags: true, fails: true };
    let mut history = History::new();
    for operation in Model::new(1, shape) {
        history.push(&operation).expect("well-formed");
    }
    let report = check(&history, &Bounds { max_skew: Duration::ZERO, ..Bounds::default() });
    assert_eq!((report.operations, report.keys, report.locations), (1_000_000, 1_000, 8));
    assert!(report.is_clean(), "{:#?}", report.violations);
}

#[test]
fn a_million_operations_of_one_key_are_judged() {
    let shape = Shape { operations: 1_000_000, keys: 1, locations: 8, lags: false, fails: true };
    let mut history = History::new();
    for operation in Model::new(2, shape) {
        history.push(&operation).expect("well-formed");
    }
    let report = check(&history, &exact());
    assert_eq!((report.operations, report.keys), (1_000_000, 1));
    assert!(report.is_clean(), "{:#?}", report.violations);
}
