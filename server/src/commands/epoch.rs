//! `littoral epoch`: the locations of a running network, changed by numbered, signed lists.

mod measure;

use std::path::Path;

use bytes::Bytes;
use littoral_link::ca::Folder;
use littoral_peer::Gossip;
use littoral_types::Epoch;
use miette::Result;

use super::reach::Reach;
use super::{block_on, serve, unless_stopped};
use crate::args::EpochCommand;
use crate::config::{Config, Document};
use crate::failure::Failure;
use crate::network::read_epoch;
use crate::{files, terminal};

pub fn run(command: EpochCommand) -> Result<()> {
    match command {
        EpochCommand::Sign { list, authority, out } => sign(&list, &authority, &out),
        EpochCommand::Apply { document, config } => {
            block_on(unless_stopped(async move { apply(&document, &config.config).await }))
        }
        EpochCommand::Measure { config, out, json } => {
            let measured = async move { measure::run(&config.config, out.as_deref(), json).await };
            block_on(unless_stopped(measured))
        }
        EpochCommand::Status { config } => {
            block_on(unless_stopped(async move { status(&config.config).await }))
        }
    }
}

fn sign(list: &Path, authority: &Path, out: &Path) -> Result<()> {
    let config: Config = littoral_config::read(list)?;
    serve::listed(&config.locations, &config.stores, config.upper_weights.as_deref())?;
    let failed = |error: littoral_link::ca::Error| {
        let next = "name the folder that `littoral ca init` made with --authority";
        Failure::new("littoral::epoch", error.to_string(), next)
    };
    let authority = Folder::new(authority).authority().map_err(failed)?;
    let document = Document {
        epoch: config.epoch,
        network: authority.network().to_owned(),
        stores: config.stores,
        upper_weights: config.upper_weights,
        locations: config.locations,
    };
    let signed = authority.sign(&littoral_config::dump(&document)).map_err(failed)?;
    write(out, &signed)?;
    terminal::note(&format!(
        "epoch {} is signed: littoral epoch apply {}",
        config.epoch,
        out.display()
    ));
    Ok(())
}

fn write(out: &Path, text: &str) -> Result<()> {
    let written = files::draft(out).and_then(|mut draft| {
        std::io::Write::write_all(&mut draft, text.as_bytes())?;
        files::publish(draft, out)
    });
    Ok(written.map_err(|error| {
        let what = format!("cannot write {}", out.display());
        Failure::new("littoral::epoch", what, "choose another --out").because(error)
    })?)
}

async fn apply(file: &Path, config: &Path) -> Result<()> {
    let reach = Reach::of(config)?;
    let refused = |why: String| {
        let next = "sign it with `littoral epoch sign`, with the authority that the nodes trust";
        Failure::new("littoral::epoch", format!("{}: {why}", file.display()), next)
    };
    let document = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let read = read_epoch(&document, &reach.certificates);
    let read = read.map_err(|error| refused(error.to_string()))?;
    reach.topology.may_become(&read.topology).map_err(|error| refused(error.to_string()))?;
    reach.dial(&read.topology, &read.places)?;
    let epoch = read.topology.epoch();
    let nothing = Gossip { epoch: Epoch(u64::MAX), document: None };
    let before = reach.epochs(&read.topology, &nothing).await;
    let known = before.iter().filter_map(|(_, said)| said.as_ref().ok()).max().copied();
    if let Some(known) = known.filter(|known| *known >= epoch) {
        let what = format!("epoch {} is not newer than {}, which is known", epoch.0, known.0);
        let next = "give the list a higher `epoch` and sign it again";
        return Err(Failure::new("littoral::epoch", what, next).into());
    }
    let gossip = Gossip { epoch, document: Some(Bytes::from(document)) };
    let said = reach.epochs(&read.topology, &gossip).await;
    let taken = said.iter().filter(|(_, said)| said.as_ref().is_ok_and(|at| *at >= epoch)).count();
    show(&said)?;
    if taken == 0 {
        let what = format!("no location has taken epoch {}", epoch.0);
        let next = "its own words are above; the nodes' logs say more";
        return Err(Failure::new("littoral::epoch", what, next).into());
    }
    if taken < said.len() {
        terminal::note("the others hear of it from those that have it, once they are reached");
    }
    Ok(())
}

async fn status(config: &Path) -> Result<()> {
    let reach = Reach::of(config)?;
    let gossip = Gossip { epoch: Epoch(u64::MAX), document: None };
    show(&reach.epochs(&reach.topology, &gossip).await)
}

fn show(said: &[(String, Result<Epoch, String>)]) -> Result<()> {
    for (name, said) in said {
        terminal::say(&match said {
            Ok(epoch) => format!("{name:<12} epoch {}", epoch.0),
            Err(why) => format!("{name:<12} {why}"),
        })?;
    }
    Ok(())
}
