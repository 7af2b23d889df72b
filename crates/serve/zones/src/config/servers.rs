//! Addresses: TLS of a zone's hosts, the servers of its upstreams, and what is asked for early.

use std::ops::Range;
use std::time::Duration;

use http::HeaderValue;
use toml::Spanned;

use super::check::Checker;
use super::document::{self, Text};
use super::{Files, Health, SERVERS_MAX, Server, Tls, Upstream, Warm};
use crate::condition::Host;

impl Checker<'_> {
    pub(super) fn tls(&mut self, tls: Spanned<document::Tls>) -> Tls {
        let place = tls.span();
        let document::Tls { certificate, key, client_authorities } = tls.into_inner();
        self.clients = client_authorities.is_some();
        let tls = Tls {
            certificate: certificate.into_inner().into(),
            key: key.into_inner().into(),
            clients: client_authorities.map(|file| file.into_inner().into()),
        };
        self.files.push((Files::OfHosts(tls.clone()), place));
        tls
    }

    pub(super) fn upstream(
        &mut self,
        name: &str,
        place: Range<usize>,
        upstream: document::Upstream,
    ) -> Option<Upstream> {
        if upstream.servers.is_empty() || upstream.servers.len() > SERVERS_MAX {
            let message = format!("an upstream has 1 to {SERVERS_MAX} servers");
            self.problem(place, message);
            return None;
        }
        let servers = upstream.servers.iter();
        let servers: Vec<_> =
            servers.filter_map(|text| self.good(text.span(), server(text.get_ref()))).collect();
        let secure = servers.iter().any(|server| server.secure);
        let unused = [upstream.ca.as_ref(), upstream.server_name.as_ref()].into_iter().flatten();
        for text in unused.filter(|_| !secure) {
            self.problem(text.span(), "this is for servers that are reached by `https://`");
        }
        if secure {
            let at = upstream.ca.as_ref().map_or(place, Text::span);
            self.files.push((Files::OfUpstream(name.to_owned()), at));
        }
        let host = upstream.host.and_then(|text| {
            let value = HeaderValue::from_str(text.get_ref());
            let value = value.map_err(|_| "this is no host".to_owned());
            self.good(text.span(), value).map(|_| text.into_inner())
        });
        let health = upstream.health.and_then(|health| {
            let path = health.path.get_ref();
            if !path.starts_with('/') || path.parse::<http::Uri>().is_err() {
                self.problem(health.path.span(), "a path begins with a slash, as in `/healthz`");
                return None;
            }
            let every = health.every.map_or(Duration::from_secs(5), |every| every.get_ref().0);
            Some(Health {
                path: health.path.into_inner(),
                every: every.max(Duration::from_millis(50)),
                timeout: health.timeout.map_or(Duration::from_secs(2), |timeout| timeout.0),
                fails: health.fails.unwrap_or(3).max(1),
                passes: health.passes.unwrap_or(1).max(1),
            })
        });
        let retries = upstream.retries.map_or(1, Spanned::into_inner);
        Some(Upstream {
            servers,
            host,
            ca: upstream.ca.map(|file| file.into_inner().into()),
            server_name: upstream.server_name.map(Text::into_inner),
            health,
            retries: retries.min(5),
            connections_max: upstream.connections.map_or(512, Spanned::into_inner).clamp(1, 65_536),
            eject_after: upstream.eject_after.map_or(5, Spanned::into_inner).max(1),
            eject_time: upstream.eject_time.map_or(Duration::from_secs(10), |time| time.0),
            answer_time: upstream.answer_time.map_or(Duration::from_secs(60), |time| time.0),
        })
    }
}

/// Host and port of a server, and how it is spoken to.
fn server(text: &str) -> Result<Server, String> {
    let secure = text.strip_prefix("https://");
    let (host, port) = match secure {
        Some(host) => (host, 443),
        None => (text.strip_prefix("http://").unwrap_or(text), 80),
    };
    let host = host.strip_suffix('/').unwrap_or(host);
    let wrong =
        || format!("`{text}` is no server: write `http://HOST:PORT` or `https://HOST:PORT`");
    let authority: http::uri::Authority = host.parse().map_err(|_| wrong())?;
    if authority.as_str().contains('@') {
        return Err(wrong());
    }
    let authority = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(port));
    Ok(Server { authority, secure: secure.is_some() })
}

/// A URL of the zone, or a path at the first of its hosts that is one.
pub(super) fn warm(text: &str, hosts: &[Host]) -> Result<Warm, String> {
    let wrong = || format!("`{text}` is no URL: write `https://HOST/PATH`, or a path");
    let uri: http::Uri = text.parse().map_err(|_| wrong())?;
    let host = match (uri.authority(), uri.scheme_str()) {
        (Some(host), Some("http" | "https")) if !host.as_str().contains('@') => {
            if !hosts.iter().any(|one| one.matches(&host.host().to_ascii_lowercase())) {
                return Err(format!("the host of `{text}` is not of this zone"));
            }
            host.as_str().to_ascii_lowercase()
        }
        (None, None) if text.starts_with('/') => {
            let exactly = |host: &Host| match host {
                Host::Exactly(name) => Some(name.clone()),
                _ => None,
            };
            let first = hosts.iter().find_map(exactly);
            first
                .ok_or_else(|| format!("`{text}`: say at which host, as in `https://HOST/PATH`"))?
        }
        _ => return Err(wrong()),
    };
    let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    Ok(Warm { host, target })
}
