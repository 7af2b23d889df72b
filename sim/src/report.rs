//! What a run found, and how often what happened.

use std::fmt;

use littoral_peer::Outcome as HopOutcome;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Nothing goes from one location to another; the other way it does.
    OneSidedCut,
    /// One location alone.
    Isolation,
    /// A store hears everything and answers nothing.
    StoreSilence,
    /// Messages are lost, doubled and overtaken.
    Losses,
    /// Links are slow, not dead.
    SlowLinks,
    /// Purges overtake answers.
    LateAnswers,
    Heal,
    NodeKilled,
    StoreKilled,
    ClockJump,
    HandPurge,
    /// Locations give up their keys or take them again, and some hear of it late.
    Epoch,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::OneSidedCut,
        Self::Isolation,
        Self::StoreSilence,
        Self::Losses,
        Self::SlowLinks,
        Self::LateAnswers,
        Self::Heal,
        Self::NodeKilled,
        Self::StoreKilled,
        Self::ClockJump,
        Self::HandPurge,
        Self::Epoch,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneSidedCut => "one-sided-cut",
            Self::Isolation => "isolation",
            Self::StoreSilence => "store-silence",
            Self::Losses => "losses",
            Self::SlowLinks => "slow-links",
            Self::LateAnswers => "late-answers",
            Self::Heal => "heal",
            Self::NodeKilled => "node-killed",
            Self::StoreKilled => "store-killed",
            Self::ClockJump => "clock-jump",
            Self::HandPurge => "hand-purge",
            Self::Epoch => "epoch",
        }
    }
}

/// How often each fault and each outcome word occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    faults: [u64; Fault::ALL.len()],
    outcomes: [u64; HopOutcome::ALL.len()],
}

impl Tally {
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }

    pub(crate) fn outcome(&mut self, outcome: HopOutcome) {
        self.outcomes[outcome as usize] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        self.faults.iter_mut().zip(other.faults).for_each(|(sum, more)| *sum += more);
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, more)| *sum += more);
    }

    /// What never occurred.
    pub fn missing(&self) -> Vec<&'static str> {
        self.rows().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let faults = Fault::ALL.iter().map(|fault| fault.name()).zip(self.faults);
        faults.chain(HopOutcome::ALL.iter().map(|outcome| outcome.name()).zip(self.outcomes))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.rows() {
            writeln!(f, "{name:>16} {count:>10}")?;
        }
        Ok(())
    }
}

/// One seed's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    pub operations: usize,
    /// Of the whole history: the same seed gives the same number.
    pub fingerprint: u64,
    /// Each says which promise, and by what it was broken.
    pub violations: Vec<String>,
    pub tally: Tally,
}
