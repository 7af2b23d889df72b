//! Whether a request may do what it asks, and the namespace it asks it of.

use std::sync::Arc;

use http::HeaderMap;
use littoral_http::{Refusal, code};
use littoral_types::{Ctx, SpaceId, Tenant};

use super::{Access, Credentials, Doors, Grant, conditions};
use crate::Namespace;

/// An account's id, as it stands in a path.
///
/// # Errors
/// When it is none.
pub fn account(raw: &str) -> Result<Tenant, Refusal> {
    raw.parse::<SpaceId>().map(|id| Tenant(id.0)).map_err(|_| {
        let shown: String = raw.chars().take(64).collect();
        Refusal::bad_request(
            code::BAD_IDENTIFIER,
            format!(
                "Could not route to /accounts/{shown}/storage/kv/namespaces, perhaps your object \
                 identifier is invalid?"
            ),
        )
    })
}

/// Who asks for what.
pub(crate) struct Asked<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) namespace: SpaceId,
    /// As the path says; the binding has none.
    pub(crate) account: Option<Tenant>,
    pub(crate) need: Access,
}

/// What was found: a context with its tenant and minimum, and the namespace; there may be none.
pub(crate) type Found = (Ctx, Option<Arc<Namespace>>);

impl Doors {
    /// Answers from what is held here; `None` says nothing.
    pub(crate) fn peek_access(
        &self,
        asked: &Asked<'_>,
        token: Option<&str>,
    ) -> Option<Result<Found, Refusal>> {
        let ctx = asked.ctx;
        let grant = match token {
            Some(token) => match self.directory().peek_grant(ctx, token)? {
                Ok(grant) => grant,
                Err(refusal) => return Some(Err(refusal)),
            },
            None => Grant::all(None),
        };
        let account = asked.account.or(grant.account);
        let namespace = self.directory().peek_namespace(ctx, account, asked.namespace)?;
        Some(asked.finish(&grant, Some(namespace)))
    }

    pub(crate) async fn access(
        &self,
        asked: &Asked<'_>,
        token: Option<&str>,
    ) -> Result<Found, Refusal> {
        let ctx = asked.ctx;
        let grant = match token {
            Some(token) => self.directory().grant(ctx, token).await?,
            None => Grant::all(None),
        };
        if let Some(account) = asked.account {
            grant.check(account, Some(asked.namespace), asked.need)?;
        }
        let account = asked.account.or(grant.account);
        let namespace = self.directory().namespace(ctx, account, asked.namespace).await?;
        asked.finish(&grant, namespace)
    }
}

impl Asked<'_> {
    /// The token of a door that always needs one.
    pub(crate) fn token(&self) -> Result<Option<&str>, Refusal> {
        Credentials::of(self.headers).token().map(Some)
    }

    fn finish(&self, grant: &Grant, namespace: Option<Arc<Namespace>>) -> Result<Found, Refusal> {
        if let Some(namespace) = &namespace {
            grant.check(namespace.account, Some(namespace.id), self.need)?;
        }
        let tenant = namespace.as_ref().map_or(self.ctx.tenant, |found| found.account);
        let minimum = conditions::minimum(self.headers)?;
        Ok((Ctx { tenant, minimum, ..self.ctx.clone() }, namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_thirty_two_hex_digits() {
        assert_eq!(account(&"0a".repeat(16)), Ok(Tenant(u128::from_be_bytes([10; 16]))));
        let refusal = account("invalid-account-id-000").expect_err("too short");
        assert_eq!((refusal.status.as_u16(), refusal.code), (400, 7003));
    }
}
