//! The write-up's headlines as a scenario that anyone can run: the component as it was, and a zone.
//!
//! `cargo xtask headline platzi` builds and runs this; `docs/guide/headline.md` says what it models.

mod before;
mod figures;
mod model;
mod readers;
mod services;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use littoral_tasks::Tasks;
use littoral_tests::{Relays, Weather};
use serde_json::Value;

use crate::client::Client;
use crate::memory::Zipf;
use crate::plan::Plan;
use crate::zoned::Zoned;
use before::{Before, Rules};
use figures::{Figure, Spread};
use model::Scale;
use readers::{Readers, Seen};
use services::{Addresses, Services};

/// The scenarios there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    Platzi,
}

const HOST: &str = "platzi.example";

/// Who ask at once.
const AT_COMPONENT: usize = 16;
const MIXED: usize = 32;
const AT_LANDINGS: usize = 8;
const OF_SUBTITLES: usize = 128;
/// Of a day's requests for subtitles, those that are sent to the old component: each makes one call.
const BEFORE_SENT: usize = 4_000;

/// What a side answered, all of it.
struct Side {
    component: Seen,
    mixed: Seen,
    landing: Seen,
    subtitles: Seen,
    calls: usize,
}

/// What a run prints, and its rows as data.
pub(crate) async fn run(plan: &Plan, scenario: Scenario) -> Result<(String, Value)> {
    let Scenario::Platzi = scenario;
    let scale = if plan.quick { Scale::QUICK } else { Scale::WHOLE };
    let figures = platzi(plan, scale).await?;
    let rows = figures.iter().map(Figure::to_json).collect();
    Ok((format!("{}\n{}", model::told(), figures::table(&figures)), rows))
}

async fn platzi(plan: &Plan, scale: Scale) -> Result<Vec<Figure>> {
    let tasks = Tasks::new(plan.clock.clone());
    let services = Services::start(&plan.clock, &tasks).await?;
    let network = Zoned::start(plan, Command::new(&plan.littoral), model::LOCATIONS, 1.0).await?;
    let rules = vec![
        Rules { path: network.namespace("moved", &readers::moved())?, status: 301 },
        Rules { path: network.namespace("campaigns", &readers::campaigns())?, status: 302 },
    ];
    network.apply(plan, HOST, &zone(services.at)).await?;
    let relays = Relays::new()?;
    let store = network.api(model::STORE)?;
    let before = Before::start(store, rules, services.at, &relays, &tasks).await?;
    let side = async |name: &str, address, sent| {
        eprintln!("{name} ...");
        ask(plan, scale, &services, &relays, address, sent).await
    };
    let (day, titles) = (scale.day(), scale.titles());
    let before = side("before", before.address, day.min(BEFORE_SENT)).await?;
    let after = side("after", network.edge(model::EDGE)?, day).await?;
    let wrong = before.wrong() + after.wrong();
    let shown: Vec<&str> = before.shown().chain(after.shown()).collect();
    ensure!(wrong == 0, "{wrong} wrong answers:\n{}", shown.join("\n"));
    let each = before.calls as f64 / before.subtitles.times.len() as f64;
    ensure!(each >= 1.0, "the old component called {each} times for a request");
    let share = scale.day_share as f64;
    let expected = |titles| model::distinct(titles, day) * share;
    Ok(vec![
        time("platzi-component-average", model::COMPONENT, &before.component, &after.component, |spread| {
            spread.average
        })
        .noted(format!(
            "all six checks, as seen at the edge; {} requests, {AT_COMPONENT} at once; each check still \
             asks its service after, only order and rules differ; with one more check that needs D it \
             would be about {:.0} ms more",
            scale.component,
            model::CHECK_MS
        )),
        time("platzi-entry-point-p90", model::ENTRY_POINT_P90, &before.mixed, &after.mixed, |spread| {
            spread.p90
        })
        .noted(format!(
            "all that comes to the component, as seen at the edge; {} requests, {MIXED} at once",
            scale.mixed
        )),
        time("platzi-landing-average", model::LANDING, &before.landing, &after.landing, |spread| {
            spread.average
        })
        .noted(format!(
            "a page, then its {} assets at once, as a reader sees it; {} landings, {AT_LANDINGS} at once",
            model::ASSETS,
            scale.landings
        )),
        Figure {
            name: "platzi-third-party-calls",
            unit: "calls/day",
            ours: [day as f64 * share * each, after.calls as f64 * share],
            published: model::CALLS,
            spread: None,
            note: format!(
                "{day} requests for {titles} titles, times {share:.0}; before: {} of them sent, {each:.2} \
                 calls each. Expected by chance alone: {:.0}; with half as many titles {:.0}, with twice \
                 as many {:.0}. How many titles there are was not told",
                before.subtitles.times.len(),
                expected(titles),
                expected(titles / 2),
                expected(titles * 2)
            ),
        },
    ])
}

