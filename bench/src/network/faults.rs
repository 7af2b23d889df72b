//! A load goes on while nodes and PostgreSQL servers are taken away, and its history is judged.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use littoral_tests::{Counts, Habits, Kind, Load, Namespace, Network, Recorder, Stopwatch};
use serde_json::json;

use super::{keys, pause, row};
use crate::plan::Plan;
use crate::rows::{Goal, Row};

const CLIENTS_PER_NODE: u64 = 4;
/// Keys that every edge holds before both stores are killed.
const HELD: usize = 200;
const KILLED: [&str; 3] = ["store 0 killed", "store 1 killed", "a node killed"];
const FROZEN: [&str; 3] = ["store 0 frozen", "store 1 frozen", "a node frozen"];
/// Phases of the timetable.
const PHASES: u32 = 10;

pub(super) fn run(plan: &Plan, network: &Network) -> Result<Vec<Row>> {
    let minutes = plan.network.minutes.unwrap_or_else(|| plan.of(5, 1));
    let span = Duration::from_secs(60 * minutes) / PHASES;
    let temporary = plan.folder.join("network-history.jsonl");
    let file = plan.network.record.clone().unwrap_or(temporary);
    let recorder = Arc::new(Recorder::new(&file));
    let dark = network.namespace("dark", &json!({}));
    let spaces = Load::spaces(network);
    let habits = Habits { pause: Duration::from_millis(1), ..Habits::default() };
    let load = Load::start(network, &recorder, &spaces, CLIENTS_PER_NODE, habits);
    let phase = |name| {
        recorder.phase(name);
        pause(span);
    };

    phase("all is well");
    let [lost, mute, deaf] = [2, 3, 4].map(|at| network.nodes()[at].name.as_str());
    let presence = load.presence(lost);
    presence.take_away();
    network.kill(lost);
    phase(KILLED[2]);
    network.up(&[lost]);
    presence.bring_back();
    let presence = load.presence(mute);
    presence.take_away();
    network.freeze(mute);
    phase(FROZEN[2]);
    network.thaw(mute);
    presence.bring_back();
    for (store, name) in ["postgres-0", "postgres-1"].into_iter().enumerate() {
        network.kill(name);
        phase(KILLED[store]);
        network.up(&[name]);
        network.freeze(name);
        phase(FROZEN[store]);
        network.thaw(name);
    }
    network.links().of(deaf).for_each(|link| link.set(link.usual().held_back()));
    phase("a node hears no answers");
    network.links().restore();
    let (reads, failed) = both_killed(network, &recorder, &dark, span)?;
    phase("all is well again");
    load.settle();
    eprint!("{}", recorder.counts().lines());
    let mut rows = counted(&recorder.counts());
    rows.push(row(
        "dark-failed-reads",
        "reads",
        failed as f64,
        Goal::AtMost(0.0),
        format!("both stores killed: {reads} reads of keys that each edge had read before"),
    ));
    rows.extend(judged(plan, &recorder));
    Ok(rows)
}

/// Reads keys that every edge holds while no store runs; how many, and how many failed.
fn both_killed(
    network: &Network,
    recorder: &Recorder,
    space: &Namespace,
    span: Duration,
) -> Result<(usize, usize)> {
    keys::write(space, &network.nodes()[0], HELD)?;
    let all: Vec<usize> = (0..HELD).collect();
    let read = |node| keys::read(space, node, &all, |answer| answer.status == 200);
    for node in network.nodes() {
        let held = read(node)?;
        ensure!(held.iter().all(|held| *held), "{} lacks what was written", node.name);
    }
    recorder.phase("both stores killed");
    network.kill("postgres-0");
    network.kill("postgres-1");
    let (watch, mut reads, mut failed) = (Stopwatch::start(), 0, 0);
    while watch.elapsed() < span {
        for node in network.nodes() {
            let answered = read(node)?;
            reads += answered.len();
            failed += answered.iter().filter(|answered| !**answered).count();
        }
    }
    network.up(&["postgres-0", "postgres-1"]);
    Ok((reads, failed))
}

/// What failed that may not.
fn counted(counts: &Counts) -> Vec<Row> {
    let of = |name, phases: [&'static str; 3], kind| {
        let failed: u64 = phases.iter().map(|phase| counts.failed(phase, kind)).sum();
        let answered: u64 = phases.iter().map(|phase| counts.answered(phase, kind)).sum();
        let worst = phases.iter().map(|phase| counts.milliseconds(phase, kind, 0.99));
        let note = format!(
            "{answered} answered, p99 at most {:.0} ms; {}; reads with a minimum and writes that the \
             home store decides may fail, and are not counted",
            worst.fold(0.0, f64::max),
            phases.join(", ")
        );
        row(name, "failed", failed as f64, Goal::AtMost(0.0), note)
    };
    vec![
        of("killed-failed-reads", KILLED, Kind::PlainRead),
        of("killed-failed-writes", KILLED, Kind::PlainWrite),
        of("frozen-failed-reads", FROZEN, Kind::PlainRead),
        of("frozen-failed-writes", FROZEN, Kind::PlainWrite),
    ]
}

/// The history's verdict.
fn judged(plan: &Plan, recorder: &Recorder) -> Vec<Row> {
    let verdict = recorder.verdict(&plan.littoral);
    for proof in verdict.proofs.iter().take(20) {
        eprintln!("  {proof}");
    }
    for wrong in recorder.wrong().iter().take(20) {
        eprintln!("  not the value of its version: {wrong}");
    }
    let named = ["lost-write", "read-your-writes", "monotonic-reads"];
    let others: u64 = verdict
        .broken
        .iter()
        .filter(|(name, _)| !named.contains(&name.as_str()))
        .map(|(_, count)| count)
        .sum();
    let others = others + recorder.wrong().len() as u64;
    let note = format!(
        "violations in {} recorded operations; {} reads were marked `detail=stale` and are not judged",
        verdict.operations,
        recorder.counts().marked()
    );
    let of = |name, broken| row(name, "times", broken as f64, Goal::AtMost(0.0), note.clone());
    vec![
        of("lost-writes", verdict.broken("lost-write")),
        of("read-your-writes", verdict.broken("read-your-writes")),
        of("monotonic-reads", verdict.broken("monotonic-reads")),
        of("other-promises", others),
    ]
}
