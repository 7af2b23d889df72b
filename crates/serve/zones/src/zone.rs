//! One version of a zone at work: its plan, its routes and whom they lead to.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use littoral_gateway::{Answered, Backend, Error as Unanswered, Realm, Sent, Via};
use littoral_types::Tenant;

use crate::config::{Cache, Config, Route, Target};
use crate::means::Means;
use crate::named;
use crate::pool::Pool;
use crate::rule::View;
use crate::secure::Certificate;

/// A version of a zone. A request that began with it ends with it.
pub struct Zone {
    pub account: Tenant,
    /// What it is called where names would not do: 32 hexadecimal digits.
    pub id: Arc<str>,
    pub version: u32,
    pub config: Config,
    pub means: Arc<Means>,
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// For each route that leads to an upstream, whom to ask.
    via: Vec<Option<Via>>,
}

impl Zone {
    pub(crate) fn new(
        account: Tenant,
        version: u32,
        config: Config,
        means: Arc<Means>,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        let id = id(account, &config.name);
        let name_of = |route| named::of(&id, version, route).into();
        let via = |(at, route): (usize, &Route)| {
            let Target::Upstream(name) = &route.target else { return None };
            let pool = Arc::clone(means.pools.get(name)?);
            let (cache, kept) = (route.cache.clone(), route.cache.keep);
            let edition = match cache.per_version {
                true => format!("{id}/{name}/{version}"),
                false => format!("{id}/{name}"),
            };
            let backend = Arc::new(Kept { pool, cache, zone: Arc::clone(&id), name: name_of(at) });
            Some(Via { backend, edition: edition.into(), kept })
        };
        let via = config.routes.iter().enumerate().map(via).collect();
        Self { account, id, version, config, means, certificate, via }
    }

    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The first route that takes a request.
    pub(crate) fn route(&self, view: &View<'_>) -> Option<(usize, &Route)> {
        self.config.routes.iter().enumerate().find(|(_, route)| route.when.holds(view))
    }

    pub(crate) fn via(&self, route: usize) -> Option<&Via> {
        self.via.get(route)?.as_ref()
    }

    /// Under which its routes' answers are kept.
    pub fn editions(&self) -> Vec<Arc<str>> {
        let mut editions: Vec<_> =
            self.via.iter().flatten().map(|via| Arc::clone(&via.edition)).collect();
        editions.sort();
        editions.dedup();
        editions
    }
}

/// The same at each node, and for every zone of this name that the account ever has.
pub fn id(account: Tenant, name: &str) -> Arc<str> {
    let all = [&account.0.to_be_bytes(), name.as_bytes()].concat();
    let hash = blake3::hash(&all).to_hex();
    hash[..32].into()
}

/// What only we follow of an answer (RFC 9213): it is not passed on.
const OURS: HeaderName = HeaderName::from_static("littoral-cdn-cache-control");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const FOR_CDNS: HeaderName = HeaderName::from_static("cdn-cache-control");

/// An upstream whose answers a route keeps for as long as it says.
struct Kept {
    pool: Arc<Pool>,
    cache: Cache,
    /// Its id.
    zone: Arc<str>,
    /// By what other locations find it.
    name: Bytes,
}

impl Backend for Kept {
    fn ask(&self, request: Request<Sent>) -> BoxFuture<'_, Result<Answered, Unanswered>> {
        Box::pin(async move {
            let mut answered = self.pool.ask(request).await?;
            let head = &mut answered.head;
            mark(&self.zone, &mut head.headers);
            if let Some(said) = self.cache.says(head.status, &head.headers) {
                head.headers.insert(OURS, said);
            }
            Ok(answered)
        })
    }

    fn name(&self) -> Option<Bytes> {
        Some(self.name.clone())
    }
}

