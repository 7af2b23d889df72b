//! A caching edge in front of a site: what HTTP lets a cache do, and the site as an origin.
//!
//! Read [`rules`] for what may be kept and served, `front` for the way of one request, `origin` for
//! what a question between tiers is answered with. What may not be shared is never waited for.

pub mod rules;
mod limits;
mod error;
mod meta;
mod key;
mod fill;
mod fills;
mod asking;
mod upstream;
mod desk;
mod told;
mod site;
mod origin;
mod part;
mod respond;
mod front;
mod purge;
mod read;
pub mod fuzzing;

use std::sync::{Arc, Mutex, OnceLock};

use futures_util::future::BoxFuture;
use http::{HeaderMap, header};
use littoral_clock::{Chance, Clock, Hlc};
use littoral_http::Places;
use littoral_tasks::Tasks;
use littoral_tiers::{Scope, Tiers};
use littoral_types::{Allowed, Ctx, LocationId, Positions, Space, SpaceId};

pub use error::Error;
pub use limits::Limits;
pub use origin::KIND;
pub use purge::call::{CALL_BYTES_MAX, ListInfo, ZONES_PATH, is_soft};
pub use purge::{NAMED_MAX, Purge, Realm};
pub use upstream::{
    Answered, Backend, Finder, Reading, Sent, Trust, TrustError, Upstream, Via, nothing,
};

use crate::desk::Desk;
use crate::fill::Budget;
use crate::fills::Fills;
use crate::origin::{HELD, SiteOrigin};
use crate::read::Reads;
use crate::respond::Responder;
use crate::site::Site;

/// Writes a purge by hand into the stores, from where every location hears of it.
pub trait Purger: Send + Sync + 'static {
    /// Everything of `space` that is in scope: what the stores have numbered it. On failure, why.
    fn purge<'a>(
        &'a self,
        ctx: &'a Ctx,
        space: Space,
        scope: Scope,
    ) -> BoxFuture<'a, Result<Positions, String>>;
}

/// What a gateway is made of.
pub struct Parts {
    pub here: LocationId,
    pub places: Places,
    pub clock: Clock,
    pub tasks: Tasks,
    pub hlc: Arc<Hlc>,
    pub tiers: Tiers,
    pub purger: Arc<dyn Purger>,
    /// Names traces and indexes.
    pub chance: Chance,
    /// The zone: its responses are a space.
    pub zone: SpaceId,
    /// Host and port of the site.
    pub site: String,
    /// By TLS, if it is vouched for by these.
    pub trust: Option<Trust>,
    /// blake3 of the token that may purge.
    pub token: blake3::Hash,
    pub limits: Limits,
}

/// The front of one site. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    site: Arc<Site>,
    respond: Responder,
    purger: Arc<dyn Purger>,
    token: blake3::Hash,
    /// What the zone is called: its site.
    name: Arc<str>,
}

impl Gateway {
    /// Registers the site with the node's tiers. One site a node.
    pub fn new(parts: Parts) -> Self {
        let Parts { clock, tasks, limits, tiers, .. } = parts;
        let name = parts.site.as_str().into();
        let site = Arc::new(Site {
            space: Space { id: parts.zone, kind: KIND },
            here: Allowed::only([parts.here]),
            finder: OnceLock::new(),
            upstream: Upstream::by(parts.site, parts.trust, clock.clone(), tasks.clone(), limits),
            tiers: tiers.clone(),
            hlc: parts.hlc,
            clock,
            tasks,
            limits,
            desk: Arc::new(Desk::default()),
            fills: Fills::default(),
            budget: Budget::new(limits.filling_bytes_max),
            chance: Mutex::new(parts.chance),
            reads: Reads::new(),
        });
        if !tiers.register(KIND, Arc::new(SiteOrigin(Arc::clone(&site))), HELD) {
            tracing::error!("a node has one site; the second one is not asked");
        }
        let respond = Responder { here: parts.here, places: parts.places };
        Self { site, respond, purger: parts.purger, token: parts.token, name }
    }

    /// By whom those are found whom other locations name. Once.
    pub fn finds_by(&self, finder: Arc<dyn Finder>) {
        if self.site.finder.set(finder).is_err() {
            tracing::error!("a node finds upstreams in one way; the second one is not asked");
        }
    }

    /// Whether a request shows the token of the zone.
    fn permits(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
        let token = shown.and_then(|shown| shown.strip_prefix(b"Bearer "));
        // Hashes are compared in constant time.
        token.is_some_and(|token| blake3::hash(token) == self.token)
    }
}
