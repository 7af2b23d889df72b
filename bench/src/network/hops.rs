//! What a hop costs: processor time of all nodes for a hit at the edge, and for one at its region's
//! tier; and how reads grow with the nodes that answer.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use littoral_tests::{Namespace, Network, Node, Stopwatch};
use serde_json::json;

use super::{keys, pause, row};
use crate::load::Wrk;
use crate::plan::Plan;
use crate::rows::{Goal, Row};

/// How long the network is looked at while nobody asks.
const IDLE: Duration = Duration::from_secs(4);
/// Hits at the edge for each at the region's tier: processor time is told in hundredths of a second.
const EDGE_TURNS: usize = 20;

pub(super) fn run(plan: &Plan, network: &Network) -> Result<Vec<Row>> {
    let space = network.namespace("hops", &json!({}));
    let mut rows = vec![regional(plan, network, &space)?];
    for (name, nodes) in [("network-reads-1", 1), ("network-reads-2", 2), ("network-reads-4", 4)] {
        rows.push(reads(plan, network, &space, name, nodes)?);
    }
    Ok(rows)
}

/// Processor seconds of every node.
fn used(network: &Network) -> Result<f64> {
    let of = |node: &Node| network.processor_seconds(&node.name).context("a node is gone");
    network.nodes().iter().map(of).sum()
}

/// The keys of a region's third location, asked for at the second, once they are warm.
fn regional(plan: &Plan, network: &Network, space: &Namespace) -> Result<Row> {
    let [first, second, third] = region(network, "asia")?;
    let count = plan.of(20_000, 4_000) as usize;
    keys::write(space, &network.nodes()[0], count)?;
    let all: Vec<usize> = (0..count).collect();
    let of_third = format!("{}-regional", third.location);
    let there = keys::read(space, first, &all, |answer| keys::way(answer).contains(&of_third))?;
    let mine: Vec<usize> =
        all.iter().zip(there).filter(|(_, there)| *there).map(|(n, _)| *n).collect();
    ensure!(mine.len() > count / 6, "{} keys of {count} are of the third location", mine.len());

    let (before, watch) = (used(network)?, Stopwatch::start());
    pause(IDLE);
    let idle = (used(network)? - before) / watch.elapsed().as_secs_f64();
    let mut micros = Vec::new();
    let mut seconds = Vec::new();
    for (hit, turns) in
        [(format!("{of_third}; hit"), 1), (format!("{}-edge; hit", second.location), EDGE_TURNS)]
    {
        let asked = mine.repeat(turns);
        let (before, watch) = (used(network)?, Stopwatch::start());
        let hits = keys::read(space, second, &asked, |answer| keys::way(answer).contains(&hit))?;
        let time = watch.elapsed().as_secs_f64();
        let hits = hits.into_iter().filter(|hit| *hit).count();
        ensure!(hits * 100 > asked.len() * 98, "{hits} of {} are `{hit}`", asked.len());
        micros.push((used(network)? - before - idle * time) / asked.len() as f64 * 1e6);
        seconds.push(time / turns as f64);
    }
    let note = format!(
        "{:.0} and {:.0} us of all nodes' processor time a read; {} keys; the edge at {:.0} and {:.0} \
         reads a second, each over a link of 4 ms or none; idle nodes use {:.1} ms a second",
        micros[0],
        micros[1],
        mine.len(),
        mine.len() as f64 / seconds[0],
        mine.len() as f64 / seconds[1],
        idle * 1e3,
    );
    let mut row = row("regional-hit-cpu", "us", micros[0], Goal::AtMost(2.0), note);
    row.peer = Some(("our own hit at the edge", crate::rows::Rounds::one(micros[1])));
    Ok(row)
}

/// One key, held at each node, by `wrk` at so many of them at once.
fn reads(
    plan: &Plan,
    network: &Network,
    space: &Namespace,
    name: &'static str,
    nodes: usize,
) -> Result<Row> {
    let asked = &network.nodes()[..nodes];
    let path = space.path(&format!("/values/{}", keys::name(0)));
    for node in asked {
        keys::read(space, node, &[0], |answer| answer.status)?;
    }
    let before = used(network)?;
    let one = |node: &Node| {
        let url = format!("http://{}{path}", node.address);
        let connections = 64 / nodes;
        Wrk { url: &url, token: Some(network.token()), connections, script: None }.run(plan)
    };
    let watch = Stopwatch::start();
    let rates: Vec<f64> = std::thread::scope(|scope| {
        let all: Vec<_> = asked.iter().map(|node| scope.spawn(move || one(node))).collect();
        all.into_iter()
            .map(|one| one.join().map_err(|_| anyhow::anyhow!("wrk's thread panicked"))?)
            .collect::<Result<_>>()
    })?;
    let rate: f64 = rates.iter().sum();
    let micros = (used(network)? - before) / (rate * watch.elapsed().as_secs_f64()) * 1e6;
    let note = format!("{micros:.0} us of processor time a read; all share this machine's cores");
    Ok(row(name, "/s", rate, Goal::None, note))
}

pub(super) fn region<'a>(network: &'a Network, region: &str) -> Result<[&'a Node; 3]> {
    let all: Vec<&Node> = network.nodes().iter().filter(|node| node.region == region).collect();
    all.try_into().ok().context("three locations in each region")
}
