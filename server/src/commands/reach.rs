//! A way to every node of a running network, for commands that ask it something.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use littoral_clock::Clock;
use littoral_link::{Certificates, Client, Files, client};
use littoral_peer::{Carrier as _, Gossip, Measured, Reply, Request};
use littoral_store::Staging;
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_topology::{Measurements, Topology};
use littoral_types::{Ctx, Epoch};
use miette::Result;

use super::known;
use crate::config::{Config, Member};
use crate::failure::Failure;
use crate::network::{Place, peers, read_epoch};

/// How long a location may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Speaks as the node of a configuration.
pub struct Reach {
    client: Client,
    clock: Clock,
    pub certificates: Arc<Certificates>,
    pub topology: Topology,
    pub places: Vec<Place>,
    /// Files on their way lie here.
    _staging: tempfile::TempDir,
}

/// What each location says, in the list's order, or why it says nothing.
pub type Said<T> = Vec<(String, Result<T, String>)>;

impl Reach {
    /// # Errors
    /// When it is the configuration of no node, or its certificates cannot be used.
    pub fn of(file: &Path) -> Result<Self> {
        let config: Config = littoral_config::read(file)?;
        let clock = Clock::system();
        let unusable = |why: String| {
            let next = "name the configuration of a node of the network with --config";
            Failure::new("littoral::epoch", why, next)
        };
        let Some(Member { certificates, .. }) = &config.node else {
            return Err(
                unusable(format!("{} is of no node: it has no [node]", file.display())).into()
            );
        };
        let certificates = Certificates::load(Files::within(certificates), clock.clone())
            .map_err(|error| unusable(error.to_string()))?;
        let (topology, places) = known::places(&config)?;
        let folder = tempfile::tempdir().map_err(|error| unusable(error.to_string()))?;
        let staging = Staging::open(folder.path()).map_err(|error| unusable(error.to_string()))?;
        let client = Client::new(
            Arc::clone(&certificates),
            client::Options { probe_every: None, ..client::Options::default() },
            Arc::new(staging),
            clock.clone(),
            Tasks::new(clock.clone()),
            &Registry::new("littoral"),
        );
        let reach = Self { client, clock, certificates, topology, places, _staging: folder };
        reach.dial(&reach.topology, &reach.places)?;
        Ok(reach)
    }

    /// From now on, these nodes are asked.
    ///
    /// # Errors
    /// When a node has no proper name.
    pub fn dial(&self, topology: &Topology, places: &[Place]) -> Result<()> {
        // As nobody's own: the node of the configuration is asked like any other.
        let mut own = self.certificates.identity();
        own.node = String::new();
        self.client.set_peers(peers(&own, topology, places)?);
        Ok(())
    }

    /// Goes on with the newest epoch that a location knows.
    ///
    /// # Errors
    /// When a node has no proper name.
    pub async fn newest(&mut self) -> Result<()> {
        let here = self.topology.epoch();
        let ask = || Request::Epoch(Gossip { epoch: here, document: None });
        let said = self.ask(&self.topology, ask, |reply| match reply {
            Reply::Epoch(theirs) => Some(theirs),
            _ => None,
        });
        let newer = said.await.into_iter().filter_map(|(_, said)| said.ok()?.document);
        let newer = newer.filter_map(|document| read_epoch(&document, &self.certificates).ok());
        let newest = newer.max_by_key(|read| read.topology.epoch());
        if let Some(read) = newest.filter(|read| read.topology.epoch() > here) {
            self.dial(&read.topology, &read.places)?;
            (self.topology, self.places) = (read.topology, read.places);
        }
        Ok(())
    }

    /// Which epoch each location knows, once it has heard of this one.
    pub async fn epochs(&self, topology: &Topology, gossip: &Gossip) -> Said<Epoch> {
        let ask = || Request::Epoch(gossip.clone());
        let said = self.ask(topology, ask, |reply| match reply {
            Reply::Epoch(theirs) => Some(theirs.epoch),
            _ => None,
        });
        said.await
    }

    /// What each location has measured.
    pub async fn measured(&self) -> Said<Measured> {
        let said = self.ask(
            &self.topology,
            || Request::Measured,
            |reply| match reply {
                Reply::Measured(measured) => Some(measured),
                _ => None,
            },
        );
        said.await
    }

    /// All are asked at once.
    async fn ask<T>(
        &self,
        topology: &Topology,
        request: impl Fn() -> Request,
        read: impl Fn(Reply) -> Option<T>,
    ) -> Said<T> {
        let asked = topology.locations().map(|(to, location)| {
            let ctx = Ctx { deadline: self.clock.after(ANSWER_TIME), ..Ctx::default() };
            let (call, read) = (self.client.call(to, ctx, request()), &read);
            async move {
                let answer = match call.await {
                    Ok(reply) => read(reply).ok_or_else(|| "it answered something else".into()),
                    Err(error) => Err(error.to_string()),
                };
                (location.name.clone(), answer)
            }
        });
        join_all(asked).await
    }
}

/// What all have said, side by side. Who said nothing has measured nothing.
pub fn measurements(said: &Said<Measured>) -> Measurements {
    let row = |said: &Result<Measured, String>| {
        let mut row = vec![None; said_count(said)];
        for (to, trip) in said.iter().flat_map(|measured| &measured.trips) {
            if let Some(cell) = row.get_mut(to.index()) {
                *cell = Some(trip.mean);
            }
        }
        row
    };
    let rate = |said: &Result<Measured, String>| {
        let told = said.as_ref().ok().filter(|measured| !measured.during.is_zero());
        told.map_or(0.0, |told| told.answered as f64 / told.during.as_secs_f64())
    };
    let trips = said.iter().map(|(_, said)| row(said)).collect();
    Measurements::new(trips, said.iter().map(|(_, said)| rate(said)).collect())
}

/// How far its list of trips reaches.
fn said_count(said: &Result<Measured, String>) -> usize {
    let trips = said.iter().flat_map(|measured| &measured.trips);
    trips.map(|(to, _)| to.index() + 1).max().unwrap_or(0)
}
