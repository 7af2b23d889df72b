//! `littoral doctor`: the usual mistakes of a node, found before they are met.

mod certificate;
mod databases;
mod machine;
mod peers;
mod report;

use littoral_clock::Clock;
use miette::Result;

use super::{block_on, known, serve, unless_stopped};
use crate::args;
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal;
use report::Report;

pub fn run(options: args::Doctor) -> Result<()> {
    block_on(unless_stopped(examine(options)))
}

async fn examine(options: args::Doctor) -> Result<()> {
    let config: Config = littoral_config::read(&options.config.config)?;
    let (topology, places) = known::places(&config)?;
    let origins = serve::origins(&config)?;
    let clock = Clock::system();
    let mut report = Report::default();
    stores(&config, &mut report);
    let own = certificate::look(&config, &places, &clock, &mut report);
    machine::look(&config, own.as_ref(), &clock, &mut report).await;
    databases::look(&config, &origins, &clock, &mut report).await;
    if let Some(own) = &own {
        peers::look(&config, own, &topology, &places, &clock, &mut report).await;
    }
    terminal::say(&if options.json { report.json().to_string() } else { report.drawn() })?;
    if report.findings.is_empty() {
        return Ok(());
    }
    let next = "each says what to do next; run doctor again afterwards";
    Err(Failure::new("littoral::doctor_found", report.summary(), next).into())
}

fn stores(config: &Config, report: &mut Report) {
    let [first, second] = &config.stores[..] else { return };
    if first == second {
        report.warning(
            "one-place",
            format!("both stores stand at {first}"),
            "who loses that place loses both: nothing is left to read from",
            "let `stores` name locations of two regions",
        );
    } else {
        report.well(format!("the stores stand apart: {first} and {second}"));
    }
}
