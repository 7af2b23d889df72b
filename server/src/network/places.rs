//! From what was asked for to a topology and the trips in it.

use std::time::Duration;

use littoral_peer::local::Trips;
use littoral_topology::{Location, Region, Site, Topology};
use littoral_types::{Epoch, LocationId, RegionId, STORES};

use super::{Error, Place, Places, StoreSite};
use crate::world::{CITIES, trip};

pub(super) struct Plan {
    pub(super) topology: Topology,
    pub(super) trips: Trips,
    pub(super) places: Vec<Place>,
}

pub(super) fn plan(places: &Places) -> Result<Plan, Error> {
    match places {
        Places::Modelled { count, trips } => modelled(usize::from(*count), *trips),
        Places::Listed { locations, stores, epoch } => {
            listed(locations.clone(), *stores, Epoch(*epoch))
        }
    }
}

fn modelled(count: usize, scale: f64) -> Result<Plan, Error> {
    let cities = CITIES.get(..count).ok_or_else(|| {
        Error::Other(format!("the map has {} locations, not {count}", CITIES.len()))
    })?;
    let place = |city: &crate::world::City| Place {
        name: city.name.into(),
        region: city.region.into(),
        weight: 1.0,
        listen: None,
        nodes: Vec::new(),
    };
    let places: Vec<_> = cities.iter().map(place).collect();
    let row = |from| cities.iter().map(|to| trip(from, to, scale)).collect();
    let trips: Vec<Vec<Duration>> = cities.iter().map(row).collect();
    let second = usize::from(count > 1);
    let stores = [0, second].map(|at| StoreSite { at, weight: 1.0 });
    let topology = topology(&places, stores, Epoch(1))?;
    Ok(Plan { topology, trips: Trips::new(trips), places })
}

fn listed(places: Vec<Place>, stores: [StoreSite; STORES], epoch: Epoch) -> Result<Plan, Error> {
    let topology = topology(&places, stores, epoch)?;
    Ok(Plan { topology, trips: Trips::none(places.len()), places })
}

/// The topology of a list of places.
///
/// # Errors
/// When it is none.
pub fn topology(
    places: &[Place],
    stores: [StoreSite; STORES],
    epoch: Epoch,
) -> Result<Topology, Error> {
    let mut regions: Vec<Region> = Vec::new();
    let mut locations = Vec::with_capacity(places.len());
    for place in places {
        let at = regions.iter().position(|region| region.name == place.region);
        let at = at.unwrap_or_else(|| {
            regions.push(Region { name: place.region.clone() });
            regions.len() - 1
        });
        let region = RegionId(u16::try_from(at).map_err(|error| Error::Other(error.to_string()))?);
        locations.push(Location::new(place.name.clone(), region, place.weight));
    }
    let site = |StoreSite { at, weight }: StoreSite| {
        u16::try_from(at).map(|at| Site { location: LocationId(at), weight })
    };
    let other = |error: &dyn std::fmt::Display| Error::Other(error.to_string());
    let sites = [site(stores[0]).map_err(|e| other(&e))?, site(stores[1]).map_err(|e| other(&e))?];
    Topology::new(epoch, regions, locations, sites).map_err(|error| other(&error))
}
