//! Composition of a network of locations in one process.

use std::net::SocketAddr;
use std::path::PathBuf;

use littoral_types::Tenant;

use crate::config::{self, Limits};

/// Everything a network needs to know; values only.
#[derive(Clone, Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    /// The first location's address. The others follow on the next ports; with port 0 each takes
    /// a free one.
    pub listen: SocketAddr,
    pub places: Places,
    pub access: Access,
    pub limits: Limits,
}

/// Which locations there are.
#[derive(Clone, Debug)]
pub enum Places {
    /// `dev`: this many of a built-in map of the world, with round trips modelled from it times
    /// `trips`; the doors under `/dev` are open.
    Modelled { count: u16, trips: f64 },
    /// `serve`: as configured, without modelled trips; nothing under `/dev`.
    Listed {
        locations: Vec<Place>,
        /// Indexes of the locations at which the stores stand.
        stores: [usize; 2],
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub name: String,
    pub region: String,
    /// Share of keys relative to others of its region.
    pub weight: f64,
    /// Its own address, if it does not take the next port.
    pub listen: Option<SocketAddr>,
}

/// The first account and the tokens that open it before any was made by the API.
#[derive(Clone, Debug)]
pub struct Access {
    pub account: Tenant,
    pub tokens: Vec<BootstrapToken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapToken {
    pub name: String,
    /// blake3 of the token's text.
    pub hash: [u8; 32],
    pub access: config::Access,
}

/// A location that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub name: String,
    pub region: String,
    pub address: SocketAddr,
}

/// Why a network did not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    #[error("{address} is taken")]
    #[diagnostic(
        code(littoral::port_taken),
        help(
            "stop what listens there, or choose another port with --listen (port 0 takes free ones)"
        )
    )]
    Taken { address: SocketAddr },
    #[error("cannot listen on {address}")]
    #[diagnostic(
        code(littoral::listen),
        help("choose an address of this machine with --listen")
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("cannot use the data directory {}", path.display())]
    #[diagnostic(
        code(littoral::data_dir),
        help(
            "check that it is writable and that no other process uses it, or choose another with --data-dir"
        )
    )]
    DataDir {
        path: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{0}")]
    #[diagnostic(code(littoral::start))]
    Other(String),
}

/// A network that runs.
#[derive(Debug)]
pub struct Network {
    locations: Vec<Location>,
}

impl Network {
    /// Starts every location; returns when all of them answer.
    ///
    /// # Errors
    /// When a port is taken or the data directory cannot be used; nothing is left running.
    #[expect(clippy::unused_async, reason = "composition comes with node.rs")]
    pub async fn start(options: Options) -> Result<Self, Error> {
        let _ = options;
        Ok(Self {
            locations: Vec::new(),
        })
    }

    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Answers what has been asked, writes what must be kept, and ends.
    #[expect(clippy::unused_async, reason = "composition comes with node.rs")]
    pub async fn drain(self) {}
}
