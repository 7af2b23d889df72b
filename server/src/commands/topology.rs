//! `littoral topology`: the places of a network, who holds what, and what would move.

mod draw;
mod matrix;
mod picture;
mod shares;
mod view;

use std::time::Duration;

use littoral_clock::Clock;
use littoral_topology::Topology;
use miette::Result;

use super::reach::{Reach, measurements};
use super::{block_on, known, unless_stopped};
use crate::args;
use crate::client::round_trips;
use crate::config::Config;
use crate::failure::Failure;
use crate::{files, terminal};
pub use draw::percent;
pub use matrix::Matrix;
pub use shares::{Moved, moved};

use shares::Departure;
use view::{Trips, View};

/// How long nodes may take to tell what they have measured.
const WAIT_MAX: Duration = Duration::from_secs(4);

pub fn run(options: args::Topology) -> Result<()> {
    block_on(unless_stopped(show(options)))
}

async fn show(options: args::Topology) -> Result<()> {
    let config: Config = littoral_config::read(&options.config.config)?;
    let (topology, places) = known::places(&config)?;
    let leaving = options.without.as_deref().map(|name| leave(&topology, name)).transpose()?;
    let trips = trips(&config, &options.config.config, &topology).await;
    let view = View::new(&config, &topology, &places, leaving, trips);
    if let Some(file) = &options.svg {
        write(file, &picture::svg(&view))?;
        terminal::note(&format!("the picture is in {}", file.display()));
    }
    terminal::say(&if options.json { view.json().to_string() } else { draw::table(&view) })?;
    Ok(())
}

/// What nodes have measured, if any runs: all of them, or this configuration's alone.
async fn trips(config: &Config, file: &std::path::Path, topology: &Topology) -> Trips {
    if config.node.is_none() {
        return Trips::default();
    }
    let clock = Clock::system();
    let all = async {
        let mut reach = Reach::of(file).ok()?;
        reach.newest().await.ok()?;
        let said = reach.measured().await;
        Some(Matrix::new(topology, &measurements(&said)))
    };
    let all = clock.timeout(WAIT_MAX, all).await.ok().flatten();
    let own = round_trips(config.listen, &clock).await;
    Trips { own, all: all.filter(|matrix| !matrix.is_empty()) }
}

fn leave(topology: &Topology, name: &str) -> Result<Departure> {
    let refused = |why: shares::Refused| {
        let next = match why {
            shares::Refused::Unknown => "`littoral topology` lists them".to_owned(),
            shares::Refused::Store(store) => {
                format!("store {store} stands there: let `stores` name another location first")
            }
            shares::Refused::Last => "a network has at least one location".to_owned(),
        };
        let what = match why {
            shares::Refused::Unknown => format!("no location is called \"{name}\""),
            _ => format!("{name} cannot leave"),
        };
        Failure::new("littoral::topology", what, next)
    };
    Ok(shares::without(topology, name).map_err(refused)?)
}

fn write(file: &std::path::Path, text: &str) -> Result<()> {
    let written = files::draft(file).and_then(|mut draft| {
        std::io::Write::write_all(&mut draft, text.as_bytes())?;
        files::publish(draft, file)
    });
    Ok(written.map_err(|error| {
        let what = format!("cannot write {}", file.display());
        Failure::new("littoral::output", what, "choose another --svg").because(error)
    })?)
}

/// All measured round trips as a table.
pub fn matrix(topology: &Topology, measured: &littoral_topology::Measurements) -> String {
    let matrix = Matrix::new(topology, measured);
    if matrix.is_empty() { "no round trip was measured".into() } else { matrix.table() }
}
