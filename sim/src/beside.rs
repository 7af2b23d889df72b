//! What the nodes of a location owe each other, when nothing is lost between them: a write that one
//! acknowledged is read at the others at once, and what a key's keeper showed after a second.

use std::time::Duration;

use littoral_types::{LocationId, Version};

use crate::history::{Kind, Operation, Outcome};
use crate::ledger::Inner;
use crate::world::World;

/// How long a node surely remembers a version.
const REMEMBERED: Duration = Duration::from_secs(10);
/// How old a copy may be.
const COPY: Duration = Duration::from_secs(1);

/// One key's operations and, of those that read, what they showed.
pub(crate) fn judge<'a>(
    world: &World,
    inner: &Inner,
    operations: &[&Operation],
    reads: impl Iterator<Item = (&'a Operation, Version)>,
    found: &mut Vec<String>,
) {
    if !world.places.sound {
        return;
    }
    for (read, version) in reads.filter(|(read, _)| !read.marked) {
        let soon = |known: &&&Operation| {
            known.end < read.start
                && read.start - known.end < REMEMBERED
                && known.version.is_some_and(|newer| newer > version)
                && world.places.beside(known.location, read.location)
        };
        for known in operations.iter().filter(soon) {
            let stayed = |place| !came_or_went(inner, place, (known.start, read.end));
            let written = known.kind != Kind::Get && known.outcome == Outcome::Ok;
            if written && stayed(read.location) {
                found.push(format!("locations-read-their-writes: {known:?} before {read:?}"));
            }
            // One that waits for its keeper so long stands in for it.
            let kept = known.kind == Kind::Get
                && !known.marked
                && read.end - read.start < COPY
                && known.end + COPY < read.start
                && keeper(world, read) == known.location;
            if kept && stayed(read.location) && stayed(known.location) {
                found.push(format!("copies-are-young: {known:?} before {read:?}"));
            }
        }
    }
}

/// While both nodes of its location are there.
fn keeper(world: &World, read: &Operation) -> u16 {
    let here = LocationId(world.places.location(read.location));
    let ranked = world.network.ranked(here, world.namespaces[read.space].id, &read.key);
    ranked[0].0
}

fn came_or_went(inner: &Inner, place: u16, (from, to): (Duration, Duration)) -> bool {
    inner.came_or_went.iter().any(|(who, at)| *who == place && *at >= from && *at <= to)
}
