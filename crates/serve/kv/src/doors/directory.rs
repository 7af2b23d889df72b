//! Who may do what, and which namespaces there are: what the doors ask of accounts.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;
use littoral_http::{Refusal, code};
use littoral_types::{Ctx, SpaceId, Tenant};
use serde_json::{Map, Value};

use crate::{Error, Namespace, Policy};

/// Knows accounts, tokens and namespaces.
///
/// The `peek` methods answer from what is held here, without waiting; `None` says nothing, and the
/// other form must be asked.
pub trait Directory: Send + Sync + 'static {
    fn peek_grant(&self, ctx: &Ctx, token: &str) -> Option<Result<Grant, Refusal>>;

    /// What a token permits; an unknown one is refused.
    fn grant<'a>(&'a self, ctx: &'a Ctx, token: &'a str) -> BoxFuture<'a, Result<Grant, Refusal>>;

    fn peek_namespace(
        &self,
        ctx: &Ctx,
        account: Option<Tenant>,
        id: SpaceId,
    ) -> Option<Arc<Namespace>>;

    /// A namespace of an account, or of any when there is none.
    fn namespace<'a>(
        &'a self,
        ctx: &'a Ctx,
        account: Option<Tenant>,
        id: SpaceId,
    ) -> BoxFuture<'a, Result<Option<Arc<Namespace>>, Error>>;

    /// Merges fields into a namespace's policy; the new one.
    fn set_policy<'a>(
        &'a self,
        ctx: &'a Ctx,
        namespace: &'a Namespace,
        fields: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Policy, Refusal>>;
}

/// What its holder may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// In this account, or in any.
    pub account: Option<Tenant>,
    pub scopes: Arc<[Scope]>,
}

/// One namespace, or all of an account, and what may be done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `None`: all of the account's, and what is the account's own: its list of namespaces and,
    /// with [`Access::Write`], its tokens.
    pub namespace: Option<SpaceId>,
    pub access: Access,
}

/// The greater includes the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    Read,
    Write,
}

impl Grant {
    /// Everything in an account, or with `None` everywhere.
    pub fn all(account: Option<Tenant>) -> Self {
        Self { account, scopes: [Scope { namespace: None, access: Access::Write }].into() }
    }

    /// Whether its holder may do this to a namespace, or with `None` to the account.
    ///
    /// # Errors
    /// When not.
    pub fn check(
        &self,
        account: Tenant,
        namespace: Option<SpaceId>,
        need: Access,
    ) -> Result<(), Refusal> {
        if self.account.is_some_and(|own| own != account) {
            return Err(denied("Authentication error"));
        }
        match (self.access(namespace), need) {
            (Some(access), need) if access >= need => Ok(()),
            (Some(_), _) => Err(denied("Authentication error: the token may only read here")),
            (None, _) => Err(denied("Authentication error: the token is not for this")),
        }
    }

    /// What may be done to a namespace, or with `None` to the account.
    pub fn access(&self, namespace: Option<SpaceId>) -> Option<Access> {
        let covers = |scope: &&Scope| scope.namespace.is_none() || scope.namespace == namespace;
        self.scopes.iter().filter(covers).map(|scope| scope.access).max()
    }
}

fn denied(message: &'static str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code::AUTHENTICATION, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_reaches_its_account_its_namespaces_and_its_rights_only() {
        let scope = |id, access| Scope { namespace: Some(SpaceId(id)), access };
        let grant = Grant {
            account: Some(Tenant(1)),
            scopes: [scope(7, Access::Read), scope(8, Access::Write)].into(),
        };
        let may = |account, namespace: Option<u128>, need| {
            grant.check(Tenant(account), namespace.map(SpaceId), need).is_ok()
        };
        assert!(may(1, Some(7), Access::Read) && !may(1, Some(7), Access::Write));
        assert!(may(1, Some(8), Access::Read) && may(1, Some(8), Access::Write));
        assert!(!may(2, Some(7), Access::Read));
        assert!(!may(1, Some(9), Access::Read));
        assert!(!may(1, None, Access::Read));
        let all = Grant::all(Some(Tenant(1)));
        assert!(all.check(Tenant(1), Some(SpaceId(9)), Access::Write).is_ok());
        assert!(all.check(Tenant(1), None, Access::Write).is_ok());
        assert!(all.check(Tenant(2), None, Access::Read).is_err());
        assert!(Grant::all(None).check(Tenant(9), None, Access::Write).is_ok());
    }
}
