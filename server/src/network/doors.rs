//! Opens every location's listener.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use littoral_clock::Chance;
use littoral_http::{Front, Options as HttpOptions, Server};
use littoral_tasks::{Shutdown, TaskKind};
use littoral_types::LocationId;
use tokio::sync::oneshot;

use super::{Error, Location, Options, Place, Places};
use crate::front::Outer;
use crate::gateway::SiteOptions;
use crate::node::{Node, Shared};
use crate::zones::{self, ZonesAt};

/// What the listeners of a process are opened with.
pub(super) struct Doors<'a> {
    pub(super) shared: &'a Shared,
    pub(super) options: &'a Options,
    pub(super) places: &'a [Place],
    /// The locations of this process.
    pub(super) own: &'a [LocationId],
    pub(super) closing: &'a Shutdown,
    /// What all paths belong to, instead of the doors.
    pub(super) site: Option<SiteOptions>,
    /// Where zones are served.
    pub(super) zones: Option<ZonesAt>,
}

pub(super) type Opened = (Arc<[Location]>, Vec<oneshot::Receiver<()>>);

impl Doors<'_> {
    /// Binds all, then serves. What tells of a closed door comes with the locations.
    pub(super) fn open(&self, nodes: &[Arc<Node>], chance: &mut Chance) -> Result<Opened, Error> {
        let known = Arc::new(OnceLock::new());
        let mut servers = Vec::with_capacity(nodes.len());
        let mut of_zones = Vec::new();
        let lines = self.options.watch.lines(self.shared)?;
        for (at, node) in nodes.iter().enumerate() {
            let mut front = self.front(node, &known)?;
            let Shared { clock, tasks, .. } = self.shared;
            let (name, watch) = (&self.places[at].name, &self.options.watch);
            let watching = watch.watching(name, lines.as_ref(), &node.metrics, self.shared);
            if let Some(zones) = self.zones {
                let here = self.own[at];
                let control = front.control();
                let opened = zones::start(node, here, self.shared, control, chance.fork());
                let bound = self.bind_zones(zones, at, opened.clone(), chance)?;
                of_zones.push(bound.watched(watching.clone()));
                front.with_zones(opened);
            }
            let front = Arc::new(front);
            if at == 0 {
                // Once in a process: what removed namespaces left when it was killed.
                tasks.spawn(TaskKind::Cleanup, front.sweep());
            }
            let front: Arc<dyn Front> = match &self.site {
                Some(site) => site.front(node, LocationId(at as u16), self.shared, chance.fork()),
                None => front,
            };
            let address = self.address(at)?;
            // In front of a site, whoever begins with HTTP/2 is understood.
            let http_2 = self.site.is_some();
            let bound = Server::bind(
                address,
                HttpOptions { http_2, ..self.http() },
                front,
                clock.clone(),
                tasks.clone(),
                chance.fork(),
            );
            let bound = bound.map_err(refused)?.counted(&node.metrics).watched(watching);
            servers.push(match self.site.as_ref().and_then(|site| site.tls.as_ref()) {
                Some(tls) => bound.secured(tls),
                None => bound,
            });
        }
        let location = |(at, (place, server)): (usize, (&Place, &Server))| Location {
            name: place.name.clone(),
            region: place.region.clone(),
            address: server.local_addr(),
            zones: of_zones.get(at).map(Server::local_addr),
        };
        let both = self.places.iter().zip(&servers).enumerate();
        let locations: Arc<[Location]> = both.map(location).collect();
        known.get_or_init(|| Arc::clone(&locations));
        let all = servers.into_iter().chain(of_zones);
        Ok((locations, all.map(|server| self.serve(server)).collect()))
    }

    fn bind_zones(
        &self,
        at: ZonesAt,
        place: usize,
        zones: littoral_zones::Zones,
        chance: &mut Chance,
    ) -> Result<Server, Error> {
        let address = at.of(place).ok_or_else(|| {
            Error::Other(format!("zones of location {} would need too high a port", place + 1))
        })?;
        let front: Arc<dyn Front> = Arc::new(littoral_zones::Front::new(zones.clone()));
        let Shared { clock, tasks, .. } = self.shared;
        let mut bind = |address| {
            let (front, chance) = (Arc::clone(&front), chance.fork());
            // Whoever begins with HTTP/2 is understood, with TLS and without.
            let options = HttpOptions { http_2: true, ..self.http() };
            Server::bind(address, options, front, clock.clone(), tasks.clone(), chance)
        };
        let bound = match (bind(address), at) {
            (Err(littoral_http::Error::Taken { .. }), ZonesAt::Rather(_)) => {
                bind(SocketAddr::new(address.ip(), 0))
            }
            (bound, _) => bound,
        };
        bound.map_err(refused).map(|server| server.secured_by_host(Arc::new(zones)))
    }

    fn front(
        &self,
        node: &Arc<Node>,
        known: &Arc<OnceLock<Arc<[Location]>>>,
    ) -> Result<Outer, Error> {
        let dev = matches!(self.options.places, Places::Modelled { .. });
        Outer::new(node, self.shared, &self.options.access, dev.then(|| Arc::clone(known)))
    }

    /// The configured address, or the next port after the first location's.
    fn address(&self, at: usize) -> Result<SocketAddr, Error> {
        let mut address = self.options.listen;
        if let Some(own) = self.places[at].listen {
            return Ok(own);
        }
        if address.port() != 0 {
            let next = usize::from(address.port()) + at;
            let port = u16::try_from(next)
                .map_err(|_| Error::Other(format!("location {} would need port {next}", at + 1)))?;
            address.set_port(port);
        }
        Ok(address)
    }

    fn http(&self) -> HttpOptions {
        let limits = &self.options.limits;
        HttpOptions {
            connections_max: limits.connections,
            request_time: limits.request_time.0,
            drain_time: limits.drain_time.0,
            ..HttpOptions::default()
        }
    }

    fn serve(&self, server: Server) -> oneshot::Receiver<()> {
        let (closed, wait) = oneshot::channel();
        let closing = self.closing.clone();
        self.shared.tasks.spawn(TaskKind::Listener, async move {
            if !server.run(closing).await {
                tracing::warn!("requests under way did not end in time and were cut");
            }
            // Nobody waits when the process ends otherwise.
            let _ = closed.send(());
        });
        wait
    }
}

fn refused(error: littoral_http::Error) -> Error {
    match error {
        littoral_http::Error::Taken { address, .. } => Error::Taken { address },
        littoral_http::Error::Listen { address, source } => Error::Listen { address, source },
    }
}
