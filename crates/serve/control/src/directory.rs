//! What the doors ask: who may do what, and which namespaces there are.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use littoral_http::Refusal;
use littoral_kv::doors::{Directory, Grant, unknown_token};
use littoral_kv::{Error, Namespace, Policy};
use littoral_types::{Ctx, SpaceId, Tenant};
use serde_json::{Map, Value};

use crate::namespaces::{Record, key, not_found};
use crate::{Control, records};

impl Directory for Control {
    fn peek_grant(&self, ctx: &Ctx, token: &str) -> Option<Result<Grant, Refusal>> {
        let shown = self.peek_token(ctx, token)?;
        Some(shown.map(|shown| shown.grant).ok_or_else(unknown_token))
    }

    fn grant<'a>(&'a self, ctx: &'a Ctx, token: &'a str) -> BoxFuture<'a, Result<Grant, Refusal>> {
        Box::pin(async move {
            let shown = self.token(ctx, token).await?;
            shown.map(|shown| shown.grant).ok_or_else(unknown_token)
        })
    }

    fn peek_namespace(
        &self,
        ctx: &Ctx,
        account: Option<Tenant>,
        id: SpaceId,
    ) -> Option<Arc<Namespace>> {
        if let Some(account) = account {
            return self.peek_known(ctx, account, id);
        }
        let mut accounts = self.0.options.accounts.iter();
        accounts.find_map(|account| self.peek_known(ctx, account.id, id))
    }

    fn namespace<'a>(
        &'a self,
        ctx: &'a Ctx,
        account: Option<Tenant>,
        id: SpaceId,
    ) -> BoxFuture<'a, Result<Option<Arc<Namespace>>, Error>> {
        Box::pin(async move {
            if let Some(account) = account {
                return self.known(ctx, account, id).await;
            }
            for account in &self.0.options.accounts {
                if let Some(known) = self.known(ctx, account.id, id).await? {
                    return Ok(Some(known));
                }
            }
            Ok(None)
        })
    }

    fn set_policy<'a>(
        &'a self,
        ctx: &'a Ctx,
        namespace: &'a Namespace,
        fields: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Policy, Refusal>> {
        Box::pin(async move {
            let change = |record: &mut Record| {
                record.policy = record.policy.merged(fields)?;
                Ok(())
            };
            let changed =
                self.change_namespace(ctx, namespace.account, namespace.id, change).await?;
            let (_, record) = changed.ok_or_else(|| not_found("set policy"))?;
            Ok(record.policy)
        })
    }
}

impl Control {
    fn peek_known(&self, ctx: &Ctx, account: Tenant, id: SpaceId) -> Option<Arc<Namespace>> {
        let value = self.0.namespaces.peek(ctx, &key(account, id))?;
        self.parse_known(account, id, &value).ok()?
    }

    async fn known(
        &self,
        ctx: &Ctx,
        account: Tenant,
        id: SpaceId,
    ) -> Result<Option<Arc<Namespace>>, Error> {
        let value = self.0.namespaces.get(ctx, key(account, id).to_vec()).await?;
        self.parse_known(account, id, &value)
    }

    fn parse_known(
        &self,
        account: Tenant,
        id: SpaceId,
        value: &littoral_kv::Value,
    ) -> Result<Option<Arc<Namespace>>, Error> {
        if value.body.is_absent() {
            return Ok(None);
        }
        let parse = || {
            let record = records::parse::<Record>(value)?;
            Ok(record.map(|record| record.known(account, id)))
        };
        self.0.parsed_namespaces.get_or(&(account, id), value.version, parse)
    }
}
