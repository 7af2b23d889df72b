//! The judgement: every promise over every key.

mod unique;
mod given;
mod order;
mod sweep;
mod compare;
mod settled;

use std::time::Duration;

use crate::facts::Facts;
use crate::history::History;
use crate::promise::Bounds;
use crate::report::{Findings, Report};
use crate::story::Story;

/// What is judged at a time: one key.
struct Case<'a> {
    story: &'a Story,
    facts: &'a Facts<'a>,
    bounds: &'a Bounds,
}

/// Judges a history: the same one always alike, in whatever order its lines are.
pub fn check(history: &History, bounds: &Bounds) -> Report {
    let facts = Facts::of(history);
    let mut findings = Findings::new(&facts);
    unique::check(&facts, &mut findings);
    let mut order: Vec<u32> = (0..).take(history.rows.len()).collect();
    order.sort_by_key(|row| facts.row(*row).key);
    for rows in order.chunk_by(|a, b| facts.row(*a).key == facts.row(*b).key) {
        let story = Story::of(rows, &facts, nanoseconds(bounds.max_skew));
        let case = Case { story: &story, facts: &facts, bounds };
        given::check(&case, &mut findings);
        sweep::check(&case, &mut findings);
        order::check(&case, &mut findings);
        compare::check(&case, &mut findings);
        settled::check(&case, &mut findings);
    }
    findings.into_report()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
