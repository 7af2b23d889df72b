//! Many keys in one request: all are checked before any is written, and then written side by side.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream, StreamExt as _};
use littoral_http::{Object, Refusal};
use littoral_types::{Body, Ctx, Version, Wall};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Doors;
use super::member::{Checked, Member, Text};
use super::value::{self, VALUE_BYTES_MAX};
use super::{key, metadata, refuse};
use crate::{Namespace, Policy, Precondition, Put, ReadOptions, Value};

/// Keys of a bulk write or delete.
pub(crate) const WRITES_MAX: usize = 10_000;
/// Keys of a bulk read.
pub(crate) const READS_MAX: usize = 100;
/// Bytes of a bulk request.
pub(crate) const BODY_BYTES_MAX: u64 = 100 * 1000 * 1000;

/// A JSON array that is given up when it is too long.
struct Limited<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Limited<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {WRITES_MAX}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == WRITES_MAX {
                        return Err(serde::de::Error::custom(format_args!(
                            "more than {WRITES_MAX} in one request; send several"
                        )));
                    }
                    items.push(item);
                }
                Ok(items)
            }
        }

        deserializer.deserialize_seq(Items(PhantomData)).map(Self)
    }
}

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
        Ok(self.kv().put(&ctx, namespace, key, put).await?)
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
                (name, deleted.map_err(Refusal::from))
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

/// What a bulk read asks.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) keys: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) metadata: bool,
    pub(crate) options: ReadOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Json,
}

#[derive(Deserialize)]
struct AskedJson {
    keys: Vec<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, rename = "withMetadata")]
    metadata: Option<bool>,
    /// The binding sends it as text.
    #[serde(default, rename = "cacheTtl")]
    cache_ttl: Option<serde_json::Value>,
}

