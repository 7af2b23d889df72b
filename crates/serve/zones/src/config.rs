//! A zone as it is configured: `zone.toml`, read and checked as a whole.

mod document;
mod problem;
mod check;
mod servers;
mod rules;
mod more;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::condition::{Condition, Host};
use crate::plan::Plan;
use crate::template::Template;

pub use problem::Problem;

/// Bytes of a `zone.toml`.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
const HOSTS_MAX: usize = 64;
const ROUTES_MAX: usize = 256;
const UPSTREAMS_MAX: usize = 64;
const SERVERS_MAX: usize = 64;
const PREWARM_MAX: usize = 1_000;

/// A zone, checked. What it names, namespaces above all, may still not be there.
#[derive(Clone)]
pub struct Config {
    pub name: String,
    pub hosts: Vec<Host>,
    pub tls: Option<Tls>,
    /// What is asked for before a version is served.
    pub prewarm: Vec<Warm>,
    pub upstreams: BTreeMap<String, Upstream>,
    pub routes: Vec<Route>,
    pub plan: Plan,
    /// Namespaces that are named, and where.
    pub namespaces: Vec<(String, Range<usize>)>,
    /// Where files are named that must be there when it is applied.
    pub files: Vec<(Files, Range<usize>)>,
}

/// Files that a zone needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    OfHosts(Tls),
    /// Of the upstream of this name.
    OfUpstream(String),
}

/// With what a zone's hosts are spoken to by TLS: files of the node, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// With its chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who vouches for clients, if they are asked for a certificate.
    pub clients: Option<PathBuf>,
}

/// A URL that is asked for before a version is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warm {
    /// With its port, if it names one.
    pub host: String,
    /// Path and query.
    pub target: String,
}

/// A server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Host and port.
    pub authority: String,
    /// By TLS.
    pub secure: bool,
}

/// Servers that do the same, and how they are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub servers: Vec<Server>,
    /// The host that they are told, if not the client's.
    pub host: Option<String>,
    /// Who vouches for those that are reached by TLS, if not whom the system trusts.
    pub ca: Option<PathBuf>,
    /// What they must be vouched for as, if not as the host of their address.
    pub server_name: Option<String>,
    pub health: Option<Health>,
    /// How often a request that changes nothing is tried again, elsewhere.
    pub retries: u32,
    pub connections_max: usize,
    /// Failures in a row after which a server is left alone for a while.
    pub eject_after: u32,
    pub eject_time: Duration,
    pub answer_time: Duration,
}

/// How servers are asked for a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub path: String,
    pub every: Duration,
    pub timeout: Duration,
    pub fails: u32,
    pub passes: u32,
}

/// Which requests, and where they go.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub when: Condition,
    pub target: Target,
    pub cache: Cache,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Upstream(String),
    /// A folder of the node, and the part of the path that names the file.
    Folder(PathBuf, Template),
    /// A namespace, and the key.
    Namespace(String, Template),
    Redirect(Template, http::StatusCode),
    Answer(Box<crate::rule::Reply>),
}

/// What is kept of an upstream's answers, beyond what it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Otherwise everything is passed on.
    pub keep: bool,
    /// For answers of which the upstream does not say how long they are fresh.
    pub ttl: Option<Duration>,
    /// The same for 404, 410 and 5xx.
    pub errors: Option<Duration>,
    pub stale_while_revalidate: Option<Duration>,
    pub stale_if_error: Option<Duration>,
    /// Whether the times here hold also where the upstream says others.
    pub overrule: bool,
    /// Whether each version of the zone keeps its own.
    pub per_version: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            keep: true,
            ttl: None,
            errors: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            overrule: false,
            per_version: false,
        }
    }
}

impl Config {
    /// Reads a `zone.toml`.
    ///
    /// # Errors
    /// All that is wrong with it; the first alone, if it is not even TOML with the right keys.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("it is longer than {TEXT_BYTES_MAX} bytes");
            return Err(vec![Problem::at(text, 0..0, message)]);
        }
        match toml::from_str(text) {
            Ok(document) => check::check(text, document),
            Err(error) => {
                let place = error.span().unwrap_or_default();
                Err(vec![Problem::at(text, place, error.message())])
            }
        }
    }
}

#[cfg(test)]
mod tests;
