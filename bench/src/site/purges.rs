//! How soon a purge by label is seen everywhere, when very many answers bear the label and when few do:
//! held answers are judged when they are looked up, so it should make no difference.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use littoral_types::Mono;
use serde_json::json;

use super::{peers, upstream};
use crate::client::Client;
use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};
use crate::wire::Wire;
use crate::zoned::{Zoned, get, zone};

const LOCATIONS: u16 = 8;
const HOST: &str = "kept.example";
const MANY: u64 = 100_000;
/// Requests under way while everything is fetched for the first time.
const AT_ONCE: usize = 256;
/// Between two looks at one edge.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
const GIVE_UP: Duration = Duration::from_secs(10);

/// Of one purge.
struct Seen {
    /// The median of all edges, and the last one's, in milliseconds.
    median: f64,
    last: f64,
    /// Processor time of the whole network until then, in milliseconds.
    processor: f64,
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let site = peers::upstream(plan).await?;
    let network = Zoned::start(plan, plan.tested(&plan.littoral), LOCATIONS, 1.0).await?;
    let more = format!(
        "[[routes]]\npath = \"/*\"\nupstream = \"site\"\n\
         [upstreams.site]\nservers = [\"http://{}\"]\n",
        site.address
    );
    network.apply(plan, HOST, &zone("kept", HOST, &more)).await?;
    let many = plan.of(MANY, MANY / 10) as usize;
    let rounds = if plan.quick { 1 } else { 3 };
    let [mut of_many, mut of_few, mut work] = [(); 3].map(|()| Rounds::default());
    let (mut last, mut work_of_few) = (Rounds::default(), Rounds::default());
    for round in 0..rounds {
        let (label, few) = (format!("many-{round}"), format!("few-{round}"));
        fill(&network, &label, many).await?;
        let seen = purge(plan, &network, &label)?;
        of_many.0.push(seen.median);
        last.0.push(seen.last);
        work.0.push(seen.processor);
        let seen = purge(plan, &network, &few)?;
        of_few.0.push(seen.median);
        work_of_few.0.push(seen.processor);
    }
    let note = format!(
        "{many} answers of one edge bear the label, and one at each of {LOCATIONS} edges; from asking for \
         the purge in London until half of the edges no longer serve it; the last edge: {:.0} ms; with a \
         label of one answer: {:.0} ms; processor time of the whole network meanwhile: {:.0} ms, and {:.0} \
         ms with one answer",
        last.median(),
        of_few.median(),
        work.median(),
        work_of_few.median()
    );
    Ok(vec![Row {
        name: "purge-tag-100k",
        door: "http, eight locations",
        trips: "as dev's map has them",
        unit: "ms",
        ours: of_many,
        peer: None,
        goal: Goal::AtMost(150.0),
        note,
    }])
}

fn path(label: &str, number: usize) -> String {
    format!("/numbered/64/0/{label}?{number}")
}

/// Asks for so many at the first edge.
async fn fill(network: &Zoned, label: &str, many: usize) -> Result<()> {
    let first = network.names().next().context("a network has a location")?;
    let (client, next) = (Client::new(network.edge(first)?, HOST), AtomicUsize::new(0));
    let reader = || async {
        loop {
            let number = next.fetch_add(1, Ordering::AcqRel);
            if number >= many {
                return anyhow::Ok(());
            }
            let answer = client.get(&path(label, number), &[]).await?;
            ensure!(answer.status == 200, "a fetch is answered {}", answer.status);
        }
    };
    try_join_all((0..AT_ONCE).map(|_| reader())).await.map(drop)
}

/// Makes every edge hold one of the label, purges it, and looks until each edge serves another.
fn purge(plan: &Plan, network: &Zoned, label: &str) -> Result<Seen> {
    let mut edges = Vec::new();
    for name in network.names() {
        let edge = network.edge(name)?;
        // Twice: what was passed on is kept now.
        shown(&mut Wire::open(edge)?, label)?;
        edges.push((edge, shown(&mut Wire::open(edge)?, label)?));
    }
    let (before, began) = (processor_ms(network)?, plan.clock.mono());
    let times: Result<Vec<f64>> = std::thread::scope(|scope| {
        let look = |(edge, held): (SocketAddr, u64)| seen_at(plan, edge, label, held, began);
        let all: Vec<_> = edges.iter().map(|edge| scope.spawn(move || look(*edge))).collect();
        let path = "/client/v4/zones/kept/purge_cache";
        network.call("POST", path, &json!({ "tags": [label] }))?;
        let joined = all.into_iter().map(|one| one.join());
        joined.map(|one| one.map_err(|_| anyhow::anyhow!("a reader panicked"))?).collect()
    });
    let (times, after) = (times?, processor_ms(network)?);
    let last = times.iter().copied().fold(0.0, f64::max);
    Ok(Seen { median: Rounds(times).median(), last, processor: after - before })
}

/// When the look began that was answered with something else than what was held.
fn seen_at(plan: &Plan, edge: SocketAddr, label: &str, held: u64, began: Mono) -> Result<f64> {
    let mut wire = Wire::open(edge)?;
    loop {
        let now = plan.clock.mono().since(began);
        if shown(&mut wire, label)? != held {
            return Ok(now.as_secs_f64() * 1e3);
        }
        ensure!(now < GIVE_UP, "{edge} still serves what was purged");
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

/// The number of what an edge serves.
fn shown(wire: &mut Wire, label: &str) -> Result<u64> {
    let answer = wire.send(&get(HOST, &path(label, 0)))?;
    ensure!(answer.status == 200, "a look is answered {}", answer.status);
    let number = answer.body.get(..upstream::NUMBER_BYTES).context("no number")?;
    Ok(std::str::from_utf8(number)?.parse()?)
}

/// What the network has used, by the kernel's count of hundredths of a second.
fn processor_ms(network: &Zoned) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", network.program.id()))?;
    // After the name, which may hold anything: user and system time are the 12th and 13th.
    let fields = stat.rsplit_once(')').context("no name")?.1.split_whitespace().skip(11).take(2);
    let ticks: Option<Vec<f64>> = fields.map(|field| field.parse().ok()).collect();
    Ok(ticks.context("no times")?.iter().sum::<f64>() * 10.0)
}
