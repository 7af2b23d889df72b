//! Many keys in one request: all are checked before any is written, and then written side by side.

mod asked;
mod limited;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream, StreamExt as _};
use littoral_http::{Object, Refusal};
use littoral_types::{Ctx, Version, Wall};
use serde::{Deserialize, Serialize};

use super::Doors;
use super::member::{Checked, Member, Text};
use super::value::{self, VALUE_BYTES_MAX};
use super::{key, refuse};
use crate::{Namespace, Policy, Precondition, Put, Value};
use limited::Limited;

pub(crate) use asked::{Asked, object};

/// Keys of a bulk write or delete.
pub(crate) const WRITES_MAX: usize = 10_000;
/// Bytes of a bulk request.
pub(crate) const BODY_BYTES_MAX: u64 = 100 * 1000 * 1000;

/// What became of a bulk write.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    successful_key_count: usize,
    unsuccessful_keys: Vec<String>,
    /// The newest version written.
    #[serde(skip)]
    pub(crate) version: Option<Version>,
}

/// Reads the members of a bulk write, each fit to be written and each key once.
pub(crate) fn members<'a>(
    body: &'a [u8],
    policy: &Policy,
    now: Wall,
) -> Result<Vec<Checked<'a>>, Refusal> {
    let Limited(members) = parse::<Limited<Object<Member<'a>>>>(body)?;
    let mut checked: Vec<Checked<'a>> = Vec::with_capacity(members.len());
    let mut places = HashMap::with_capacity(members.len());
    for (at, Object(member)) in members.into_iter().enumerate() {
        let named = at_place(at, member.key());
        let member = member.check(policy, now).map_err(|refusal| prefixed(refusal, &named))?;
        match places.entry(member.key.clone()) {
            Entry::Vacant(place) => {
                place.insert(checked.len());
                checked.push(member);
            }
            Entry::Occupied(place) if checked[*place.get()] == member => {}
            Entry::Occupied(_) => {
                return Err(refuse::member(format!(
                    "bulk put: 'received duplicate key with different values or expiration \
                     parameters', {named}"
                )));
            }
        }
    }
    Ok(checked)
}

