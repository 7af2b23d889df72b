//! Many nodes, each a process, and two PostgreSQL servers: what faults cost, and what a hop does.
//!
//! Modelled round trips stand between the nodes: relays of ours on every link.

mod drift;
mod faults;
mod hops;
mod interrupt;
mod keys;
mod leave;
mod seen;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use littoral_tests::{Network, NetworkOptions, Stopwatch};

use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};

/// What `cargo xtask bench network` takes beside what all take.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Told {
    /// Of `network`: where the history goes, for `littoral history check`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Of `network`: how long the load with faults lasts (5; quick: 1).
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// Of `network`: a new folder for the network, which stays.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Three in each of three regions.
const LOCATIONS: u16 = 9;
const REGIONS: u16 = 3;

pub(crate) fn run(plan: &Plan) -> Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("network-").tempdir_in(&plan.folder)?;
    open_to_postgres(folder.path())?;
    let dir = plan.network.dir.clone().unwrap_or_else(|| folder.path().join("net"));
    interrupt::stops(&dir, folder.path())?;
    let network = Network::start(&NetworkOptions {
        regions: REGIONS,
        locations: LOCATIONS,
        relayed: true,
        trips: 1.0,
        // One crawl after the other.
        settings: vec![("crawl-pause", "\"1s\"")],
        littoral: Some(plan.littoral.clone()),
        dir: Some(dir),
        ..NetworkOptions::default()
    });
    let mut rows = Vec::new();
    for part in plan.parts::<Part>()? {
        let watch = Stopwatch::start();
        rows.extend(part.run(plan, &network)?);
        eprintln!("  {part:?}: {} s", watch.elapsed().as_secs());
    }
    Ok(rows)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Hops,
    Seen,
    Leave,
    Drift,
    Faults,
}

impl Part {
    fn run(self, plan: &Plan, network: &Network) -> Result<Vec<Row>> {
        match self {
            Self::Hops => hops::run(plan, network),
            Self::Seen => seen::run(plan, network),
            Self::Leave => leave::run(plan, network),
            Self::Drift => drift::run(plan, network),
            Self::Faults => faults::run(plan, network),
        }
    }
}

/// PostgreSQL runs as a user of its own, where this runs as root.
fn open_to_postgres(folder: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?)
}

/// A row of one figure.
fn row(name: &'static str, unit: &'static str, figure: f64, goal: Goal, note: String) -> Row {
    Row {
        name,
        door: "http, nine nodes, two PostgreSQL",
        trips: "4 ms in a region, 40 to 80 ms between",
        unit,
        ours: Rounds::one(figure),
        peer: None,
        goal,
        note,
    }
}

/// Waits by the machine's clock.
fn pause(time: Duration) {
    let watch = Stopwatch::start();
    while let Some(left) = time.checked_sub(watch.elapsed()) {
        std::thread::park_timeout(left);
    }
}
