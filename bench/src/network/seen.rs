//! How long after its acknowledgement a write is seen at every edge that holds the key.

use std::time::Duration;

use anyhow::{Result, ensure};
use littoral_tests::{Connection, Namespace, Network, Node, Stopwatch};
use serde_json::json;

use super::{pause, row};
use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};

/// Of the namespace: how often an edge asks for what is read.
const REFRESH: Duration = Duration::from_secs(2);
/// Added by the contract: a purge, at most the heartbeat limit.
const DELIVERY: Duration = Duration::from_secs(5);
/// Between two looks at one edge.
const LOOK_AGAIN: Duration = Duration::from_millis(4);
const GIVE_UP: Duration = Duration::from_secs(30);

pub(super) fn run(plan: &Plan, network: &Network) -> Result<Vec<Row>> {
    let space = network.namespace("seen", &json!({ "refresh_s": REFRESH.as_secs() }));
    let mut times = Vec::new();
    for n in 0..plan.of(120, 24) {
        let writer = &network.nodes()[n as usize % network.nodes().len()];
        times.push(once(network, &space, writer, &format!("seen-{n}"))?);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let trip = network.links().longest_trip().as_secs_f64() * 1e3;
    let note = |text: &str| format!("{text}; {} writes, each key held at nine edges", times.len());
    let one_trip = note("from acknowledgement to the last edge; goal: the longest trip + 50 ms");
    let bound = (REFRESH + DELIVERY).as_secs_f64() * 1e3;
    Ok(vec![
        row("seen-everywhere-p50", "ms", at(0.5), Goal::None, note("refresh period 2 s")),
        row("seen-everywhere-p99", "ms", at(0.99), Goal::AtMost(trip + 50.0), one_trip),
        row(
            "seen-everywhere-most",
            "ms",
            at(1.0),
            Goal::AtMost(bound),
            note("goal: the contract's bound, refresh period + delivery"),
        ),
    ])
}

/// Milliseconds.
fn once(network: &Network, space: &Namespace, writer: &Node, key: &str) -> Result<f64> {
    let writer = space.at(writer.address);
    writer.put(key, "old");
    for node in network.nodes() {
        let at = space.at(node.address);
        // Twice: what was passed on is kept now.
        ensure!(at.get(key).is_some() && at.get(key).is_some(), "{} lacks {key}", node.name);
    }
    // So that no edge was filled just now, as in life.
    pause(LOOK_AGAIN * 10);
    let version = writer.put(key, "new");
    let watch = Stopwatch::start();
    let look = |node: &Node| -> Result<Duration> {
        let mut connection = Connection::try_open(node.address)?;
        let request = space.at(node.address).value("GET", key);
        loop {
            let answer = connection.try_send(&request)?;
            let shown = answer.header("etag").unwrap_or_default().trim_matches('"');
            if shown >= version.as_str() {
                return Ok(watch.elapsed());
            }
            ensure!(watch.elapsed() < GIVE_UP, "{} shows {shown} of {key}", node.name);
            pause(LOOK_AGAIN);
        }
    };
    let times: Result<Vec<Duration>> = std::thread::scope(|scope| {
        let all: Vec<_> =
            network.nodes().iter().map(|node| scope.spawn(move || look(node))).collect();
        all.into_iter()
            .map(|one| one.join().map_err(|_| anyhow::anyhow!("a reader panicked"))?)
            .collect()
    });
    let last = times?.into_iter().max().unwrap_or_default();
    Ok(Rounds::one(last.as_secs_f64() * 1e3).median())
}
