//! Where purges are asked for: `PURGE` with the zone's token, and the paths that purge clients know.

use futures_util::future::{BoxFuture, try_join_all};
use http::header;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use littoral_http::{Call, Refusal, Res, UploadError, code};
use littoral_tiers::stale_in;
use littoral_types::{Ctx, Positions, Space};
use serde::Serialize;

use super::Purge;
use super::call::{CALL_BYTES_MAX, ListInfo, ZONES_PATH, is_soft};
use crate::site::Asking;
use crate::{Error, Gateway, Via};

/// What a purge answers with.
#[derive(Serialize)]
struct Purged {
    id: String,
}

#[derive(Serialize)]
struct Zone<'a> {
    id: String,
    name: &'a str,
    status: &'static str,
    paused: bool,
    r#type: &'static str,
}

/// What the path of a call means.
enum Route {
    Zones,
    Zone,
    PurgeCache,
}

impl Gateway {
    /// Whether a request is for us, and not for the site.
    pub(crate) fn is_ours(&self, call: &Call) -> bool {
        // A zone's paths are all its own.
        if call.head.extensions.get::<Via>().is_some() {
            return false;
        }
        let path = call.head.uri.path();
        let under = path
            .strip_prefix(ZONES_PATH)
            .is_some_and(|rest| matches!(rest.get(..1), None | Some("/")));
        under || call.head.method.as_str() == "PURGE" && self.permits(&call.head.headers)
    }

    /// Answers what is for us.
    pub(crate) fn door(self, call: Call) -> BoxFuture<'static, Res> {
        Box::pin(async move {
            let method = call.head.method.as_str();
            let answered = if method == "PURGE" && self.permits(&call.head.headers) {
                self.purge_called(&call).await
            } else {
                self.api(call).await
            };
            let mut res = answered.unwrap_or_else(|refusal| refusal.envelope());
            let no_store = HeaderValue::from_static("no-store");
            res.headers_mut().insert(header::CACHE_CONTROL, no_store);
            res
        })
    }

    async fn purge_called(&self, call: &Call) -> Result<Res, Refusal> {
        let ctx = self.site.ctx(call.ctx.trace);
        let asked = Asking::of(&call.head, call.peer.ip(), &ctx, call.interim.clone());
        let asking = asked.map_err(|error| error.refusal())?;
        let purge = Purge::url(&asking.host, &asking.target, is_soft(&call.head.headers));
        self.purged(&ctx, &purge).await
    }

    async fn api(&self, mut call: Call) -> Result<Res, Refusal> {
        // Who shows no token learns nothing of what there is.
        self.authorise(&call.head.headers)?;
        let route = self.route(call.head.uri.path())?;
        let method = &call.head.method;
        match route {
            Route::Zones if method == Method::GET => {
                Ok(littoral_http::page(&[self.zone()], &ListInfo::of_all(1)))
            }
            Route::Zone if method == Method::GET => Ok(littoral_http::success(&self.zone())),
            Route::PurgeCache if method == Method::POST || method == Method::DELETE => {
                let body = call.body.collect(CALL_BYTES_MAX).await.map_err(unread)?;
                let purge = Purge::parse(&body).map_err(|error| error.refusal())?;
                self.purged(&self.site.ctx(call.ctx.trace), &purge).await
            }
            Route::PurgeCache => Err(Refusal::method("POST")),
            Route::Zones | Route::Zone => Err(Refusal::method("GET")),
        }
    }

    fn authorise(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.permits(headers) {
            return Ok(());
        }
        Err(if headers.contains_key(header::AUTHORIZATION) {
            Refusal::new(StatusCode::UNAUTHORIZED, code::AUTHENTICATION, "Authentication error")
        } else {
            let what = "Missing Authorization header; use: Bearer <token>";
            Refusal::new(StatusCode::UNAUTHORIZED, code::NO_CREDENTIALS, what)
        })
    }

    fn route(&self, path: &str) -> Result<Route, Refusal> {
        let rest = path.strip_prefix(ZONES_PATH).unwrap_or_default();
        let mut segments = rest.split('/').skip(1).filter(|segment| !segment.is_empty());
        let (zone, which, more) = (segments.next(), segments.next(), segments.next());
        let Some(zone) = zone else { return Ok(Route::Zones) };
        if !zone.eq_ignore_ascii_case(&self.site.space.id.to_string()) {
            let what = format!("Could not route to {path}: there is no such zone here");
            return Err(Refusal::new(StatusCode::NOT_FOUND, code::BAD_IDENTIFIER, what));
        }
        match (which, more) {
            (None, _) => Ok(Route::Zone),
            (Some("purge_cache"), None) => Ok(Route::PurgeCache),
            _ => Err(Refusal::no_route()),
        }
    }

    fn zone(&self) -> Zone<'_> {
        let id = self.site.space.id.to_string();
        Zone { id, name: &self.name, status: "active", paused: false, r#type: "full" }
    }

    async fn purged(&self, ctx: &Ctx, purge: &Purge) -> Result<Res, Refusal> {
        self.purge(ctx, purge).await.map_err(|error| error.refusal())?;
        Ok(littoral_http::success(&Purged { id: self.site.space.id.to_string() }))
    }

    /// Makes what is named old, or stale, at every location; here once this returns.
    ///
    /// # Errors
    /// When no store takes the purge, or this node does not hear of it.
    pub async fn purge(&self, ctx: &Ctx, purge: &Purge) -> Result<(), Error> {
        let Space { id, kind } = self.site.space;
        let id = if purge.soft { stale_in(id) } else { id };
        let each = purge
            .scopes
            .iter()
            .map(|scope| self.purger.purge(ctx, Space { id, kind }, scope.clone()));
        let numbers = try_join_all(each).await.map_err(Error::Unpurged)?;
        let last = numbers.into_iter().fold(Positions::NONE, Positions::join);
        let heard = self.site.tiers.applies(last, self.site.limits.purge_time).await;
        self.site.overtake(&purge.scopes);
        if heard {
            return Ok(());
        }
        Err(Error::Unpurged("this node has not heard of it yet".into()))
    }
}

fn unread(error: UploadError) -> Refusal {
    let (status, code) = match error {
        UploadError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE),
        UploadError::Cut => (StatusCode::BAD_REQUEST, code::BAD_BODY),
        UploadError::Slow { .. } => (StatusCode::REQUEST_TIMEOUT, code::BODY_SLOW),
    };
    Refusal::new(status, code, error.to_string())
}
