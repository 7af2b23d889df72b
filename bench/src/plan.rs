//! How long and how often is measured, and on which processors.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use littoral_clock::Clock;

/// What every measurement is told.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Rounds in which ours and theirs take turns.
    pub(crate) rounds: usize,
    /// How long each side of a round is loaded.
    pub(crate) span: Duration,
    pub(crate) quick: bool,
    pub(crate) profile: bool,
    /// The program under test.
    pub(crate) littoral: PathBuf,
    /// A folder on a disk that syncs: not in memory.
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
    /// Only these parts of a group that has parts; none: all.
    pub(crate) part: Vec<String>,
    /// What only the bench of many nodes is told.
    pub(crate) network: crate::network::Told,
    /// Processors of the side under test, and of what loads it.
    pub(crate) halves: Option<(String, String)>,
}

impl Plan {
    pub(crate) fn new(quick: bool, profile: bool, littoral: PathBuf, folder: PathBuf) -> Self {
        let (rounds, span) = if quick { (3, 1_000) } else { (5, 4_000) };
        let span = Duration::from_millis(span);
        let clock = Clock::system();
        let network = crate::network::Told::default();
        let (part, halves) = (Vec::new(), halves());
        Self { rounds, span, quick, profile, littoral, folder, clock, part, network, halves }
    }

    /// What of a group is to be measured, in its own order.
    pub(crate) fn parts<P: ValueEnum>(&self) -> Result<Vec<P>> {
        let told = self.part.iter().try_for_each(|name| P::from_str(name, true).map(drop));
        let names = |part: &P| part.to_possible_value().map(|value| value.get_name().to_owned());
        let all: Vec<String> = P::value_variants().iter().filter_map(names).collect();
        told.map_err(|_| anyhow!("--part is one of {}", all.join(", ")))?;
        let chosen = |part: &&P| {
            let name = names(part).unwrap_or_default();
            self.part.is_empty() || self.part.contains(&name)
        };
        Ok(P::value_variants().iter().filter(chosen).cloned().collect())
    }

    /// A command that runs where the side under test runs.
    pub(crate) fn tested(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        pinned(program, self.halves.as_ref().map(|(tested, _)| tested))
    }

    /// A command that runs where the load comes from.
    pub(crate) fn loading(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        pinned(program, self.halves.as_ref().map(|(_, loading)| loading))
    }

    /// Processors that each side has.
    pub(crate) fn cores(&self) -> usize {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        if self.halves.is_some() { all / 2 } else { all }
    }

    /// Fewer of something when in a hurry.
    pub(crate) fn of(&self, usual: u64, quick: u64) -> u64 {
        if self.quick { quick } else { usual }
    }
}

fn pinned(program: impl AsRef<std::ffi::OsStr>, cores: Option<&String>) -> Command {
    let Some(cores) = cores else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", cores]).arg(program);
    command
}

/// One half of the processors for the side under test, the other for the load: so that the figure
/// is what the side under test can do, not how the two share.
fn halves() -> Option<(String, String)> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let there = Command::new("taskset").args(["--cpu-list", "0", "true"]).status();
    (all > 1 && there.is_ok_and(|status| status.success()))
        .then(|| (format!("0-{}", all / 2 - 1), format!("{}-{}", all / 2, all / 2 * 2 - 1)))
}
