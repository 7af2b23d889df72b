//! The API for zones, below `/client/v4/accounts/<account>/zones`; `purge` has what purge clients ask for.

use http::{HeaderValue, Method, header};
use littoral_http::{Answer, Body, Call, Query, Refusal, Res, code, segments, success};
use littoral_kv::doors::{Access, Credentials, account};
use littoral_types::Tenant;
use serde::{Deserialize, Serialize};

use crate::config::TEXT_BYTES_MAX;
use crate::explain::Question;
use crate::records::{Entry, Pointer};
use crate::{Error, Zones, purge};

/// Bytes of any other body.
const SMALL_BYTES_MAX: u64 = 64 * 1024;

/// What a path names, below an account's zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target<'a> {
    All,
    Explain,
    Zone(&'a str),
    History(&'a str),
    Version(&'a str, u32),
    Rollback(&'a str),
}

/// A zone as the API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    #[serde(flatten)]
    now: &'a Entry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rollback {
    version: u32,
    #[serde(default)]
    note: String,
}

fn target(path: &str) -> Option<(&str, Target<'_>)> {
    let mut parts = segments(path.strip_prefix("/client/v4/accounts")?);
    let account = parts.next()?;
    if parts.next()? != "zones" {
        return None;
    }
    let parts: [Option<&str>; 4] = std::array::from_fn(|_| parts.next());
    let target = match parts {
        [None, ..] => Target::All,
        [Some("explain"), None, ..] => Target::Explain,
        [Some(name), None, ..] => Target::Zone(name),
        [Some(name), Some("versions"), None, ..] => Target::History(name),
        [Some(name), Some("rollback"), None, ..] => Target::Rollback(name),
        [Some(name), Some("versions"), Some(version), None] => {
            Target::Version(name, version.parse().ok()?)
        }
        _ => return None,
    };
    Some((account, target))
}

impl Target<'_> {
    fn allowed(self) -> &'static str {
        match self {
            Self::All | Self::History(_) | Self::Version(..) => "GET",
            Self::Zone(_) => "GET, PUT, DELETE",
            Self::Explain | Self::Rollback(_) => "POST",
        }
    }
}

impl Zones {
    /// Whether a path is of this API.
    pub fn is_api(path: &str) -> bool {
        target(path).is_some() || purge::is_of_zones(path)
    }

    /// Answers a request to this API.
    pub fn api(&self, mut call: Call) -> Answer {
        let zones = self.clone();
        Answer::Later(Box::pin(async move {
            let res = Box::pin(zones.respond(&mut call)).await;
            call.body.drain().await;
            res.unwrap_or_else(|refusal| refusal.envelope())
        }))
    }

    async fn respond(&self, call: &mut Call) -> Result<Res, Refusal> {
        let path = call.head.uri.path().to_owned();
        if purge::is_of_zones(&path) {
            return self.of_zones(call).await;
        }
        let (raw, target) = target(&path).ok_or_else(Refusal::no_route)?;
        let method = call.head.method.clone();
        if !target.allowed().split(", ").any(|name| name == method.as_str()) {
            return Err(Refusal::method(target.allowed()));
        }
        let account = account(raw)?;
        let reads = method == Method::GET || target == Target::Explain;
        let need = if reads { Access::Read } else { Access::Write };
        self.permit(call, account, need).await?;
        let refused = |error: Error| error.refusal();
        match target {
            Target::All => self.list(call, account).await.map_err(refused),
            Target::Explain => {
                let question: Question = json(call).await?;
                let said = self.explain(&call.ctx, &question).await.map_err(refused)?;
                Ok(success(&said))
            }
            Target::Zone(name) if method == Method::PUT => self.put(call, account, name).await,
            Target::Zone(name) if method == Method::DELETE => {
                self.remove(call, account, name).await.map_err(refused)
            }
            Target::Zone(name) => {
                let pointer = self.pointer(call, account, name).await.map_err(refused)?;
                self.text(call, account, name, &pointer.now).await.map_err(refused)
            }
            Target::History(name) => {
                let pointer = self.pointer(call, account, name).await.map_err(refused)?;
                Ok(success(&pointer.entries().collect::<Vec<_>>()))
            }
            Target::Version(name, version) => {
                let pointer = self.pointer(call, account, name).await.map_err(refused)?;
                let entry = pointer.entries().find(|entry| entry.version == version);
                let unknown = || Error::UnknownVersion { name: name.to_owned(), version }.refusal();
                let entry = entry.ok_or_else(unknown)?;
                self.text(call, account, name, entry).await.map_err(refused)
            }
            Target::Rollback(name) => {
                let Rollback { version, note } = json(call).await?;
                let moved = self.roll_back(&call.ctx, account, name, version, &note).await;
                let moved = moved.map_err(refused)?;
                Ok(success(&Shown { name, now: &moved.now }))
            }
        }
    }