/// Makes an answer's labels its zone's own, and gives it one that all of the zone have: no client sees
/// them, and a purge of a zone by labels leaves others alone.
fn mark(zone: &str, headers: &mut HeaderMap) {
    let (mut all, comma) = (zone.as_bytes().to_vec(), b", ");
    let keys = headers.get_all(SURROGATE_KEY).into_iter();
    let keys = keys.flat_map(|line| line.as_bytes().split(u8::is_ascii_whitespace));
    let tags = headers.get_all(CACHE_TAG).into_iter();
    let tags = tags.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    for label in keys.chain(tags).map(<[u8]>::trim_ascii).filter(|label| !label.is_empty()) {
        all.extend_from_slice(comma);
        all.extend_from_slice(&Realm::label(zone, label));
    }
    headers.remove(SURROGATE_KEY);
    if let Ok(all) = HeaderValue::from_bytes(&all) {
        headers.insert(CACHE_TAG, all);
    }
}

impl Cache {
    /// What is to be said of an answer's freshness in place of the upstream, if anything.
    fn says(&self, status: StatusCode, headers: &HeaderMap) -> Option<HeaderValue> {
        let failed = matches!(status.as_u16(), 404 | 410 | 500..=599);
        let fresh = if failed { self.errors? } else { self.ttl? };
        let of = |name: HeaderName| headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        let line = of(header::CACHE_CONTROL).collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let forbids = |word: &str| line.split(',').any(|one| one.trim().starts_with(word));
        // What is meant for one is not shared because a route says so.
        if forbids("private") || forbids("no-store") || headers.contains_key(header::SET_COOKIE) {
            return None;
        }
        let says = [header::CACHE_CONTROL, header::EXPIRES, header::PRAGMA, FOR_CDNS, OURS];
        if !self.overrule && says.iter().any(|name| headers.contains_key(name)) {
            return None;
        }
        let mut text = format!("max-age={}", fresh.as_secs());
        if let Some(time) = self.stale_while_revalidate {
            text.push_str(&format!(", stale-while-revalidate={}", time.as_secs()));
        }
        if let Some(time) = self.stale_if_error {
            text.push_str(&format!(", stale-if-error={}", time.as_secs()));
        }
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn labels_of_a_zone_are_its_own() {
        let mut headers = HeaderMap::new();
        mark("z", &mut headers);
        assert_eq!(headers[CACHE_TAG], "z");
        let mut headers = HeaderMap::new();
        headers.append(SURROGATE_KEY, HeaderValue::from_static("a  b"));
        headers.append(CACHE_TAG, HeaderValue::from_static("c d,, e"));
        mark("z", &mut headers);
        assert_eq!(headers[CACHE_TAG], "z, z a, z b, z c d, z e");
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn a_route_says_how_long_where_the_upstream_does_not() {
        let cache = Cache {
            ttl: Some(Duration::from_secs(60)),
            errors: Some(Duration::from_secs(5)),
            stale_if_error: Some(Duration::from_secs(9)),
            ..Cache::default()
        };
        let says = |cache: &Cache, status: u16, headers: &[(&'static str, &'static str)]| {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            let headers: HeaderMap = headers.iter().map(pair).collect();
            let status = StatusCode::from_u16(status).expect("a status");
            cache.says(status, &headers).map(|v| v.to_str().expect("plain").to_owned())
        };
        let kept = Some("max-age=60, stale-if-error=9".to_owned());
        assert_eq!(says(&cache, 200, &[]), kept);
        assert_eq!(says(&cache, 404, &[]).as_deref(), Some("max-age=5, stale-if-error=9"));
        assert_eq!(says(&cache, 200, &[("cache-control", "max-age=1")]), None);
        assert_eq!(says(&cache, 200, &[("set-cookie", "a=b")]), None);
        let overrule = Cache { overrule: true, ..cache };
        assert_eq!(says(&overrule, 200, &[("cache-control", "max-age=1")]), kept);
        assert_eq!(says(&overrule, 200, &[("cache-control", "max-age=1, Private")]), None);
        assert_eq!(says(&Cache::default(), 200, &[]), None);
    }
}
