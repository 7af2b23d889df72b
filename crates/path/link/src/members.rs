//! Whose certificates are answered: the locations of the topology, each in its region.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use littoral_topology::Topology;
use littoral_types::LocationId;

use crate::certificate::{ReadError, inspect};
use crate::identity::Identity;
use crate::life::places_mark;

/// The locations of a network, by name. Changed with the topology.
#[derive(Debug)]
pub struct Members {
    network: String,
    places: RwLock<Arc<Known>>,
}

#[derive(Debug)]
struct Known {
    places: HashMap<String, Place>,
    /// What tells whether another node knows the same.
    mark: String,
}

#[derive(Debug)]
struct Place {
    at: LocationId,
    region: String,
}

/// Why a node gets no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    #[error("its certificate cannot be read: {0}")]
    Unreadable(String),
    #[error("its certificate names no node")]
    Nobody,
    #[error("{0} is of another network")]
    Network(Identity),
    #[error("the location of {0} is not in the topology")]
    Location(Identity),
    #[error("the topology has the location of {0} in another region")]
    Region(Identity),
    #[error("it is {found}, not {wanted}")]
    Another { found: Box<Identity>, wanted: Box<Identity> },
}

impl Members {
    pub fn new(network: &str, topology: &Topology) -> Arc<Self> {
        let places = RwLock::new(Arc::new(known(topology)));
        Arc::new(Self { network: network.to_owned(), places })
    }

    /// From now on, these.
    pub fn set(&self, topology: &Topology) {
        let new = Arc::new(known(topology));
        *self.places.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    pub(crate) fn find(&self, identity: &Identity) -> Result<LocationId, Stranger> {
        if identity.network != self.network {
            return Err(Stranger::Network(identity.clone()));
        }
        match self.known().places.get(&identity.location) {
            None => Err(Stranger::Location(identity.clone())),
            Some(place) if place.region != identity.region => {
                Err(Stranger::Region(identity.clone()))
            }
            Some(place) => Ok(place.at),
        }
    }

    /// See [`places_mark`].
    pub(crate) fn mark(&self) -> String {
        self.known().mark.clone()
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.places.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The node that a certificate names. Believed only once the certificate itself is.
pub(crate) fn named(certificate: &[u8]) -> Result<Identity, Stranger> {
    let inspected =
        inspect(certificate).map_err(|error: ReadError| Stranger::Unreadable(error.to_string()))?;
    inspected.identity.ok_or(Stranger::Nobody)
}

fn known(topology: &Topology) -> Known {
    Known { places: places(topology), mark: places_mark(topology) }
}

fn places(topology: &Topology) -> HashMap<String, Place> {
    let place = |at, region| Place { at, region: topology.region(region).name.clone() };
    topology.locations().map(|(at, l)| (l.name.clone(), place(at, l.region))).collect()
}
