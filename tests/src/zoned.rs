//! A zone at a network: a `zone.toml`, applied by the command line, and requests to its host.

use std::net::SocketAddr;

use crate::binary::littoral_at;
use crate::dev::Dev;
use crate::program::{Ended, run};
use crate::wire::{Connection, Request, Response};

/// The host of the zones of tests.
pub const ZONE_HOST: &str = "shop.example";

/// A network with a folder in which its `zone.toml` stands.
#[derive(Debug)]
pub struct Zoned {
    pub dev: Dev,
    folder: tempfile::TempDir,
}

impl Zoned {
    #[track_caller]
    pub fn on(dev: Dev) -> Self {
        Self { dev, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Where a location serves zones.
    #[track_caller]
    pub fn address(&self, at: usize) -> SocketAddr {
        self.dev.locations()[at].zones.expect("dev serves zones")
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Writes a `zone.toml` of the zone `shop`, from what follows its name and host.
    #[track_caller]
    pub fn write(&self, more: &str) {
        let text = format!("name = \"shop\"\nhosts = [\"{ZONE_HOST}\"]\n{more}\n");
        std::fs::write(self.folder.path().join("zone.toml"), text).expect("a file");
    }

    /// A `littoral zone` command, in the folder.
    #[track_caller]
    pub fn zone(&self, arguments: &[&str]) -> Ended {
        let all: Vec<&str> = std::iter::once("zone").chain(arguments.iter().copied()).collect();
        run(littoral_at(&self.dev, &all).current_dir(self.folder.path()), b"")
    }

    /// Writes and applies.
    #[track_caller]
    pub fn apply(&self, more: &str) -> String {
        self.write(more);
        self.zone(&["apply"]).well().text()
    }

    /// A request to the zone's host.
    pub fn request(method: &str, target: &str) -> Request {
        Request::of_host(method, target, ZONE_HOST)
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.send(&Self::request("GET", target))
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        Connection::open(self.address(0)).send(request)
    }
}
