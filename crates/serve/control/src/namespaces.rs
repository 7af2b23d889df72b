//! Namespaces: made, found, renamed, removed.

use std::sync::Arc;

use http::StatusCode;
use littoral_http::Refusal;
use littoral_kv::{Error, Namespace, Policy, Precondition};
use littoral_types::{Ctx, SpaceId, Tenant, Version};
use serde::{Deserialize, Serialize};

use crate::{Control, Result, new_id};

pub(crate) const NOT_FOUND: u32 = 10013;
pub(crate) const TOO_MANY: u32 = 10018;
pub(crate) const TITLE: u32 = 10019;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 512;
/// How often a change is tried against others.
const TRIES_MAX: usize = 4;
const JURISDICTIONS: [&str; 3] = ["eu", "us", "fedramp"];

/// A namespace as it is written down.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) policy: Policy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jurisdiction: Option<String>,
}

/// A namespace as the doors use it.
pub(crate) type Known = Namespace;

pub(crate) fn key(account: Tenant, id: SpaceId) -> [u8; 33] {
    let mut key = [b'n'; 33];
    key[1..17].copy_from_slice(&account.0.to_be_bytes());
    key[17..].copy_from_slice(&id.to_bytes());
    key
}

impl Record {
    pub(crate) fn known(self, account: Tenant, id: SpaceId) -> Known {
        Namespace { id, account, title: self.title, policy: self.policy }
    }
}

pub(crate) fn not_found(operation: &str) -> Refusal {
    let message = format!("{operation}: 'namespace not found'");
    Refusal::new(StatusCode::NOT_FOUND, NOT_FOUND, message)
}

/// # Errors
/// When it is missing, empty or too long.
pub(crate) fn check_title(title: Option<String>) -> Result<String> {
    let refused = |message: &'static str| Err(Refusal::bad_request(TITLE, message));
    match title {
        None => refused("a namespace needs a title; send {\"title\": …}"),
        Some(title) if title.trim().is_empty() => refused("a namespace's title must not be empty"),
        Some(title) if title.chars().count() > TITLE_CHARS_MAX => {
            refused("a namespace's title is at most 512 characters long")
        }
        Some(title) => Ok(title),
    }
}

/// # Errors
/// When there is none of that name.
pub(crate) fn check_jurisdiction(jurisdiction: Option<String>) -> Result<Option<String>> {
    match jurisdiction {
        Some(name) if !JURISDICTIONS.contains(&name.as_str()) => Err(Refusal::bad_request(
            littoral_http::code::BAD_BODY,
            "jurisdiction must be one of eu, us, fedramp",
        )),
        other => Ok(other),
    }
}

impl Control {
    pub(crate) async fn create_namespace(
        &self,
        ctx: &Ctx,
        account: Tenant,
        title: String,
        jurisdiction: Option<String>,
    ) -> Result<(SpaceId, Record)> {
        let count = self.all_namespaces(ctx, account).await?.len();
        let max = self.0.options.namespaces_per_account_max;
        if count >= max {
            let message = format!("an account has at most {max} namespaces");
            return Err(Refusal::bad_request(TOO_MANY, message));
        }
        let id = new_id();
        self.claim(ctx, account, &title, id).await?;
        let record = Record { title, policy: Policy::default(), jurisdiction };
        let key = key(account, id).to_vec();
        let written = self.0.namespaces.write(ctx, key, &record, Precondition::Absent).await;
        if let Err(error) = written {
            // A write of which nothing was heard may still have happened: then the claim is right.
            if !matches!(error, Error::Deadline) {
                self.release(ctx, account, &record.title, id).await;
            }
            return Err(error.into());
        }
        Ok((id, record))
    }

    pub(crate) async fn read_namespace(
        &self,
        ctx: &Ctx,
        account: Tenant,
        id: SpaceId,
    ) -> Result<Option<(Version, Record)>> {
        Ok(self.0.namespaces.read(ctx, key(account, id).to_vec()).await?)
    }

