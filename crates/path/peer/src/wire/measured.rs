//! What a node has measured, on the wire.

use std::time::Duration;

use littoral_types::LocationId;
use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::{TRIPS_MAX, parts};
use crate::trip::MEASURED_MAX;
use crate::{Measured, Trip};

#[derive(Serialize, Deserialize)]
pub(super) struct MeasuredForm {
    trips: Bounded<TripForm, TRIPS_MAX>,
    answered: u64,
    during_ns: Option<u64>,
}

/// To a location: the mean, and the deviation, in nanoseconds.
#[derive(Serialize, Deserialize)]
struct TripForm(u16, Option<u64>, Option<u64>);

impl From<&Measured> for MeasuredForm {
    fn from(Measured { trips, answered, during }: &Measured) -> Self {
        let form = |(to, trip): &(LocationId, Trip)| {
            TripForm(to.0, parts::time_form(trip.mean), parts::time_form(trip.deviation))
        };
        let trips = Bounded(trips.iter().take(TRIPS_MAX).map(form).collect());
        Self { trips, answered: *answered, during_ns: parts::time_form(*during) }
    }
}

impl MeasuredForm {
    /// No trip is longer than any that is measured.
    pub(super) fn decode(self) -> Measured {
        let Self { trips: Bounded(trips), answered, during_ns } = self;
        let time = |form| -> Duration { parts::time(form).min(MEASURED_MAX) };
        let trip = |TripForm(to, mean, deviation)| {
            (LocationId(to), Trip { mean: time(mean), deviation: time(deviation) })
        };
        let trips = trips.into_iter().map(trip).collect();
        Measured { trips, answered, during: parts::time(during_ns) }
    }
}
