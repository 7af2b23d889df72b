//! What this node has measured: the way to every other location, and how much it is asked.
//!
//! Nothing is decided by it here. It is told to whoever weighs places.

use littoral_peer::{Hop, Measured, Outcome, Trip};
use littoral_types::LocationId;

use crate::Tiers;

impl Tiers {
    pub fn measured(&self) -> Measured {
        let inner = self.inner();
        let trip = |to: LocationId| -> Option<(LocationId, Trip)> {
            let trip = inner.carrier.trip(to).filter(|_| to != inner.here)?;
            Some((to, trip))
        };
        let trips = inner.topology.now().locations().filter_map(|(to, _)| trip(to)).collect();
        let of = |outcome: &Outcome| inner.metrics.of(Hop::Edge, *outcome);
        let answered = Outcome::ALL.iter().map(of).sum();
        // The clock began with the process.
        Measured { trips, answered, during: inner.clock.runs() }
    }
}
