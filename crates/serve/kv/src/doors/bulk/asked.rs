//! What a bulk read asks, and how it is answered: values as text or JSON, inside JSON.

use littoral_http::{Object, Refusal};
use littoral_types::Body;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{key, metadata, read, refuse, value};
use super::parse;
use crate::{Policy, ReadOptions, Value};

/// Keys of a bulk read.
const READS_MAX: usize = 100;

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
        let options = read::options(cache_ttl.as_deref(), policy)?;
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
    use bytes::Bytes;
    use littoral_types::{Version, Wall};

    use super::*;

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
