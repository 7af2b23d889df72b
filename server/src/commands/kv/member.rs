//! A key on its way from or to a file: the members of an export and of a bulk request.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the API takes.
pub const KEY_BYTES_MAX: usize = 512;
pub const VALUE_BYTES_MAX: usize = 25 << 20;

/// A member as JSON. An export says `name`, a bulk file `key`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Member<'a> {
    #[serde(alias = "name", borrow)]
    pub key: Cow<'a, str>,
    #[serde(borrow)]
    pub value: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base64: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_ttl: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Cow<'a, RawValue>>,
}

/// A key with its value as bytes.
#[derive(Clone, Debug, Default)]
pub struct Item {
    pub key: String,
    pub value: Bytes,
    pub expiration: Option<u64>,
    pub ttl: Option<u64>,
    /// JSON text.
    pub metadata: Option<Box<RawValue>>,
}

impl Member<'_> {
    /// The reason when it cannot be.
    pub fn into_item(self) -> Result<Item, (String, String)> {
        let key = self.key.into_owned();
        let value = match self.base64 {
            false => Bytes::from(self.value.into_owned()),
            true => match STANDARD.decode(self.value.as_bytes()) {
                Ok(value) => value.into(),
                Err(error) => return Err((key, format!("its value is not base64: {error}"))),
            },
        };
        let metadata = self.metadata.map(Cow::into_owned).filter(|json| json.get() != "null");
        let (expiration, ttl) = (self.expiration, self.expiration_ttl);
        Ok(Item { key, value, expiration, ttl, metadata })
    }
}

impl Item {
    /// Why the API would not take it, as far as can be seen from here. One bad member would spoil
    /// a whole bulk request.
    pub fn fault(&self) -> Option<String> {
        match self.key.as_str() {
            "" => return Some("a key is at least one byte".into()),
            "." | ".." => return Some("a key is not `.` or `..`".into()),
            key if key.len() > KEY_BYTES_MAX => {
                let bytes = key.len();
                return Some(format!(
                    "a key is at most {KEY_BYTES_MAX} bytes, and this one {bytes}"
                ));
            }
            _ => {}
        }
        let bytes = self.value.len();
        (bytes > VALUE_BYTES_MAX)
            .then(|| format!("a value is at most {VALUE_BYTES_MAX} bytes, and this one {bytes}"))
    }

    pub fn member(&self) -> Member<'_> {
        let text = std::str::from_utf8(&self.value);
        Member {
            key: Cow::Borrowed(&self.key),
            base64: text.is_err(),
            value: text.map_or_else(|_| STANDARD.encode(&self.value).into(), Cow::Borrowed),
            expiration: self.expiration,
            expiration_ttl: self.ttl,
            metadata: self.metadata.as_deref().map(Cow::Borrowed),
        }
    }
}

/// A key as one line shows it: itself, or a JSON string when it holds control characters.
pub fn printable(key: &str) -> Cow<'_, str> {
    match key.chars().any(char::is_control) {
        true => serde_json::Value::from(key).to_string().into(),
        false => key.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(json: &str) -> Item {
        let member: Member<'_> = serde_json::from_str(json).expect("a member");
        member.into_item().expect("an item")
    }

    #[test]
    fn a_member_comes_back_as_it_was() {
        for json in [
            r#"{"key":"a","value":"x"}"#,
            r#"{"key":"a\nb","value":"","expiration":17,"metadata":{"b": [1]}}"#,
            r#"{"key":"bin","value":"/wA=","base64":true}"#,
        ] {
            let item = item(json);
            assert_eq!(serde_json::to_string(&item.member()).expect("JSON"), json);
        }
        assert!(item(r#"{"name":"a","value":"x","metadata":null}"#).metadata.is_none());
    }

    #[test]
    fn what_the_api_would_refuse_is_seen_before_it_is_sent() {
        let fault = |key: &str, bytes| {
            let value = Bytes::from(vec![0; bytes]);
            Item { key: key.into(), value, ..Item::default() }.fault()
        };
        assert!(fault("a", VALUE_BYTES_MAX).is_none());
        assert!(fault(&"k".repeat(KEY_BYTES_MAX), 0).is_none());
        for (key, bytes) in
            [("", 0), (".", 0), ("..", 0), (&*"k".repeat(513), 0), ("a", VALUE_BYTES_MAX + 1)]
        {
            assert!(fault(key, bytes).is_some(), "{key}");
        }
    }
}
