//! What covers many keys at once: deletes and purges by prefix, or of everything.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use littoral_http::{Call, Object, Refusal};
use littoral_types::Ctx;
use serde::Deserialize;

use super::key::{self, KEY_BYTES_MAX, KeyError};
use super::{Doors, Options, bulk, refuse};
use crate::{Error, Kv, ListOptions, Namespace, Precondition, PurgeScope};

/// Keys that are listed, and then deleted, at once.
const BATCH: usize = 1_000;
/// Bytes of a request that names keys or prefixes.
const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Deletes every key under a prefix, in bounded batches; how many there were. Stopped anywhere, it
/// can be begun again.
///
/// # Errors
/// When a batch cannot be listed, or a key not be deleted.
pub async fn delete_everything(
    kv: &Kv,
    namespace: &Namespace,
    prefix: Bytes,
    options: &Options,
) -> Result<u64, Error> {
    let ctx = move || Ctx {
        deadline: kv.clock().after(options.request_time),
        tenant: namespace.account,
        ..Ctx::default()
    };
    let mut list = ListOptions { prefix, limit: BATCH, ..ListOptions::default() };
    let mut count = 0;
    loop {
        let page = kv.list(&ctx(), namespace, list.clone()).await?;
        let mut deletes: Vec<BoxFuture<'_, _>> = Vec::with_capacity(page.keys.len());
        for listing in page.keys {
            deletes.push(Box::pin(async move {
                kv.delete(&ctx(), namespace, listing.key, Precondition::None).await
            }));
        }
        let mut deletes = bulk::side_by_side(deletes, options.bulk_concurrency);
        while let Some(deleted) = deletes.next().await {
            deleted?;
            count += 1;
        }
        match page.more_after {
            Some(after) => list.after = Some(after),
            None => return Ok(count),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    everything: bool,
}

/// The prefix that a delete names; all keys must be asked for in so many words.
fn prefix(body: &[u8]) -> Result<Bytes, Refusal> {
    let Object(which) = bulk::parse::<Object<Which>>(body)?;
    let named = which.keys.is_empty() && which.prefixes.is_empty();
    match (which.prefix, which.everything) {
        (Some(prefix), false) if named && !prefix.is_empty() => checked_prefix(prefix),
        (None, true) if named => Ok(Bytes::new()),
        _ => Err(refuse::bad_body(
            "send either a \"prefix\" that is not empty, or \"everything\": true",
        )),
    }
}

/// What a purge names.
fn scopes(body: &[u8]) -> Result<Vec<PurgeScope>, Refusal> {
    let Object(which) = bulk::parse::<Object<Which>>(body)?;
    let prefixes = which.prefix.into_iter().chain(which.prefixes);
    let mut scopes = Vec::new();
    for prefix in prefixes.filter(|prefix| !prefix.is_empty()) {
        scopes.push(PurgeScope::Prefix(checked_prefix(prefix)?));
    }
    for name in which.keys {
        key::check(name.as_bytes())?;
        scopes.push(PurgeScope::Key(name.into()));
    }
    match (which.everything, scopes.is_empty()) {
        (true, true) => Ok(vec![PurgeScope::Everything]),
        (false, false) if scopes.len() <= BATCH => Ok(scopes),
        (false, false) => Err(refuse::bad_body(format_args!(
            "more than {BATCH} in one request; send several, or purge a prefix"
        ))),
        _ => {
            Err(refuse::bad_body("send either \"keys\" and \"prefixes\", or \"everything\": true"))
        }
    }
}

fn checked_prefix(prefix: String) -> Result<Bytes, Refusal> {
    if prefix.len() > KEY_BYTES_MAX {
        return Err(KeyError::TooLong(prefix.len()).into());
    }
    Ok(prefix.into())
}

impl Doors {
    pub(crate) async fn delete_prefix(
        &self,
        call: &mut Call,
        namespace: &Namespace,
    ) -> Result<u64, Refusal> {
        let body = call.body.collect(BODY_BYTES_MAX).await.map_err(refuse::upload)?;
        let prefix = prefix(&body)?;
        Ok(delete_everything(self.kv(), namespace, prefix, self.options()).await?)
    }

    pub(crate) async fn purge(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<(), Refusal> {
        let body = call.body.collect(BODY_BYTES_MAX).await.map_err(refuse::upload)?;
        let mut purges: Vec<BoxFuture<'_, _>> = Vec::new();
        for scope in scopes(&body)? {
            purges.push(Box::pin(async move {
                self.kv().purge(&self.renewed(ctx), namespace, scope).await
            }));
        }
        let mut purges = bulk::side_by_side(purges, self.options().bulk_concurrency);
        while let Some(purged) = purges.next().await {
            purged?;
        }
        Ok(())
    }
}

/// Reads a body every way, for fuzzing.
pub(crate) fn read(body: &[u8]) {
    // Refused or not: both are answers.
    let _ = (prefix(body), scopes(body));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_deleted_only_if_it_is_asked_for_by_name() {
        assert_eq!(prefix(br#"{"prefix":"a/"}"#).as_deref(), Ok(b"a/".as_slice()));
        assert_eq!(prefix(br#"{"everything":true}"#).as_deref(), Ok(b"".as_slice()));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"prefix":""}"#,
            r#"{"everything":false}"#,
            r#"{"prefix":"a","everything":true}"#,
            r#"{"prefix":null}"#,
            r#"{"prefixes":["a"]}"#,
            r#"{"prefx":"a"}"#,
        ] {
            assert_eq!(prefix(bad.as_bytes()).expect_err(bad).code, 10012, "{bad}");
        }
        let long = format!(r#"{{"prefix":"{}"}}"#, "x".repeat(513));
        assert_eq!(prefix(long.as_bytes()).expect_err("long").code, 10030);
    }

    #[test]
    fn a_purge_names_keys_and_prefixes_or_everything() {
        let count = |body: &str| scopes(body.as_bytes()).map(|scopes| scopes.len());
        assert_eq!(count(r#"{"keys":["a","b"],"prefixes":["c/"]}"#), Ok(3));
        assert_eq!(count(r#"{"everything":true}"#), Ok(1));
        for bad in
            ["{}", r#"{"keys":[]}"#, r#"{"everything":true,"keys":["a"]}"#, r#"{"prefixes":[""]}"#]
        {
            assert_eq!(count(bad).expect_err(bad).code, 10012, "{bad}");
        }
        assert_eq!(count(r#"{"keys":[".."]}"#).expect_err("dots").code, 10042);
    }
}
