//! What a sign of life says beside that there is life: the time, and which places are known.
//!
//! For people who look for what is wrong; nothing is decided by it.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use littoral_topology::{Topology, name_seed};
use littoral_types::{StoreId, Wall};

const TIME: &str = "littoral-time-ms";
const PLACES: &str = "littoral-places";
const PLACES_BYTES_MAX: usize = 64;

/// What a node said of itself. An older node says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    pub time: Option<Wall>,
    pub places: Option<String>,
}

impl Life {
    pub(crate) fn write(headers: &mut HeaderMap, now: Wall, places: &str) {
        headers.insert(TIME, now.0.into());
        if let Ok(places) = HeaderValue::from_str(places) {
            headers.insert(PLACES, places);
        }
    }

    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let time = text(TIME).and_then(|text| text.parse().ok()).map(Wall);
        let places = text(PLACES).filter(|text| text.len() <= PLACES_BYTES_MAX);
        Self { time, places: places.map(str::to_owned) }
    }

    /// Its clock less ours, when it was heard at `at`, `half` a round trip after it spoke.
    pub(crate) fn skew_ms(&self, at: Wall, half: Duration) -> Option<i64> {
        let spoke = at.0.saturating_sub(half.as_millis() as u64);
        let (theirs, ours) = (i64::try_from(self.time?.0).ok()?, i64::try_from(spoke).ok()?);
        theirs.checked_sub(ours)
    }
}

/// Epoch and digest of what decides placement: two nodes with the same mark place every key alike.
pub fn places_mark(topology: &Topology) -> String {
    let mut text = String::new();
    for (_, location) in topology.locations() {
        let region = &topology.region(location.region).name;
        // Writing to a string cannot fail.
        let _ = write!(text, "{} {region} {};", location.name, location.weight);
    }
    for store in StoreId::all() {
        let site = topology.site(store);
        let _ = write!(text, "{} {};", topology.location(site.location).name, site.weight);
    }
    format!("{}-{:016x}", topology.epoch().0, name_seed(&text))
}

#[cfg(test)]
mod tests {
    use littoral_topology::{Location, Region, Site};
    use littoral_types::{Epoch, LocationId, RegionId};

    use super::*;

    #[test]
    fn what_is_said_is_read_and_nonsense_is_nothing() {
        let mut headers = HeaderMap::new();
        Life::write(&mut headers, Wall(1_000_700), "1-ab");
        let life = Life::read(&headers);
        assert_eq!(life.places.as_deref(), Some("1-ab"));
        assert_eq!(life.skew_ms(Wall(1_000_200), Duration::from_millis(100)), Some(600));
        headers.insert(TIME, HeaderValue::from_static("soon"));
        headers.insert(PLACES, HeaderValue::from_str(&"x".repeat(65)).unwrap());
        assert_eq!(Life::read(&headers), Life::default());
        assert_eq!(
            Life { time: Some(Wall(u64::MAX)), places: None }.skew_ms(Wall(0), Duration::ZERO),
            None
        );
    }

    #[test]
    fn the_mark_changes_with_whatever_places_keys() {
        let mark = |epoch, name: &str, weight, at| {
            let region = Region { name: "europe".into() };
            let here = |name: &str, weight| Location::new(name, RegionId(0), weight);
            let site = |at| Site { location: LocationId(at), weight: 1.0 };
            let locations = vec![here(name, weight), here("fra", 1.0)];
            places_mark(
                &Topology::new(Epoch(epoch), vec![region], locations, [site(0), site(at)]).unwrap(),
            )
        };
        let first = mark(1, "ams", 1.0, 1);
        assert_eq!(first, mark(1, "ams", 1.0, 1));
        for other in [
            mark(2, "ams", 1.0, 1),
            mark(1, "lhr", 1.0, 1),
            mark(1, "ams", 2.0, 1),
            mark(1, "ams", 1.0, 0),
        ] {
            assert_ne!(first, other);
        }
    }
}
