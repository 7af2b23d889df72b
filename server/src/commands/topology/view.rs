//! All that is shown of a network, before it is drawn in one way or another.

use std::collections::HashMap;
use std::time::Duration;

use littoral_link::{Files, inspect_file};
use littoral_topology::Topology;
use littoral_types::StoreId;
use serde_json::{Value, json};

use super::matrix::Matrix;
use super::shares::{Departure, SAMPLE, Share, shares, uppers};
use crate::config::{Config, Engine};
use crate::network;

pub struct View {
    pub epoch: u64,
    pub regions: Vec<Region>,
    pub stores: Vec<Store>,
    pub leaving: Option<Departure>,
    /// Where the round trips were measured: the location of the configuration's own node.
    pub seen_from: Option<String>,
    /// Round trips of all locations, if they were asked and told.
    pub matrix: Option<Matrix>,
}

/// What has been measured.
#[derive(Default)]
pub struct Trips {
    /// By the node of the configuration, to each location.
    pub own: HashMap<String, Duration>,
    pub all: Option<Matrix>,
}

pub struct Region {
    pub name: String,
    pub places: Vec<Place>,
}

pub struct Place {
    pub name: String,
    pub weight: f64,
    /// Name and address of each.
    pub nodes: Vec<(String, String)>,
    /// Numbers of the stores that stand here.
    pub stores: Vec<u8>,
    pub share: Share,
    pub trip: Option<Duration>,
}

pub struct Store {
    pub number: u8,
    pub location: String,
    pub engine: &'static str,
    /// The share of keys whose upper tier stands in its region.
    pub upper: f64,
}

impl View {
    pub fn new(
        config: &Config,
        topology: &Topology,
        places: &[network::Place],
        leaving: Option<Departure>,
        trips: Trips,
    ) -> Self {
        let Trips { own, all } = trips;
        let shares = shares(topology);
        let place = |(id, location): (littoral_types::LocationId, &littoral_topology::Location)| {
            let listed = places.iter().find(|listed| listed.name == location.name);
            let nodes = listed.into_iter().flat_map(|listed| &listed.nodes);
            let stores = StoreId::all().filter(|store| topology.site(*store).location == id);
            Place {
                name: location.name.clone(),
                weight: location.weight,
                nodes: nodes.map(|(name, address)| (name.clone(), address.to_string())).collect(),
                stores: stores.map(|store| store.0).collect(),
                share: shares[id.index()],
                trip: own.get(&location.name).copied(),
            }
        };
        let region = |(id, region): (littoral_types::RegionId, &littoral_topology::Region)| {
            let here = topology.locations().filter(|(_, location)| location.region == id);
            Region { name: region.name.clone(), places: here.map(place).collect() }
        };
        let uppers = uppers(topology);
        let store = |store: StoreId| Store {
            number: store.0,
            location: topology.location(topology.site(store).location).name.clone(),
            engine: match config.origins.get(store.index()).map(|origin| origin.engine) {
                Some(Engine::Postgres) => "postgres",
                Some(Engine::Embedded) | None => "embedded",
            },
            upper: uppers[store.index()],
        };
        Self {
            epoch: topology.epoch().0,
            regions: topology.regions().map(region).collect(),
            stores: StoreId::all().map(store).collect(),
            leaving,
            seen_from: own_location(config).filter(|_| !own.is_empty()),
            matrix: all,
        }
    }

    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.regions.iter().flat_map(|region| &region.places)
    }

    pub fn json(&self) -> Value {
        let place = |place: &Place| {
            let node =
                |(name, address): &(String, String)| json!({"name": name, "address": address});
            json!({
                "name": place.name, "weight": place.weight, "stores": place.stores,
                "nodes": place.nodes.iter().map(node).collect::<Vec<_>>(),
                "regional_share": place.share.regional, "upper_share": place.share.upper,
                "round_trip_us": place.trip.map(|trip| trip.as_micros() as u64),
            })
        };
        let region = |region: &Region| {
            let places: Vec<_> = region.places.iter().map(place).collect();
            json!({ "name": region.name, "locations": places })
        };
        let store = |store: &Store| {
            json!({
                "store": store.number, "location": store.location, "engine": store.engine,
                "upper_share": store.upper,
            })
        };
        let leaving = self.leaving.as_ref().map(|left| {
            json!({
                "location": left.name, "regional_share": left.regional, "upper_share": left.upper,
                "others_share": left.others, "region_ends": left.region_ends,
                "to": left.to.iter().cloned().collect::<HashMap<_, _>>(),
            })
        });
        let matrix = self.matrix.as_ref().map(|matrix| {
            let us = |trip: &Option<Duration>| trip.map(|trip| trip.as_micros() as u64);
            let row = |row: &Vec<_>| row.iter().map(us).collect::<Vec<_>>();
            json!({
                "names": matrix.names,
                "round_trips_us": matrix.trips.iter().map(row).collect::<Vec<_>>(),
            })
        });
        json!({
            "matrix": matrix, "epoch": self.epoch, "sample": SAMPLE, "seen_from": self.seen_from,
            "regions": self.regions.iter().map(region).collect::<Vec<_>>(),
            "stores": self.stores.iter().map(store).collect::<Vec<_>>(), "without": leaving,
        })
    }
}

/// As the node's certificate names it.
fn own_location(config: &Config) -> Option<String> {
    let files = Files::within(&config.node.as_ref()?.certificates);
    let shown = inspect_file(&files.certificate).ok()?;
    shown.into_iter().find_map(|shown| Some(shown.identity?.location))
}
