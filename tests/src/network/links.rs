//! The links of a network: a relay from each node to each other node, and to PostgreSQL.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::Node;
use crate::relay::{Relay, Relays, Weather};

/// Round trips between the first three regions, in milliseconds, and within one.
pub const LINKS_BETWEEN_REGIONS: [[u64; 3]; 3] = [[4, 40, 80], [40, 4, 60], [80, 60, 4]];
/// Of what is added in each direction, for each trip.
const JITTER_SHARE: f64 = 0.1;

/// By who asks and who is asked; PostgreSQL is asked by the name `postgres-0` or `postgres-1`.
#[derive(Debug)]
pub struct Links {
    at: IpAddr,
    relays: Relays,
    regions: BTreeMap<String, usize>,
    others: Vec<Node>,
    trips: f64,
    links: BTreeMap<(String, String), Relay>,
}

impl Links {
    pub(super) fn new(at: IpAddr, nodes: &[Node], trips: f64) -> io::Result<Self> {
        let mut regions = BTreeMap::new();
        for node in nodes {
            let next = regions.len();
            regions.entry(node.region.clone()).or_insert(next);
        }
        let (relays, others) = (Relays::new()?, nodes.to_vec());
        Ok(Self { at, relays, regions, others, trips, links: BTreeMap::new() })
    }

    /// The configuration of a node with relays for addresses.
    pub(super) fn relayed(&mut self, node: &Node, text: &str) -> io::Result<String> {
        let mut lines = Vec::new();
        let mut store = 0;
        for line in text.lines() {
            let other = self.others.iter().find(|other| {
                other.name != node.name && line == format!("address = \"{}\"", other.peers)
            });
            let found = if let Some(other) = other.cloned() {
                let weather = self.trip(&node.region, &other.region);
                let relay = self.add(&node.name, &other.name, other.peers, weather)?;
                Some(format!("address = \"{relay}\""))
            } else if let Some((address, rest)) = postgres(line) {
                let name = format!("postgres-{store}");
                store += 1;
                let relay = self.add(&node.name, &name, address, Weather::default())?;
                Some(format!("url = \"host={} port={} {rest}", relay.ip(), relay.port()))
            } else {
                None
            };
            lines.push(found.unwrap_or_else(|| line.to_owned()));
        }
        Ok(lines.join("\n") + "\n")
    }

    fn add(
        &mut self,
        from: &str,
        name: &str,
        to: SocketAddr,
        usual: Weather,
    ) -> io::Result<SocketAddr> {
        let relay = self.relays.between(self.at, to, usual)?;
        let address = relay.address();
        self.links.insert((from.to_owned(), name.to_owned()), relay);
        Ok(address)
    }

    fn trip(&self, from: &str, to: &str) -> Weather {
        let trip = Duration::from_millis(
            LINKS_BETWEEN_REGIONS[self.regions[from] % 3][self.regions[to] % 3],
        );
        let trip = trip.mul_f64(self.trips);
        Weather::of_trip(trip, trip.mul_f64(JITTER_SHARE))
    }

    /// The longest modelled round trip.
    pub fn longest_trip(&self) -> Duration {
        let trip = |relay: &Relay| relay.usual().there.delay + relay.usual().back.delay;
        self.links.values().map(trip).max().unwrap_or_default()
    }

    /// The link on which `from` asks `to`.
    ///
    /// # Panics
    /// When there is none.
    pub fn link(&self, from: &str, to: &str) -> &Relay {
        let link = self.links.get(&(from.to_owned(), to.to_owned()));
        link.unwrap_or_else(|| panic!("no link from {from} to {to}"))
    }

    /// All links on which this one asks or is asked.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Relay> {
        self.links.iter().filter(move |((from, to), _)| from == name || to == name).map(|(_, l)| l)
    }

    /// Every link as it was made.
    pub fn restore(&self) {
        self.links.values().for_each(Relay::restore);
    }
}

/// Where a configuration's line says PostgreSQL is, and the rest of the line.
fn postgres(line: &str) -> Option<(SocketAddr, &str)> {
    let (host, rest) = line.strip_prefix("url = \"host=")?.split_once(" port=")?;
    let (port, rest) = rest.split_once(' ')?;
    Some((SocketAddr::new(host.parse().ok()?, port.parse().ok()?), rest))
}
