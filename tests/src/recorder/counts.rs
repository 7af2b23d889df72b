//! How often what happened, and how long it took, by phase of a run and kind of operation.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A read that demands nothing.
    PlainRead,
    /// A read that shows a version.
    MinimumRead,
    /// A write or delete without a condition, where none is needed.
    PlainWrite,
    /// Any write where the home store decides: it may be away.
    ComparedWrite,
}

/// How it ended, for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// Answered, be it with *absent* or a condition that does not hold.
    Answered,
    /// Answered as well as it can be while a store is away, and marked: less is promised of it.
    Marked,
    /// An error, by its status and code.
    Refused(u16, u64),
    /// No answer, or half of one.
    Nothing,
    /// No answer from a node that had been taken away.
    Away,
}

#[derive(Clone, Debug, Default)]
pub struct Counts(BTreeMap<(&'static str, Kind), Tally>);

#[derive(Clone, Debug, Default)]
struct Tally {
    by: BTreeMap<Seen, u64>,
    /// Of those that were answered.
    micros: Vec<u32>,
}

impl Counts {
    pub(super) fn add(&mut self, phase: &'static str, kind: Kind, seen: Seen, micros: u64) {
        let tally = self.0.entry((phase, kind)).or_default();
        *tally.by.entry(seen).or_default() += 1;
        if is_answer(seen) {
            tally.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }

    /// Answered in a phase.
    pub fn answered(&self, phase: &str, kind: Kind) -> u64 {
        self.of(phase, kind, is_answer)
    }

    /// Neither answered, nor asked of a node that was away.
    pub fn failed(&self, phase: &str, kind: Kind) -> u64 {
        self.of(phase, kind, |seen| !is_answer(seen) && seen != Seen::Away)
    }

    /// Marked, over the whole run.
    pub fn marked(&self) -> u64 {
        let tallies = self.0.values();
        tallies.filter_map(|tally| tally.by.get(&Seen::Marked)).sum()
    }

    fn of(&self, phase: &str, kind: Kind, counts: impl Fn(Seen) -> bool) -> u64 {
        let tallies = self.0.iter().filter(|((of, is), _)| *of == phase && *is == kind);
        tallies
            .flat_map(|(_, tally)| &tally.by)
            .filter(|(seen, _)| counts(**seen))
            .map(|(_, count)| count)
            .sum()
    }

    /// The time, in milliseconds, within which this share of those that were answered were.
    pub fn milliseconds(&self, phase: &str, kind: Kind, share: f64) -> f64 {
        let tallies = self.0.iter().filter(|((of, is), _)| *of == phase && *is == kind);
        let mut all: Vec<u32> =
            tallies.flat_map(|(_, tally)| tally.micros.iter().copied()).collect();
        all.sort_unstable();
        let last = all.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        all.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
    }

    /// A line for each phase and kind.
    pub fn lines(&self) -> String {
        let line = |((phase, kind), tally): (&(&str, Kind), &Tally)| {
            let by: Vec<_> =
                tally.by.iter().map(|(seen, count)| format!("{seen:?} {count}")).collect();
            let [half, most, all] =
                [0.5, 0.99, 1.0].map(|share| self.milliseconds(phase, *kind, share));
            format!(
                "{phase:<24} {kind:<13?}  p50 {half:.1} ms, p99 {most:.1} ms, most {all:.1} ms  {}\n",
                by.join(", ")
            )
        };
        self.0.iter().map(line).collect()
    }
}

fn is_answer(seen: Seen) -> bool {
    matches!(seen, Seen::Answered | Seen::Marked)
}
