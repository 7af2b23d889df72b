//! Each rule of the contract matters: with one switched off, the simulation finds a broken promise.
//!
//! In a file of its own, and one test: a switched-off rule is off for the whole process.

use littoral_rules::{Rule, break_rule};
use littoral_sim::{Options, run};

/// Rules that one of the first few seeds notices; `cargo xtask sim --break all` tries every rule.
const QUICK: [(Rule, &str); 20] = [
    (Rule::PurgeDrops, "all-agree"),
    (Rule::CoverNeedsHearing, "age-is-honest"),
    (Rule::CoverNeedsRank, "age-is-honest"),
    (Rule::SuspectIsValidated, "cache-ttl"),
    (Rule::EdgeAsksInTime, "cache-ttl"),
    (Rule::ClientMinimum, "minimum"),
    (Rule::OwnMinimum, "nobody-goes-back"),
    (Rule::WritesAreRemembered, "nobody-goes-back"),
    (Rule::ReadRepairs, "stores-agree"),
    (Rule::NewestWins, "no-lost-write"),
    (Rule::StampedAgain, "nobody-goes-back"),
    (Rule::HomeDecides, "conditions-are-true"),
    (Rule::CollectionNeedsGrace, "collects-after-the-grace"),
    (Rule::MarkRefuses, "no-lost-write"),
    (Rule::ReviveNeedsLive, "no-lost-write"),
    (Rule::CrawlRepairs, "crawl-levels"),
    (Rule::CrawlSkipsNothing, "tombstones-go"),
    (Rule::RefillRamps, "refill-ramps"),
    (Rule::CopiesAreYoung, "copies-are-young"),
    (Rule::KeeperHasWrites, "locations-read-their-writes"),
];

#[test]
fn a_rule_switched_off_breaks_the_promise_it_keeps() {
    for (rule, promise) in QUICK {
        break_rule(Some(rule));
        let noticed = (1..=30).any(|seed| {
            let report = run(Options::seed(seed));
            report.violations.iter().any(|violation| violation.starts_with(promise))
        });
        break_rule(None);
        assert!(noticed, "{} is off, and {promise} is kept", rule.name());
    }
    assert_eq!(run(Options::seed(1)).violations, Vec::<String>::new());
}
