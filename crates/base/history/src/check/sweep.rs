//! Reads are at or above the floors that lie under them: what they asked for, what was seen and
//! written at their location, and what was acknowledged anywhere long ago.

use crate::promise::Promise;
use crate::rank::Rank;
use crate::report::Findings;
use crate::story::{Deletes, Read, Shown, Story, Write};

use super::{Case, nanoseconds};

/// Something a read must not be older than, and the operation that put it there.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Floor {
    rank: Rank,
    row: u32,
}

/// The floors of a location, or, as they were when it began, of a read.
#[derive(Clone, Copy, Default)]
struct Floors {
    read: Floor,
    written: Floor,
    stale: Floor,
}

/// What happens in time. Of one instant, what begins comes first: only what ended before something
/// began is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    WriteBegins,
    ReadBegins,
    WriteEnds,
    ReadEnds,
}

struct Sweep<'a> {
    case: &'a Case<'a>,
    /// Locations of the story, in order of their numbers.
    locations: Vec<u32>,
    here: Vec<Floors>,
    /// Of each read.
    under: Vec<Floors>,
    deletes: Deletes,
    overwritten: Overwritten<'a>,
}

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let story = case.story;
    if story.reads.is_empty() {
        return;
    }
    let mut locations: Vec<u32> = story.reads.iter().map(|read| read.location).collect();
    locations.sort_unstable();
    locations.dedup();
    let mut sweep = Sweep {
        case,
        here: vec![Floors::default(); locations.len()],
        locations,
        under: vec![Floors::default(); story.reads.len()],
        deletes: Deletes::default(),
        overwritten: Overwritten::of(case),
    };
    for (_, step, index) in steps(story) {
        match step {
            Step::WriteBegins => sweep.deletes.add(&story.writes[index as usize]),
            Step::WriteEnds => sweep.write_ends(&story.writes[index as usize]),
            Step::ReadBegins => sweep.read_begins(index as usize),
            Step::ReadEnds => sweep.read_ends(index as usize, findings),
        }
    }
}

fn steps(story: &Story) -> Vec<(u64, Step, u32)> {
    let mut steps = Vec::with_capacity(2 * (story.writes.len() + story.reads.len()));
    for (index, write) in (0..).zip(&story.writes) {
        steps.push((write.start, Step::WriteBegins, index));
        steps.push((write.end, Step::WriteEnds, index));
    }
    for (index, read) in (0..).zip(&story.reads) {
        steps.push((read.start, Step::ReadBegins, index));
        steps.push((read.end, Step::ReadEnds, index));
    }
    steps.sort_unstable_by_key(|(time, step, index)| (*time, *step >= Step::WriteEnds, *index));
    steps
}

impl Sweep<'_> {
    fn here(&mut self, location: u32) -> Option<&mut Floors> {
        let at = self.locations.binary_search(&location).ok()?;
        Some(&mut self.here[at])
    }

    fn write_ends(&mut self, write: &Write) {
        if !write.acknowledged {
            return;
        }
        let floor = Floor { rank: write.low, row: write.row };
        // Where nobody reads, nothing stands on it.
        if let Some(here) = self.here(write.location) {
            here.written = here.written.max(floor);
        }
    }

    fn read_begins(&mut self, index: usize) {
        let Read { location, start, .. } = self.case.story.reads[index];
        let stale = self.overwritten.at(start);
        if let Some(here) = self.here(location) {
            self.under[index] = Floors { stale, ..*here };
        }
    }

    fn read_ends(&mut self, index: usize, findings: &mut Findings<'_>) {
        let read = self.case.story.reads[index];
        let Floors { read: seen, written, stale } = self.under[index];
        let asked = Floor { rank: read.minimum, row: read.row };
        let newest = self.deletes.newest(read.shown);
        if let Shown::Value(version) = read.shown {
            self.deletes.add_value(version);
        }
        let mut oldest = Rank::NONE;
        let mut kept = true;
        for (promise, floor) in [
            (Promise::Minimum, asked),
            (Promise::MonotonicReads, seen),
            (Promise::ReadYourWrites, written),
            (Promise::Staleness, stale),
        ] {
            if promise == Promise::Minimum && is_absent_since(read.shown, floor.rank) {
                // Perhaps as of the delete of another key: that says nothing about this one's.
            } else if newest >= floor.rank {
                oldest = oldest.max(floor.rank);
            } else {
                kept = false;
                let rows = [floor.row, read.row];
                findings.add(promise, &rows, || self.words(promise, &read, floor));
            }
        }
        // One that broke a promise says nothing about what must come after it, unless it says what
        // it was.
        let shown = match read.shown {
            Shown::Absent(_) if !kept => return,
            shown => self.deletes.oldest(shown, oldest),
        };
        if let Some(here) = self.here(read.location) {
            here.read = here.read.max(Floor { rank: shown, row: read.row });
        }
    }

    fn words(&self, promise: Promise, read: &Read, floor: Floor) -> String {
        let facts = self.case.facts;
        let name = facts.name(read.row);
        let shown = match read.shown {
            Shown::Value(version) => format!("{name} shows {}", facts.version(version)),
            Shown::Absent(Rank::NONE) => format!("{name} shows nothing"),
            Shown::Absent(version) => {
                format!("{name} shows nothing, as of {}", facts.version(version))
            }
        };
        let (at, version) = (facts.name(floor.row), facts.version(floor.rank));
        match promise {
            Promise::Minimum => format!("{shown}, and asked for {version} or newer"),
            Promise::ReadYourWrites => {
                format!("{shown}, though {at} had been acknowledged there with {version}")
            }
            Promise::Staleness => {
                format!("{shown}, long after {at} had been acknowledged with {version}")
            }
            _ => format!("{shown}, though {at} had shown {version} there, or something newer"),
        }
    }
}

/// Whether a read shows that there is nothing as of a version that meets the minimum.
fn is_absent_since(shown: Shown, minimum: Rank) -> bool {
    matches!(shown, Shown::Absent(version) if version >= minimum)
}

/// The newest write that was acknowledged too long ago for anything older to be shown.
struct Overwritten<'a> {
    /// In the order in which they ended.
    writes: std::iter::Peekable<std::vec::IntoIter<&'a Write>>,
    after: u64,
    newest: Floor,
}

impl<'a> Overwritten<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut writes: Vec<&Write> = match case.bounds.stale_after {
            Some(_) => case.story.writes.iter().filter(|write| write.acknowledged).collect(),
            None => Vec::new(),
        };
        writes.sort_by_key(|write| write.end);
        Self {
            writes: writes.into_iter().peekable(),
            after: case.bounds.stale_after.map_or(0, nanoseconds),
            newest: Floor::default(),
        }
    }

    /// For a read that begins at `start`; never asked about an earlier time than before.
    fn at(&mut self, start: u64) -> Floor {
        let after = self.after;
        let old = |write: &&Write| write.end.saturating_add(after) < start;
        while let Some(write) = self.writes.next_if(old) {
            self.newest = self.newest.max(Floor { rank: write.low, row: write.row });
        }
        self.newest
    }
}