    async fn permit(&self, call: &Call, account: Tenant, need: Access) -> Result<(), Refusal> {
        let token = Credentials::of(&call.head.headers).token()?;
        let grant = self.0.grants.grant(&call.ctx, token).await?;
        grant.check(account, None, need)
    }

    async fn pointer(&self, call: &Call, account: Tenant, name: &str) -> Result<Pointer, Error> {
        let found = self.0.records.pointer(&call.ctx, (account, name), call.ctx.minimum).await?;
        let found = found.ok_or_else(|| Error::UnknownZone(name.to_owned()))?;
        Ok(found.1)
    }

    async fn list(&self, call: &Call, account: Tenant) -> Result<Res, Error> {
        let all = self.0.records.all(&call.ctx).await?;
        let own = all.iter().filter(|(of, ..)| *of == account);
        let shown: Vec<_> =
            own.map(|(_, name, pointer)| Shown { name, now: &pointer.now }).collect();
        Ok(success(&shown))
    }

    /// The text of a version, as it was applied.
    async fn text(
        &self,
        call: &Call,
        account: Tenant,
        name: &str,
        entry: &Entry,
    ) -> Result<Res, Error> {
        let text = self.0.records.text(&call.ctx, (account, name), &entry.record).await?;
        let mut res = http::Response::new(Body::from(text.into_bytes()));
        let kind = HeaderValue::from_static("application/toml");
        res.headers_mut().insert(header::CONTENT_TYPE, kind);
        let tag = HeaderValue::try_from(format!("\"{}\"", entry.version));
        res.headers_mut().insert(header::ETAG, tag.expect("digits are plain ASCII"));
        Ok(res)
    }

    /// `?after=N` applies only if N is the version of now; 0: if there is none.
    async fn put(&self, call: &mut Call, account: Tenant, name: &str) -> Result<Res, Refusal> {
        let body = call.body.collect(TEXT_BYTES_MAX as u64).await.map_err(unreadable)?;
        let text = std::str::from_utf8(&body).map_err(unreadable)?;
        let query = Query::new(call.head.uri.query());
        let after = query.text("after").map_err(unreadable)?;
        let after = after.map(|after| after.parse::<u32>()).transpose().map_err(unreadable)?;
        let note = query.text("note").map_err(unreadable)?.unwrap_or_default();
        let named = crate::config::Config::parse(text).ok().map(|config| config.name);
        if let Some(other) = named.filter(|other| other != name) {
            let message = format!("this text is of the zone {other}, not {name}");
            return Err(Error::Invalid(message).refusal());
        }
        let applied = self.apply(&call.ctx, account, text, after, &note).await;
        let pointer = applied.map_err(|error| error.refusal())?;
        Ok(success(&Shown { name, now: &pointer.now }))
    }

    async fn remove(&self, call: &Call, account: Tenant, name: &str) -> Result<Res, Error> {
        self.0.records.remove(&call.ctx, (account, name)).await?;
        self.close(account, name);
        Ok(success(&()))
    }
}

async fn json<T: serde::de::DeserializeOwned>(call: &mut Call) -> Result<T, Refusal> {
    let body = call.body.collect(SMALL_BYTES_MAX).await.map_err(unreadable)?;
    serde_json::from_slice(&body).map_err(unreadable)
}

pub(crate) fn unreadable(why: impl std::fmt::Display) -> Refusal {
    Refusal::bad_request(code::BAD_BODY, format!("could not read the request: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_this_api_or_it_is_not() {
        let of = |path: &'static str| target(path).map(|(_, target)| target);
        assert_eq!(of("/client/v4/accounts/a/zones"), Some(Target::All));
        assert_eq!(of("/client/v4/accounts/a/zones/shop"), Some(Target::Zone("shop")));
        assert_eq!(of("/client/v4/accounts/a/zones/shop/versions"), Some(Target::History("shop")));
        let version = Some(Target::Version("shop", 3));
        assert_eq!(of("/client/v4/accounts/a/zones/shop/versions/3"), version);
        assert_eq!(of("/client/v4/accounts/a/zones/shop/versions/x"), None);
        assert_eq!(of("/client/v4/accounts/a/zones/explain"), Some(Target::Explain));
        assert_eq!(of("/client/v4/accounts/a/storage"), None);
        assert_eq!(of("/client/v4/zones"), None);
    }
}
