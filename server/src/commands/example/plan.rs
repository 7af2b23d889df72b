//! Which nodes an example network has, and where each is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::args::{ExampleNetwork, Origins};
use crate::world::CITIES;

/// Where users reach a node, and where other nodes do.
const PORT: u16 = 8787;
const PEER_PORT: u16 = 9787;
/// Of the PostgreSQL servers: not the one that a server of the machine may have.
const POSTGRES_PORT: u16 = 55432;
/// Addresses of nodes, and of PostgreSQL servers, within a network.
const NODES: u8 = 1;
const SERVERS: u8 = 2;

pub struct Plan {
    pub locations: Vec<Spot>,
    /// Indexes of the locations at which the stores stand: the first of the first two regions.
    pub stores: [usize; 2],
    /// The stores' servers, unless they are embedded.
    pub postgres: Option<[SocketAddr; 2]>,
}

pub struct Spot {
    pub name: &'static str,
    pub region: &'static str,
    pub nodes: Vec<Node>,
}

pub struct Node {
    pub name: String,
    pub address: SocketAddr,
    pub peers: SocketAddr,
}

/// The nodes asked for, spread over the regions in turn; `None` when the map has too few.
pub fn plan(options: &ExampleNetwork) -> Option<Plan> {
    let (regions, count) = (usize::from(options.regions), usize::from(options.locations));
    let mut names: Vec<&str> = Vec::new();
    for city in &CITIES {
        if names.len() < regions && !names.contains(&city.region) {
            names.push(city.region);
        }
    }
    let mut of_region: Vec<_> =
        names.iter().map(|name| CITIES.iter().filter(move |city| city.region == *name)).collect();
    let stores = [0, usize::from(count > 1)];
    let mut locations: Vec<Spot> = Vec::with_capacity(count);
    for at in 0..count {
        // A region that has no more cities is passed over.
        let city = (at..at + regions).find_map(|turn| of_region[turn % regions].next())?;
        let first = at * usize::from(options.nodes) + 1;
        let loopback = |host| loopback(options.net, NODES, host);
        let node = |n: u16| Node {
            name: format!("{}-{}", city.name, n + 1),
            address: SocketAddr::new(loopback(first + usize::from(n)), PORT),
            peers: SocketAddr::new(loopback(first + usize::from(n)), PEER_PORT),
        };
        // An embedded store is in the data directory of one node.
        let alone = options.origins == Origins::Embedded && stores.contains(&at);
        let nodes = if alone { 1 } else { options.nodes };
        let nodes = (0..nodes).map(node).collect();
        locations.push(Spot { name: city.name, region: city.region, nodes });
    }
    let server = |n| SocketAddr::new(loopback(options.net, SERVERS, n), POSTGRES_PORT);
    let postgres = (options.origins == Origins::Postgres).then(|| [1, 2].map(server));
    Some(Plan { locations, stores, postgres })
}

/// 127.`net`.`of`.`host`
fn loopback(net: u8, of: u8, host: usize) -> IpAddr {
    Ipv4Addr::new(127, net, of, u8::try_from(host).unwrap_or(u8::MAX)).into()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn options(regions: u16, locations: u16, nodes: u16) -> ExampleNetwork {
        let dir = PathBuf::from("net");
        ExampleNetwork { regions, locations, nodes, origins: Origins::Postgres, net: 7, dir }
    }

    #[test]
    fn locations_are_spread_over_the_regions_and_every_node_has_its_own_address() {
        let plan = plan(&options(3, 6, 2)).expect("enough cities");
        let regions: Vec<_> = plan.locations.iter().map(|spot| spot.region).collect();
        assert_eq!(regions[..3], regions[3..], "in turn");
        assert_ne!(regions[plan.stores[0]], regions[plan.stores[1]], "the stores stand apart");
        let mut all: Vec<_> =
            plan.locations.iter().flat_map(|spot| &spot.nodes).map(|node| node.address).collect();
        assert_eq!(all.len(), 12);
        all.dedup();
        assert_eq!(all.len(), 12);
        assert_eq!(all[11].to_string(), "127.7.1.12:8787", "beside the machine's other networks");
        let servers = plan.postgres.expect("asked for").map(|server| server.to_string());
        assert_eq!(servers, ["127.7.2.1:55432", "127.7.2.2:55432"]);
    }

    #[test]
    fn beside_an_embedded_store_there_is_one_node() {
        let options = ExampleNetwork { origins: Origins::Embedded, ..options(3, 4, 2) };
        let plan = plan(&options).expect("enough cities");
        let nodes: Vec<_> = plan.locations.iter().map(|spot| spot.nodes.len()).collect();
        assert_eq!(nodes, [1, 1, 2, 2]);
    }

    #[test]
    fn every_number_of_regions_and_locations_that_is_taken_has_its_cities() {
        for regions in 2..=7 {
            for locations in regions..=LOCATIONS_MAX {
                assert!(plan(&options(regions, locations, 1)).is_some(), "{regions} {locations}");
            }
        }
        assert!(plan(&options(1, LOCATIONS_MAX, 1)).is_none(), "no region has as many");
    }

    const LOCATIONS_MAX: u16 = 20;
}
