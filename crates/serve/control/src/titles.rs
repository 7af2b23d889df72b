//! Titles are unique in an account: each is claimed by a record of its own that names its holder.
//!
//! A claim whose holder does not carry the title is stale: its writer stopped half-way. It may be
//! taken over once its writer has surely given up.

use std::sync::Arc;
use std::time::Duration;

use littoral_http::Refusal;
use littoral_kv::doors::Directory as _;
use littoral_kv::{Error, Namespace, Precondition};
use littoral_types::{Ctx, SpaceId, Tenant, Version};
use serde::{Deserialize, Serialize};

use crate::{Control, Result};

/// Longer than any request lasts: nobody still writes under a claim of this age.
const CLAIM_TIME: Duration = Duration::from_secs(60);
/// How often a claim is tried against others.
const TRIES_MAX: usize = 4;

pub(crate) const TITLE_TAKEN: u32 = 10014;

#[derive(Debug, Deserialize, Serialize)]
struct Claim {
    id: String,
}

fn key(account: Tenant, title: &str) -> Vec<u8> {
    let mut key = vec![b't'];
    key.extend_from_slice(&account.0.to_be_bytes());
    // Titles may be longer than a key.
    key.extend_from_slice(blake3::hash(title.as_bytes()).as_bytes());
    key
}

impl Control {
    /// Claims a title for a namespace.
    ///
    /// # Errors
    /// When another holds it.
    pub(crate) async fn claim(
        &self,
        ctx: &Ctx,
        account: Tenant,
        title: &str,
        id: SpaceId,
    ) -> Result<Version> {
        let key = key(account, title);
        let claim = Claim { id: id.to_string() };
        let mut precondition = Precondition::Absent;
        for _ in 0..TRIES_MAX {
            let records = &self.0.namespaces;
            let current = match records.write(ctx, key.clone(), &claim, precondition).await {
                Ok(version) => return Ok(version),
                Err(Error::Precondition { current: Some(current) }) => current,
                // It was released in between.
                Err(Error::Precondition { current: None }) => {
                    precondition = Precondition::Absent;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let held = records.read_since::<Claim>(ctx, key.clone(), current).await?;
            let Some((version, held)) = held else {
                precondition = Precondition::Absent;
                continue;
            };
            if held.id == claim.id {
                return Ok(version);
            }
            if !self.is_stale(ctx, account, title, &held, version).await? {
                return Err(taken());
            }
            tracing::info!(id = %held.id, "a stale claim of a title is taken over");
            precondition = Precondition::Version(version);
        }
        Err(taken())
    }

    async fn is_stale(
        &self,
        ctx: &Ctx,
        account: Tenant,
        title: &str,
        held: &Claim,
        version: Version,
    ) -> Result<bool> {
        if self.clock().stamp_wall() < version.wall().plus(CLAIM_TIME) {
            return Ok(false);
        }
        let Ok(id) = held.id.parse() else { return Ok(true) };
        let holder = self.read_namespace(ctx, account, id).await?;
        Ok(holder.is_none_or(|(_, record)| record.title != title))
    }

    /// Gives a title up, if `id` holds it. What fails here leaves a stale claim.
    pub(crate) async fn release(&self, ctx: &Ctx, account: Tenant, title: &str, id: SpaceId) {
        let key = key(account, title);
        let released = async {
            let held = self.0.namespaces.read::<Claim>(ctx, key.clone()).await?;
            let Some((version, held)) = held else { return Ok(()) };
            if held.id != id.to_string() {
                return Ok(());
            }
            let precondition = Precondition::Version(version);
            self.0.namespaces.delete(ctx, key, precondition).await.map(drop)
        };
        if let Err(error) = released.await {
            tracing::info!(%error, %id, "a title stays claimed until somebody takes it over");
        }
    }
}

impl Control {
    /// A namespace of an account, by its title or its id.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn namespace_named(
        &self,
        ctx: &Ctx,
        account: Tenant,
        name: &str,
    ) -> Result<Option<Arc<Namespace>>> {
        let held = self.0.namespaces.read::<Claim>(ctx, key(account, name)).await?;
        let titled = held.and_then(|(_, claim)| claim.id.parse().ok());
        if let Some(id) = titled
            && let Some(found) = self.namespace(ctx, Some(account), id).await?
            // A claim of which nothing came names nobody.
            && found.title == name
        {
            return Ok(Some(found));
        }
        match name.parse::<SpaceId>() {
            Ok(id) => Ok(self.namespace(ctx, Some(account), id).await?),
            Err(_) => Ok(None),
        }
    }
}

fn taken() -> Refusal {
    Refusal::bad_request(TITLE_TAKEN, "a namespace with this account ID and title already exists")
}
