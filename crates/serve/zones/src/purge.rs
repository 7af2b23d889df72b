//! Purges of a zone, and the list of zones that purge clients ask for: below `/client/v4/zones`.

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, header};
use littoral_gateway::{CALL_BYTES_MAX, ListInfo, Purge, Realm, ZONES_PATH, is_soft};
use littoral_http::{Call, Query, Refusal, Res, code, page, success};
use littoral_kv::doors::{Access, Credentials, Grant};
use littoral_types::Ctx;
use serde::Serialize;
use serde_json::Value;

use crate::plan::Progress;
use crate::rule::Asked;
use crate::zone::Zone;
use crate::{Error, Zones, front, path};

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target<'a> {
    All,
    Zone(&'a str),
    PurgeCache(&'a str),
}

/// A zone, in the shape that purge clients read.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    status: &'static str,
    paused: bool,
    r#type: &'static str,
    version: u32,
    hosts: Vec<String>,
}

#[derive(Serialize)]
struct Purged<'a> {
    id: &'a str,
}

fn target(path: &str) -> Option<Target<'_>> {
    let rest = path.strip_prefix(ZONES_PATH)?;
    if !matches!(rest.get(..1), None | Some("/")) {
        return None;
    }
    let mut parts = rest.split('/').filter(|part| !part.is_empty());
    let parts: [Option<&str>; 3] = std::array::from_fn(|_| parts.next());
    match parts {
        [None, ..] => Some(Target::All),
        [Some(zone), None, _] => Some(Target::Zone(zone)),
        [Some(zone), Some("purge_cache"), None] => Some(Target::PurgeCache(zone)),
        _ => None,
    }
}

/// Whether a path is answered here.
pub(crate) fn is_of_zones(path: &str) -> bool {
    target(path).is_some()
}

impl Zones {
    pub(crate) async fn of_zones(&self, call: &mut Call) -> Result<Res, Refusal> {
        let path = call.head.uri.path().to_owned();
        let target = target(&path).ok_or_else(Refusal::no_route)?;
        let token = Credentials::of(&call.head.headers).token()?;
        let grant = self.0.grants.grant(&call.ctx, token).await?;
        let method = call.head.method.clone();
        match target {
            Target::All if method == Method::GET => {
                let query = Query::new(call.head.uri.query());
                let name = query.text("name").map_err(crate::api::unreadable)?;
                let all = self.permitted(&grant, Access::Read);
                let named = |zone: &&Arc<Zone>| name.as_deref().is_none_or(|n| n == zone.name());
                let shown: Vec<_> = all.iter().filter(named).map(|zone| shown(zone)).collect();
                Ok(page(&shown, &ListInfo::of_all(shown.len())))
            }
            Target::Zone(which) if method == Method::GET => {
                Ok(success(&shown(&self.which(&grant, which, Access::Read)?)))
            }
            Target::PurgeCache(which) if method == Method::POST || method == Method::DELETE => {
                let zone = self.which(&grant, which, Access::Write)?;
                let body = call.body.collect(CALL_BYTES_MAX).await;
                let body = body.map_err(crate::api::unreadable)?;
                let purge = self.named(&zone, &call.ctx, &body).await?;
                self.purged(&zone, &call.ctx, &purge).await
            }
            Target::PurgeCache(_) => Err(Refusal::method("POST")),
            Target::All | Target::Zone(_) => Err(Refusal::method("GET")),
        }
    }

    /// The zones that a token opens, by account and name.
    fn permitted(&self, grant: &Grant, need: Access) -> Vec<Arc<Zone>> {
        let table = self.0.table.load();
        let zones = table.zones.values();
        zones.filter(|zone| grant.check(zone.account, None, need).is_ok()).cloned().collect()
    }

    /// A zone by its id or its name.
    fn which(&self, grant: &Grant, which: &str, need: Access) -> Result<Arc<Zone>, Refusal> {
        let all = self.permitted(grant, need);
        let is = |zone: &&Arc<Zone>| which.eq_ignore_ascii_case(&zone.id) || which == zone.name();
        let found = all.iter().find(is).cloned();
        found.ok_or_else(|| Error::UnknownZone(which.to_owned()).refusal())
    }

