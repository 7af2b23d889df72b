//! Tokens over the API.

use http::Method;
use littoral_http::{Call, Refusal, Res, code, page, success};
use littoral_kv::doors::Access;
use littoral_types::{Ctx, SpaceId, Tenant};
use serde::{Deserialize, Serialize};

use super::account::Info;
use super::{json, renewed};
use crate::tokens::{Record, ScopeText, Shown, not_found};
use crate::{Control, Result, namespaces};

const NAME_CHARS_MAX: usize = 120;
const SCOPES_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
    scopes: Vec<ScopeText>,
    /// Seconds since the UNIX epoch.
    #[serde(default)]
    expires_at: Option<u64>,
}

#[derive(Serialize)]
struct TokenJson {
    id: String,
    name: String,
    status: &'static str,
    scopes: Vec<ScopeText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    created_at: u64,
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl TokenJson {
    fn of(id: SpaceId, record: Record, now: u64, value: Option<String>) -> Self {
        let Record { name, scopes, expires_at, created_at, .. } = record;
        let over = expires_at.is_some_and(|at| now >= at);
        let status = if over { "expired" } else { "active" };
        Self { id: id.to_string(), name, status, scopes, expires_at, created_at, value }
    }
}

impl Control {
    pub(super) async fn list_tokens(
        &self,
        ctx: &Ctx,
        account: Tenant,
        shown: &Shown,
    ) -> Result<Res> {
        shown.grant.check(account, None, Access::Write)?;
        let now = self.clock().wall().seconds();
        let mut all = self.all_tokens(ctx, account).await?;
        all.sort_by_key(|(_, record)| record.created_at);
        let all: Vec<_> =
            all.into_iter().map(|(id, record)| TokenJson::of(id, record, now, None)).collect();
        let count = all.len();
        let info = Info { page: 1, per_page: count.max(1), count, total_count: count };
        Ok(page(&all, &info))
    }

    pub(super) async fn post_token(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        account: Tenant,
        shown: &Shown,
    ) -> Result<Res> {
        shown.grant.check(account, None, Access::Write)?;
        let Asked { name, scopes, expires_at } = json(call).await?;
        let ctx = renewed(self, ctx);
        let now = self.clock().wall().seconds();
        check(&name, &scopes, expires_at, now)?;
        for scope in scopes.iter().filter(|scope| scope.namespace != "*") {
            let id: SpaceId = scope.namespace.parse().map_err(|_| bad(BAD_SCOPE))?;
            if self.read_namespace(&ctx, account, id).await?.is_none() {
                return Err(namespaces::not_found("create token"));
            }
        }
        let made = self.create_token(&ctx, account, name, scopes, expires_at).await?;
        let (id, record, value) = made;
        Ok(success(&TokenJson::of(id, record, now, Some(value))))
    }

    pub(super) async fn one_token(
        &self,
        call: &Call,
        ctx: &Ctx,
        account: Tenant,
        raw: &str,
        shown: &Shown,
    ) -> Result<Res> {
        shown.grant.check(account, None, Access::Write)?;
        let id: SpaceId = raw.parse().map_err(|_| not_found())?;
        if call.head.method == Method::DELETE {
            self.revoke_token(ctx, account, id).await?;
            return Ok(success(&Revoked { id: id.to_string() }));
        }
        let record = self.read_token(ctx, account, id).await?;
        let now = self.clock().wall().seconds();
        Ok(success(&TokenJson::of(id, record, now, None)))
    }
}

#[derive(Serialize)]
struct Revoked {
    id: String,
}

const BAD_SCOPE: &str = "a scope's namespace is an id of 32 hexadecimal digits, or * for all";

fn check(name: &str, scopes: &[ScopeText], expires_at: Option<u64>, now: u64) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(bad("a token needs a name of at most 120 characters"));
    }
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        return Err(bad("a token needs from 1 to 100 scopes"));
    }
    let fits =
        |scope: &ScopeText| scope.namespace == "*" || scope.namespace.parse::<SpaceId>().is_ok();
    if !scopes.iter().all(fits) {
        return Err(bad(BAD_SCOPE));
    }
    if expires_at.is_some_and(|at| at <= now) {
        return Err(bad("expires_at must be in the future, in seconds since the UNIX epoch"));
    }
    Ok(())
}

/// Reads a body, for fuzzing.
pub(super) fn read(body: &[u8]) {
    let Ok(Asked { name, scopes, expires_at }) = super::parse(body) else { return };
    if check(&name, &scopes, expires_at, 1_700_000_000).is_ok() {
        assert!((1..=SCOPES_MAX).contains(&scopes.len()) && !name.trim().is_empty());
    }
}

fn bad(message: &'static str) -> Refusal {
    Refusal::bad_request(code::BAD_BODY, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::AccessText;

    #[test]
    fn a_token_needs_a_name_scopes_and_a_future() {
        let scope =
            |namespace: &str| ScopeText { namespace: namespace.into(), access: AccessText::Read };
        let all = [scope("*")];
        assert!(check("ci", &all, Some(11), 10).is_ok());
        assert!(check("ci", &[scope(&"0".repeat(32))], None, 10).is_ok());
        assert!(check("", &all, None, 10).is_err());
        assert!(check("ci", &[], None, 10).is_err());
        assert!(check("ci", &[scope("title")], None, 10).is_err());
        assert!(check("ci", &all, Some(10), 10).is_err());
        let unknown = r#"{"name":"a","scopes":[{"namespace":"*","access":"admin"}]}"#;
        assert!(serde_json::from_str::<Asked>(unknown).is_err());
    }
}