/// Reads the names of a bulk delete.
pub(crate) fn names(body: &[u8]) -> Result<Vec<Bytes>, Refusal> {
    let Limited(names) = parse::<Limited<Text<'_>>>(body)?;
    let mut keys = Vec::with_capacity(names.len());
    for (at, Text(name)) in names.iter().enumerate() {
        let named = at_place(at, name);
        key::check(name.as_bytes()).map_err(|error| prefixed(error.into(), &named))?;
        keys.push(Bytes::copy_from_slice(name.as_bytes()));
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(refuse::bad_body)
}

fn at_place(at: usize, name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    format!("member {at} (\"{shown}\")")
}

/// The documented message first: clients compare it.
fn prefixed(mut refusal: Refusal, named: &str) -> Refusal {
    refusal.message = format!("{} ({named})", refusal.message).into();
    refusal
}

impl Doors {
    /// Writes members side by side. An error only when none could be written.
    pub(crate) async fn put_all(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        members: Vec<Checked<'_>>,
    ) -> Result<Outcome, Refusal> {
        let mut writes: Vec<BoxFuture<'_, _>> = Vec::with_capacity(members.len());
        for member in members {
            writes.push(Box::pin(async move {
                let key = member.key.clone();
                (key, self.put_one(ctx, namespace, member).await)
            }));
        }
        outcome(side_by_side(writes, self.options().bulk_concurrency)).await
    }

    pub(crate) async fn put_one(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        member: Checked<'_>,
    ) -> Result<Version, Refusal> {
        let Checked { key, value, metadata, expires_at } = member;
        let body = value::bytes(&value, self.kv().clone()).await?;
        let put = Put { body, metadata, expires_at, precondition: Precondition::None };
        let ctx = self.renewed(ctx);
        Ok(self.kv().put(&ctx, namespace, key, put).await?.version)
    }

    /// Deletes keys side by side. An error only when none could be deleted.
    pub(crate) async fn delete_all(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        keys: Vec<Bytes>,
    ) -> Result<Outcome, Refusal> {
        let mut deletes: Vec<BoxFuture<'_, _>> = Vec::with_capacity(keys.len());
        for key in keys {
            deletes.push(Box::pin(async move {
                let (ctx, name) = (self.renewed(ctx), key.clone());
                let deleted = self.kv().delete(&ctx, namespace, key, Precondition::None).await;
                (name, deleted.map(|written| written.version).map_err(Refusal::from))
            }));
        }
        outcome(side_by_side(deletes, self.options().bulk_concurrency)).await
    }

    /// Reads keys side by side, in the order in which they were asked for, each once.
    pub(crate) async fn get_all(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        asked: &Asked,
    ) -> Result<Vec<(String, Value)>, Refusal> {
        let mut reads: Vec<BoxFuture<'_, _>> = Vec::with_capacity(asked.keys.len());
        for name in &asked.keys {
            reads.push(Box::pin(async move {
                let key = Bytes::copy_from_slice(name.as_bytes());
                (name.clone(), self.kv().get(ctx, namespace, key, asked.options).await)
            }));
        }
        let mut reads = side_by_side(reads, self.options().bulk_concurrency);
        let mut values = Vec::with_capacity(asked.keys.len());
        let mut total = 0;
        while let Some((name, value)) = reads.next().await {
            let value = value?;
            total += value.body.len();
            values.push((name, value));
        }
        if total > VALUE_BYTES_MAX {
            return Err(refuse::bulk_too_large());
        }
        Ok(values)
    }
}

/// Runs some at a time; their results come in the order in which they stand.
pub(crate) fn side_by_side<T>(
    all: Vec<BoxFuture<'_, T>>,
    at_once: usize,
) -> impl Stream<Item = T> + Unpin {
    stream::iter(all).buffered(at_once)
}

async fn outcome(
    mut done: impl Stream<Item = (Bytes, Result<Version, Refusal>)> + Unpin,
) -> Result<Outcome, Refusal> {
    let mut outcome = Outcome::default();
    let mut first = None;
    while let Some((key, done)) = done.next().await {
        match done {
            Ok(version) => {
                outcome.successful_key_count += 1;
                outcome.version = outcome.version.max(Some(version));
            }
            Err(refusal) => {
                outcome.unsuccessful_keys.push(String::from_utf8_lossy(&key).into_owned());
                first.get_or_insert(refusal);
            }
        }
    }
    match first {
        Some(refusal) if outcome.successful_key_count == 0 => Err(refusal),
        Some(refusal) => {
            let failed = outcome.unsuccessful_keys.len();
            tracing::warn!(failed, message = %refusal.message, "bulk request done in part");
            Ok(outcome)
        }
        None => Ok(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall(1_000_000);

    fn put(body: &str) -> Result<usize, Refusal> {
        members(body.as_bytes(), &Policy::default(), NOW).map(|members| members.len())
    }

    #[test]
    fn one_bad_member_spoils_all() {
        let bad = r#"[{"key":"a","value":"1"},{"key":"b","value":"2","expiration_ttl":1}]"#;
        let refusal = put(bad).expect_err("too short a life");
        assert_eq!(refusal.code, 10034);
        assert_eq!(
            refusal.message,
            "Invalid expiration_ttl of 1. Expiration TTL must be at least 60. (member 1 (\"b\"))"
        );
    }

    #[test]
    fn equal_members_are_one_and_others_of_one_key_are_refused() {
        assert_eq!(put(r#"[{"key":"a","value":"1"},{"key":"a","value":"1"}]"#), Ok(1));
        assert_eq!(put("[]"), Ok(0));
        for other in
            [r#"{"key":"a","value":"2"}"#, r#"{"key":"a","value":"1","expiration_ttl":60}"#]
        {
            let refusal = put(&format!(r#"[{{"key":"a","value":"1"}},{other}]"#));
            assert_eq!(refusal.expect_err(other).code, 10012);
        }
    }

    #[test]
    fn what_is_not_an_array_of_members_is_refused() {
        for bad in [
            "",
            "{}",
            "null",
            "[1]",
            r#"[["a","v"]]"#,
            r#"[["a","v",false,null,null,null]]"#,
            r#"[{"key":"a"}]"#,
            r#"[{"key":"a","value":"1"}"#,
        ] {
            assert_eq!(put(bad).expect_err(bad).code, 10012, "{bad}");
        }
        let many = |count: usize| {
            let one = |at: usize| format!(r#"{{"key":"{at}","value":""}}"#);
            format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","))
        };
        assert_eq!(put(&many(WRITES_MAX)), Ok(WRITES_MAX));
        assert_eq!(put(&many(WRITES_MAX + 1)).expect_err("one more").code, 10012);
    }

    #[test]
    fn names_are_checked_and_each_is_deleted_once() {
        assert_eq!(names(br#"["b","a","b"]"#).expect("names"), ["a", "b"]);
        assert_eq!(names(br#"["a",".."]"#).expect_err("dots").code, 10042);
        assert_eq!(names(br#"[{"name":"a"}]"#).expect_err("an object").code, 10012);
    }
}