    /// What a call names, and under which keys rules keep it.
    async fn named(&self, zone: &Arc<Zone>, ctx: &Ctx, body: &[u8]) -> Result<Purge, Refusal> {
        let table = self.0.table.load_full();
        let has = |host: &str| {
            let host = host.rsplit_once(':').filter(|(_, port)| digits(port)).map_or(host, |h| h.0);
            table.of(&host.to_ascii_lowercase()).is_some_and(|of| of.id == zone.id)
        };
        let realm = Realm { has: &has, mark: &zone.id };
        let refused = |error: littoral_gateway::Error| error.refusal();
        let mut purge = Purge::parse_in(body, &realm).map_err(refused)?;
        let named: Value = serde_json::from_slice(body).map_err(crate::api::unreadable)?;
        for file in named["files"].as_array().into_iter().flatten() {
            let Some(url) = file.as_str().or_else(|| file["url"].as_str()) else { continue };
            let Ok(request) = Request::get(url).body(()) else { continue };
            purge = self.everywhere(zone, ctx, request.into_parts().0, purge).await;
        }
        Ok(purge)
    }

    /// A purge, and of the same URL as the zone keeps it: in normal form, and rewritten.
    async fn everywhere(&self, zone: &Arc<Zone>, ctx: &Ctx, head: Parts, purge: Purge) -> Purge {
        let soft = purge.soft;
        let Some((host, authority)) = front::host(&head).zip(front::authority(&head)) else {
            return purge;
        };
        let Ok(path) = path::normal(head.uri.path()).map(std::borrow::Cow::into_owned) else {
            return purge;
        };
        let target = |path: &str, query: Option<&str>| match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let plain = Purge::url(&authority, &target(&path, head.uri.query()), soft);
        let purge = purge.and(plain);
        let plan = &zone.config.plan;
        if !plan.steps().iter().any(|step| step.rule.kind() == "rewrite") {
            return purge;
        }
        let address = [127, 0, 0, 1].into();
        let (size, ctx) = (Some(0), ctx.clone());
        let asked = Asked { head, host, path, address, size, ctx, dry: true };
        let done = Progress::new(plan).finish(plan, &asked, &zone.means).await;
        let view = done.view(&asked);
        purge.and(Purge::url(&authority, &target(view.path(), view.query()), soft))
    }

    async fn purged(&self, zone: &Zone, ctx: &Ctx, purge: &Purge) -> Result<Res, Refusal> {
        self.0.gateway.purge(ctx, purge).await.map_err(|error| error.refusal())?;
        Ok(success(&Purged { id: &zone.id }))
    }

    /// Whether a `PURGE` is meant for us: its token may purge the zone.
    pub(crate) async fn may_purge(&self, zone: &Zone, head: &Parts, ctx: &Ctx) -> bool {
        let shown = head.headers.get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok());
        let Some(token) = shown.and_then(|shown| shown.strip_prefix("Bearer ")) else {
            return false;
        };
        let grant = self.0.grants.grant(ctx, token).await;
        grant.is_ok_and(|grant| grant.check(zone.account, None, Access::Write).is_ok())
    }

    /// Purges the URL of a request.
    pub(crate) async fn purge_asked(&self, zone: &Arc<Zone>, head: Parts, ctx: &Ctx) -> Res {
        let soft = is_soft(&head.headers);
        let mut asked = Request::get(head.uri.clone()).body(()).unwrap_or_default().into_parts().0;
        asked.headers.extend(head.headers.get(header::HOST).map(|h| (header::HOST, h.clone())));
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let Some(authority) = front::authority(&asked) else {
            let refusal = Refusal::bad_request(code::BAD_BODY, "it names no host");
            return refusal.envelope();
        };
        let purge = Purge::url(&authority, target, soft);
        let purge = self.everywhere(zone, ctx, asked, purge).await;
        self.purged(zone, ctx, &purge).await.unwrap_or_else(|refusal| refusal.envelope())
    }
}

fn digits(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
}

fn shown(zone: &Arc<Zone>) -> Shown<'_> {
    Shown {
        id: &zone.id,
        name: zone.name(),
        status: "active",
        paused: false,
        r#type: "full",
        version: zone.version,
        hosts: zone.config.hosts.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_all_zones_one_or_its_purge() {
        assert_eq!(target("/client/v4/zones"), Some(Target::All));
        assert_eq!(target("/client/v4/zones/"), Some(Target::All));
        assert_eq!(target("/client/v4/zones/ab"), Some(Target::Zone("ab")));
        assert_eq!(target("/client/v4/zones/ab/purge_cache"), Some(Target::PurgeCache("ab")));
        for other in ["/client/v4/zonesx", "/client/v4/zones/a/b", "/client/v4/accounts/a/zones"] {
            assert_eq!(target(other), None, "{other}");
        }
    }
}
