//! `littoral topology`: the places of a network, who holds what, and what would move.

mod draw;
mod picture;
mod shares;
mod view;

use littoral_clock::Clock;
use littoral_topology::Topology;
use miette::Result;

use super::{block_on, known, unless_stopped};
use crate::args;
use crate::client::round_trips;
use crate::config::Config;
use crate::failure::Failure;
use crate::{files, terminal};
use shares::Departure;
use view::View;

pub fn run(options: args::Topology) -> Result<()> {
    block_on(unless_stopped(show(options)))
}

async fn show(options: args::Topology) -> Result<()> {
    let config: Config = littoral_config::read(&options.config.config)?;
    let (topology, places) = known::places(&config)?;
    let leaving = options.without.as_deref().map(|name| leave(&topology, name)).transpose()?;
    let trips = round_trips(config.listen, &Clock::system()).await;
    let view = View::new(&config, &topology, &places, leaving, &trips);
    if let Some(file) = &options.svg {
        write(file, &picture::svg(&view))?;
        terminal::note(&format!("the picture is in {}", file.display()));
    }
    terminal::say(&if options.json { view.json().to_string() } else { draw::table(&view) })?;
    Ok(())
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