/// The component as a zone.
fn zone(services: Addresses) -> String {
    include_str!("headline/platzi.toml")
        .replace("CHECKS", &services.checks.to_string())
        .replace("PAGES", &services.pages.to_string())
        .replace("THIRD_PARTY", &services.third_party.to_string())
}

/// Everything that is asked of one side.
async fn ask(
    plan: &Plan,
    scale: Scale,
    services: &Services,
    relays: &Relays,
    address: SocketAddr,
    subtitles: usize,
) -> Result<Side> {
    let clock = &plan.clock;
    let at_edge = Client::new(address, HOST);
    let readers = Readers { front: &at_edge, clock };
    let component = readers.component(scale.component, AT_COMPONENT).await?;
    let mixed = readers.mixed(scale.mixed, MIXED).await?;
    let trip = Weather::of_trip(model::ms(model::READER_MS), Duration::ZERO);
    let last_mile = relays.between(Ipv4Addr::LOCALHOST.into(), address, trip)?;
    let at_home = Client::new(last_mile.address(), HOST);
    let landing = Readers { front: &at_home, clock }.landing(scale.landings, AT_LANDINGS).await?;
    services.called();
    let titles = Zipf::new(scale.titles(), model::SKEW);
    let subtitles = readers.subtitles(subtitles, OF_SUBTITLES, &titles).await?;
    Ok(Side { component, mixed, landing, subtitles, calls: services.called() })
}

impl Side {
    fn all(&self) -> [&Seen; 4] {
        [&self.component, &self.mixed, &self.landing, &self.subtitles]
    }

    fn wrong(&self) -> usize {
        self.all().iter().map(|seen| seen.wrong_count).sum()
    }

    fn shown(&self) -> impl Iterator<Item = &str> {
        self.all().into_iter().flat_map(|seen| seen.wrong.iter().map(String::as_str))
    }
}

/// A figure of times.
fn time(
    name: &'static str,
    published: [f64; 2],
    before: &Seen,
    after: &Seen,
    of: fn(Spread) -> f64,
) -> Figure {
    let spread = [before, after].map(|seen| Spread::of(&seen.times));
    let ours = spread.map(of);
    Figure { name, unit: "ms", ours, published, spread: Some(spread), note: String::new() }
}

impl Figure {
    fn noted(mut self, note: String) -> Self {
        self.note = note;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small, but all of it: the real binary, both sides, every kind of request.
    #[tokio::test(flavor = "multi_thread")]
    async fn both_sides_answer_alike_and_the_third_party_is_spared() {
        let folder = tempfile::tempdir().unwrap();
        let littoral = littoral_tests::littoral().get_program().into();
        let plan = Plan::new(true, false, littoral, folder.path().to_path_buf());
        let scale = Scale { component: 8, mixed: 96, landings: 4, day_share: 500 };
        let figures = Box::pin(platzi(&plan, scale)).await.unwrap();
        for figure in &figures {
            let [before, after] = figure.ours;
            assert!(before > 0.0 && after > 0.0 && after < before, "{figure:?}");
        }
        let calls = figures.last().unwrap();
        assert_eq!(calls.ours[0], calls.published[0]);
    }
}