impl Asked {
    pub(crate) fn read(body: &[u8], policy: &Policy) -> Result<Self, Refusal> {
        let Object(asked) = parse::<Object<AskedJson>>(body)?;
        let refused = |message: String| Err(Refusal::bad_request(refuse::BULK_GET, message));
        let kind = match asked.kind.as_deref() {
            None | Some("" | "text") => Kind::Text,
            Some("json") => Kind::Json,
            Some(other) => {
                return refused(format!(
                    "\"{other}\" is not a valid type. Use \"json\" or \"text\""
                ));
            }
        };
        if asked.keys.is_empty() {
            return refused("You must request a minimum of 1 key".into());
        }
        if asked.keys.len() > READS_MAX {
            return refused(format!("You can request a maximum of {READS_MAX} keys"));
        }
        let mut keys: Vec<String> = Vec::with_capacity(asked.keys.len());
        for key in asked.keys {
            key::check(key.as_bytes())?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let cache_ttl = match asked.cache_ttl {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
        };
        let options = super::read::options(cache_ttl.as_deref(), policy)?;
        Ok(Self { keys, kind, metadata: asked.metadata.unwrap_or(false), options })
    }
}

/// The values of a bulk read, as the members of a JSON object in the order asked.
pub(crate) async fn object(
    values: Vec<(String, Value)>,
    asked: &Asked,
    expiration: bool,
) -> Result<String, Refusal> {
    let mut json = String::from("{");
    for (name, read) in values {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&quoted(&name));
        json.push(':');
        if read.body.is_absent() {
            json.push_str("null");
            continue;
        }
        let text = text(read.body.clone(), asked.kind).await?;
        if !asked.metadata {
            json.push_str(&text);
            continue;
        }
        let metadata = metadata::raw(&read.metadata).map_or("null", RawValue::get);
        json.push_str(&format!("{{\"value\":{text},\"metadata\":{metadata}"));
        if let Some(at) = read.expires_at.filter(|_| expiration) {
            json.push_str(&format!(",\"expiration\":{}", at.seconds()));
        }
        json.push('}');
    }
    json.push('}');
    Ok(json)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

/// A value as JSON.
async fn text(body: Body, kind: Kind) -> Result<String, Refusal> {
    let bytes = value::load(body).await?;
    let refused = |kind: &str| {
        let message =
            format!("At least one of the requested keys corresponds to a non-{kind} value");
        Refusal::bad_request(refuse::BULK_GET, message)
    };
    let text = std::str::from_utf8(&bytes);
    match kind {
        Kind::Text => text.map(quoted).map_err(|_| refused("text")),
        Kind::Json => {
            let text = text.map_err(|_| refused("json"))?;
            let json: &RawValue = serde_json::from_str(text).map_err(|_| refused("json"))?;
            Ok(json.get().to_owned())
        }
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

    fn asked(body: &str) -> Result<Asked, Refusal> {
        Asked::read(body.as_bytes(), &Policy::default())
    }

    #[test]
    fn a_bulk_read_asks_for_one_to_a_hundred_keys_as_text_or_json() {
        let full =
            asked(r#"{"keys":["a","b","a"],"type":"json","withMetadata":true,"cacheTtl":"60"}"#);
        let full = full.expect("a read");
        assert_eq!(
            (full.keys.as_slice(), full.kind, full.metadata),
            (["a".into(), "b".into()].as_slice(), Kind::Json, true)
        );
        assert_eq!(full.options.cache_ttl, Some(std::time::Duration::from_secs(60)));
        let hundred =
            format!("{{\"keys\":{:?}}}", (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(asked(&hundred).is_ok());
        let more =
            format!("{{\"keys\":{:?}}}", (0..101).map(|n| n.to_string()).collect::<Vec<_>>());
        for (body, message) in [
            (r#"{"keys":[]}"#, "You must request a minimum of 1 key"),
            (&more, "You can request a maximum of 100 keys"),
            (
                r#"{"keys":["a"],"type":"invalid"}"#,
                "\"invalid\" is not a valid type. Use \"json\" or \"text\"",
            ),
            (r#"{"keys":[""]}"#, "Key names must not be empty"),
            (
                r#"{"keys":["a"],"cacheTtl":"10"}"#,
                "Invalid cache_ttl of 10. Cache TTL must be at least 30.",
            ),
        ] {
            assert_eq!(asked(body).expect_err(body).message, message);
        }
        assert_eq!(asked(r#"["a"]"#).expect_err("an array").code, 10012);
    }

    #[tokio::test]
    async fn values_stand_in_the_order_asked_with_null_for_what_is_absent() {
        let value = |body: &'static str| Value {
            version: Version::ZERO,
            body: Body::Bytes(Bytes::from_static(body.as_bytes())),
            metadata: Bytes::from_static(b"{\"a\": 1}"),
            expires_at: Some(Wall(5_000)),
            age: Default::default(),
            hops: Default::default(),
        };
        let none = Value { body: Body::Absent, metadata: Bytes::new(), ..value("") };
        let bare = Value { metadata: Bytes::new(), expires_at: None, ..value("[1]") };
        let values =
            vec![("b\"".into(), value("{ \"x\":1}")), ("a".into(), none), ("c".into(), bare)];
        let json = |metadata, kind| {
            let asked = Asked { keys: vec![], kind, metadata, options: ReadOptions::default() };
            let values = values.clone();
            async move { object(values, &asked, true).await }
        };
        assert_eq!(
            json(false, Kind::Text).await.expect("text"),
            r#"{"b\"":"{ \"x\":1}","a":null,"c":"[1]"}"#
        );
        assert_eq!(
            json(true, Kind::Json).await.expect("JSON"),
            r#"{"b\"":{"value":{ "x":1},"metadata":{"a": 1},"expiration":5},"a":null,"c":{"value":[1],"metadata":null}}"#
        );
    }

    #[tokio::test]
    async fn one_value_of_another_kind_fails_the_whole_read() {
        let of = |bytes: &'static [u8], kind| text(Body::Bytes(Bytes::from_static(bytes)), kind);
        assert_eq!(
            of(b"example", Kind::Json).await.expect_err("no JSON").message,
            "At least one of the requested keys corresponds to a non-json value"
        );
        assert_eq!(
            of(b"\xff", Kind::Text).await.expect_err("no text").message,
            "At least one of the requested keys corresponds to a non-text value"
        );
        assert_eq!(of(b"", Kind::Text).await.as_deref(), Ok("\"\""));
    }
}
