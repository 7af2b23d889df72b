//! A location leaves its region: whose keys are asked for elsewhere, and how often.

use std::time::Duration;

use anyhow::{Result, ensure};
use littoral_tests::Network;
use serde_json::json;

use super::hops::region;
use super::{keys, pause, row};
use crate::plan::Plan;
use crate::rows::{Goal, Row};

/// Beside the share of keys that was the location's.
const SLACK: f64 = 0.02;
/// Keys read at once, and time, until everybody has noticed: a miss a key is promised from then on.
const NOTICED_BY: usize = 200;
const NOTICED: Duration = Duration::from_secs(3);

pub(super) fn run(plan: &Plan, network: &Network) -> Result<Vec<Row>> {
    let space = network.namespace("leave", &json!({}));
    let [first, second, leaves] = region(network, "asia")?;
    let count = plan.of(12_000, 3_000) as usize;
    keys::write(&space, &network.nodes()[0], count)?;
    let all: Vec<usize> = (0..count).collect();
    // At the location that leaves, so that no other edge of its region holds a key.
    let of_others = [first, second].map(|node| format!("{}-regional", node.location));
    let own = keys::read(&space, leaves, &all, |answer| {
        let way = keys::way(answer);
        !of_others.iter().any(|tier| way.contains(tier))
    })?;
    let (first_keys, all) = all.split_at(NOTICED_BY);
    let own = own[NOTICED_BY..].iter().filter(|own| **own).count();
    ensure!(own > all.len() / 6, "{own} keys of {} are of {}", all.len(), leaves.name);

    network.kill(&leaves.name);
    let seen = |node, keys: &[usize]| {
        keys::read(&space, node, keys, |answer| {
            (answer.status == 200, keys::left_the_region(&keys::way(answer)))
        })
    };
    let mut answers = [seen(second, first_keys)?, seen(first, first_keys)?].concat();
    pause(NOTICED);
    let mut missed = Vec::new();
    for node in [second, first] {
        let seen = seen(node, all)?;
        missed.push(seen.iter().filter(|(_, missed)| *missed).count());
        answers.extend(seen);
    }
    let failed = answers.iter().filter(|(answered, _)| !answered).count();
    network.up(&[&leaves.name]);

    let moved = missed[0] as f64 / all.len() as f64;
    let misses = missed.iter().sum::<usize>() as f64 / own as f64;
    let note = format!(
        "kill -9 of one of three; it had {own} keys of {}; read at both others, once its loss was \
         noticed: {} and {} misses",
        all.len(),
        missed[0],
        missed[1]
    );
    let share = 1.0 / 3.0 + SLACK;
    Ok(vec![
        row("leave-moved", "of keys", moved, Goal::AtMost(share), note.clone()),
        row("leave-misses", "a key it had", misses, Goal::AtMost(1.0), note),
        row("leave-failed", "reads", failed as f64, Goal::AtMost(0.0), String::new()),
    ])
}
