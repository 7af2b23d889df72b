//! The measured round trips of a network, each location's to each other, as a table.

use std::time::Duration;

use littoral_topology::{Measurements, Topology};
use littoral_types::LocationId;

/// Locations that fit beside each other; of more, what their regions take on the mean.
pub const SHOWN_MAX: usize = 24;

/// Who asks whom, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    pub names: Vec<String>,
    /// By who asks, then by who is asked; nothing to itself, and nothing of what was not measured.
    pub trips: Vec<Vec<Option<Duration>>>,
}

impl Matrix {
    /// Locations beside others of their region; of very many, regions.
    pub fn new(topology: &Topology, measured: &Measurements) -> Self {
        let here = |region| {
            let here = topology.locations().filter(move |(_, location)| location.region == region);
            here.map(|(at, _)| at).collect::<Vec<LocationId>>()
        };
        let regions: Vec<_> = topology.regions().map(|(at, region)| (region, here(at))).collect();
        let count = topology.locations().count();
        let groups: Vec<(String, Vec<LocationId>)> = if count > SHOWN_MAX {
            regions.into_iter().map(|(region, here)| (region.name.clone(), here)).collect()
        } else {
            let one = |at: LocationId| (topology.location(at).name.clone(), vec![at]);
            regions.into_iter().flat_map(|(_, here)| here).map(one).collect()
        };
        let trip = |from: &[LocationId], to: &[LocationId]| {
            let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (*a, *b)));
            let trips: Vec<_> =
                pairs.filter(|(a, b)| a != b).filter_map(|(a, b)| measured.between(a, b)).collect();
            let sum: Duration = trips.iter().sum();
            (!trips.is_empty()).then(|| sum / trips.len() as u32)
        };
        let row =
            |(_, from): &(String, Vec<_>)| groups.iter().map(|(_, to)| trip(from, to)).collect();
        Self {
            trips: groups.iter().map(row).collect(),
            names: groups.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.trips.iter().flatten().all(Option::is_none)
    }

    pub fn longest(&self) -> Duration {
        self.trips.iter().flatten().flatten().copied().max().unwrap_or_default()
    }

    pub fn table(&self) -> String {
        let width = |name: &String| name.chars().count().max(CELL);
        let first = self.names.iter().map(width).max().unwrap_or(CELL).max(CORNER.len());
        let mut lines = vec![format!("{CORNER:<first$}")];
        for name in &self.names {
            lines[0].push_str(&format!("  {name:>width$}", width = width(name)));
        }
        for (name, row) in self.names.iter().zip(&self.trips) {
            let mut line = format!("{name:<first$}");
            for (to, trip) in self.names.iter().zip(row) {
                let cell = trip.map_or("-".into(), cell);
                line.push_str(&format!("  {cell:>width$}", width = width(to)));
            }
            lines.push(line);
        }
        lines.push("round trips in milliseconds, as who asks has measured them".into());
        lines.join("\n")
    }
}

const CORNER: &str = "from / to";
const CELL: usize = 5;

/// Milliseconds, to a tenth while that says something.
pub fn cell(trip: Duration) -> String {
    let ms = trip.as_secs_f64() * 1e3;
    if ms < 99.95 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

#[cfg(test)]
mod tests {
    use littoral_topology::{Location, Region, Site};
    use littoral_types::{Epoch, RegionId, STORES};

    use super::*;

    fn network(count: u16) -> (Topology, Measurements) {
        let regions = ["europe", "asia"].map(|name| Region { name: name.into() });
        let location = |at: u16| Location::new(format!("l{at}"), RegionId(at % 2), 1.0);
        let site = Site { location: LocationId(0), weight: 1.0 };
        let locations = (0..count).map(location).collect();
        let topology = Topology::new(Epoch(1), regions.into(), locations, [site; STORES]);
        let trip = |a: u16, b: u16| {
            let ms = if a % 2 == b % 2 { 4 } else { 230 };
            (a != b && a != 1).then(|| Duration::from_millis(ms))
        };
        let row = |a: u16| (0..count).map(|b| trip(a, b)).collect();
        let trips = (0..count).map(row).collect();
        (topology.expect("sound"), Measurements::new(trips, vec![0.0; usize::from(count)]))
    }

    #[test]
    fn locations_stand_beside_those_of_their_region_and_what_is_unknown_is_a_dash() {
        let (topology, measured) = network(3);
        let table = Matrix::new(&topology, &measured).table();
        let expected = "\
from / to     l0     l2     l1
l0             -    4.0    230
l2           4.0      -    230
l1           230    230      -
round trips in milliseconds, as who asks has measured them";
        assert_eq!(table, expected, "l1 tells nothing: what others measured holds for it");
        assert!(Matrix::new(&topology, &Measurements::default()).is_empty());
    }

    #[test]
    fn of_very_many_locations_regions_are_shown() {
        let (topology, measured) = network(40);
        let matrix = Matrix::new(&topology, &measured);
        assert_eq!(matrix.names, ["europe", "asia"]);
        assert_eq!(matrix.longest(), Duration::from_millis(230));
    }
}
