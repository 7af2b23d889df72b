//! TLS by the files that a zone names: for its hosts, and to the servers of its upstreams.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use littoral_gateway::{Trust, TrustError};
use littoral_http::{Hosts, Tls, TlsError};

use crate::Zones;
use crate::config::{self, Config, Files, Problem, Upstream};

impl Hosts for Zones {
    fn tls(&self, name: &str) -> Option<(Tls, Arc<str>)> {
        let table = self.0.table.load();
        let zone = table.of(name)?;
        let tls = zone.certificate.as_ref()?.read.load_full()?;
        Some(((*tls).clone(), Arc::clone(&zone.id)))
    }
}

/// The certificate of a zone, as it was last read from its files.
pub(crate) struct Certificate {
    pub(crate) files: config::Tls,
    read: ArcSwapOption<Tls>,
    /// The files' state when they were read.
    state: Mutex<Vec<State>>,
}

/// When a file was last changed, and its length.
type State = Option<(SystemTime, u64)>;

impl Certificate {
    pub(crate) fn new(files: config::Tls) -> Arc<Self> {
        Arc::new(Self { files, read: ArcSwapOption::empty(), state: Mutex::default() })
    }

    /// Reads the files if they have changed since. What cannot be read leaves what was read before.
    /// Blocks.
    pub(crate) fn refresh(&self) {
        let config::Tls { certificate, key, clients } = &self.files;
        let paths = [certificate, key].into_iter().chain(clients);
        let now: Vec<State> = paths.map(|path| state(path)).collect();
        let mut known = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == now {
            return;
        }
        match read(&self.files) {
            Ok(tls) => {
                self.read.store(Some(Arc::new(tls)));
                *known = now;
            }
            Err(error) => tracing::error!(%error, "no new certificate; the one before goes on"),
        }
    }
}

fn state(path: &Path) -> State {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn read(files: &config::Tls) -> Result<Tls, TlsError> {
    match &files.clients {
        None => Tls::read(&files.certificate, &files.key),
        Some(clients) => Tls::with_clients(&files.certificate, &files.key, clients),
    }
}

/// Who must vouch for an upstream's servers, if any are reached by TLS. Blocks.
pub(crate) fn trust(upstream: &Upstream) -> Result<Option<Trust>, TrustError> {
    if !upstream.servers.iter().any(|server| server.secure) {
        return Ok(None);
    }
    let trust = match &upstream.ca {
        Some(file) => Trust::file(file)?,
        None => Trust::system()?,
    };
    Ok(Some(match &upstream.server_name {
        Some(name) => trust.named(name)?,
        None => trust,
    }))
}

/// What of the files that a zone names is of no use at this node. Blocks.
pub(crate) fn problems(text: &str, config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (files, place) in &config.files {
        let why = match files {
            Files::OfHosts(tls) => read(tls).err().map(|error| error.to_string()),
            Files::OfUpstream(name) => {
                let upstream = config.upstreams.get(name);
                upstream.and_then(|upstream| trust(upstream).err()).map(|error| error.to_string())
            }
        };
        problems.extend(why.map(|why| Problem::at(text, place.clone(), why)));
    }
    problems
}
