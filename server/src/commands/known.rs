//! The places of a network as a node's files tell them: its configuration, or a newer epoch that it
//! has kept.

use littoral_clock::Clock;
use littoral_link::{Certificates, Files};
use littoral_topology::Topology;
use littoral_types::Epoch;
use miette::Result;

use super::serve;
use crate::config::Config;
use crate::network::{KEPT, Place, Read, read_epoch, topology};

/// # Errors
/// When the configuration makes no network. A kept epoch that cannot be read is passed over, as the
/// node itself does.
pub fn places(config: &Config) -> Result<(Topology, Vec<Place>)> {
    let (places, stores) =
        serve::listed(&config.locations, &config.stores, config.upper_weights.as_deref())?;
    let topology = topology(&places, stores, Epoch(config.epoch))?;
    Ok(match kept(config) {
        Some(kept) if kept.topology.epoch() > topology.epoch() => (kept.topology, kept.places),
        _ => (topology, places),
    })
}

fn kept(config: &Config) -> Option<Read> {
    let folder = &config.node.as_ref()?.certificates;
    let certificates = Certificates::load(Files::within(folder), Clock::system()).ok()?;
    let document = std::fs::read(config.data_dir.join(KEPT)).ok()?;
    read_epoch(&document, &certificates).ok()
}
