//! What differs at a regional tier: it is sent the purges of its keys, so it knows when it may
//! trust what it holds. Here it is decided that an entry is suspect; whether the streams cover it
//! is [`Streams::cover`](crate::streams::Streams::cover).

use std::sync::Arc;
use std::time::Duration;

use littoral_rules::{self as rules, Rule};
use littoral_topology::KeyHash;
use littoral_types::{Mono, Space};

use crate::Entry;
use crate::lookup::Inner;

/// How far a tier may trust an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing can have changed it unheard: held until purged, vouched for anew with each answer.
    Covered,
    /// Suspect, but its age tells the asker all it needs: it is young, or fresh by what it says.
    Young,
    /// Suspect: validated before it is served.
    Suspect,
}

/// A tier trusts an entry while the epoch gives it the key, every store agreed, and every stream
/// has been heard within the silence limit and is complete since. Anything else (silence, standing
/// in for a sick location, another epoch, a restart) makes it suspect, except where the origin said
/// for how long it may be handed on.
pub(crate) fn trust(
    inner: &Inner,
    space: Space,
    key: &[u8],
    entry: &Arc<Entry>,
    now: Mono,
) -> Trust {
    if inner.shelf.stale_since(space.id, key, entry).is_some() {
        return Trust::Suspect;
    }
    if covers(inner, inner.origins.hash(space, key), entry, now) {
        return Trust::Covered;
    }
    if let Some(fresh) = inner.origins.fresh_for(space.kind, entry) {
        return if entry.age(now) < fresh { Trust::Young } else { Trust::Suspect };
    }
    young(entry.age(now), inner.limits.silence)
}

/// After a restart the age is unknown, and so endless.
fn young(age: Duration, silence: Duration) -> Trust {
    if age <= silence || !rules::holds(Rule::SuspectIsValidated) {
        Trust::Young
    } else {
        Trust::Suspect
    }
}

/// Whether this location may vouch for the entry itself.
pub(crate) fn covers(inner: &Inner, hash: KeyHash, entry: &Entry, now: Mono) -> bool {
    let (topology, before) = inner.topology.both();
    let held_before = |epoch| {
        before.as_ref().is_some_and(|before| {
            before.epoch() == epoch && before.holds(inner.here, hash)
                || !rules::holds(Rule::CoverNeedsEpoch)
        })
    };
    inner.streams.cover(entry, now, inner.limits.silence, topology.epoch(), held_before)
        && (topology.holds(inner.here, hash) || !rules::holds(Rule::CoverNeedsRank))
}