    /// All of an account, by id.
    pub(crate) async fn all_namespaces(
        &self,
        ctx: &Ctx,
        account: Tenant,
    ) -> Result<Vec<(SpaceId, Record)>> {
        let prefix = key(account, SpaceId(0))[..17].to_vec();
        let all = self.0.namespaces.all::<Record>(ctx, prefix).await?;
        let with_id = |(rest, record): (bytes::Bytes, Record)| {
            let id: [u8; 16] = rest.as_ref().try_into().ok()?;
            Some((SpaceId::from_bytes(id), record))
        };
        Ok(all.into_iter().filter_map(with_id).collect())
    }

    pub(crate) async fn rename_namespace(
        &self,
        ctx: &Ctx,
        account: Tenant,
        id: SpaceId,
        title: String,
    ) -> Result<Record> {
        let found = self.read_namespace(ctx, account, id).await?;
        let (_, before) = found.ok_or_else(|| not_found("rename namespace"))?;
        if before.title == title {
            return Ok(before);
        }
        self.claim(ctx, account, &title, id).await?;
        let renamed = self
            .change_namespace(ctx, account, id, |record| {
                record.title.clone_from(&title);
                Ok(())
            })
            .await;
        let renamed = match renamed {
            Ok(renamed) => renamed.ok_or_else(|| not_found("rename namespace")),
            Err(refusal) => Err(refusal),
        };
        match &renamed {
            Ok((old, _)) => self.release(ctx, account, old, id).await,
            Err(refusal) if refusal.status != StatusCode::GATEWAY_TIMEOUT => {
                self.release(ctx, account, &title, id).await;
            }
            Err(_) => {}
        }
        renamed.map(|(_, record)| record)
    }

    /// Changes a record against others; the title before, and what it is now. `None`: there is
    /// none.
    pub(crate) async fn change_namespace(
        &self,
        ctx: &Ctx,
        account: Tenant,
        id: SpaceId,
        change: impl Fn(&mut Record) -> Result<()>,
    ) -> Result<Option<(String, Record)>> {
        let records = &self.0.namespaces;
        let key = key(account, id).to_vec();
        let mut found = records.read::<Record>(ctx, key.clone()).await?;
        for _ in 0..TRIES_MAX {
            let Some((version, mut record)) = found else { return Ok(None) };
            let title = record.title.clone();
            change(&mut record)?;
            let precondition = Precondition::Version(version);
            match records.write(ctx, key.clone(), &record, precondition).await {
                Ok(_) => return Ok(Some((title, record))),
                Err(Error::Precondition { current: None }) => return Ok(None),
                Err(Error::Precondition { current: Some(current) }) => {
                    found = records.read_since(ctx, key.clone(), current).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Overloaded { what: "changes of this namespace", retry_after: RETRY }.into())
    }

    /// Removes a namespace; its keys follow in the background.
    pub(crate) async fn delete_namespace(
        &self,
        ctx: &Ctx,
        account: Tenant,
        id: SpaceId,
    ) -> Result<()> {
        let found = self.read_namespace(ctx, account, id).await?;
        let (_, record) = found.ok_or_else(|| not_found("remove namespace"))?;
        let known = Arc::new(record.known(account, id));
        // First: whatever happens from here on, its keys will go.
        self.doom(ctx, &known).await?;
        let key = key(account, id).to_vec();
        match self.0.namespaces.delete(ctx, key, Precondition::Present).await {
            Ok(_) => {}
            Err(Error::Precondition { .. }) => return Err(not_found("remove namespace")),
            Err(error) => return Err(error.into()),
        }
        self.release(ctx, account, &known.title, id).await;
        self.empty_in_background(known);
        Ok(())
    }
}

const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_there_and_of_bounded_length() {
        let code = |title: Option<&str>| {
            check_title(title.map(str::to_owned)).map_err(|refusal| refusal.code)
        };
        assert_eq!(code(Some("a b")), Ok("a b".into()));
        assert_eq!(code(Some(&"é".repeat(512))).map(|title| title.len()), Ok(1024));
        for bad in [None, Some(""), Some("  "), Some("é".repeat(513).as_str())] {
            assert_eq!(code(bad), Err(10019), "{bad:?}");
        }
        assert!(check_jurisdiction(Some("eu".into())).is_ok());
        assert!(check_jurisdiction(Some("mars".into())).is_err());
    }
}
