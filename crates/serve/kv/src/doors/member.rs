//! One key of a bulk request or an import, as JSON, checked before anything is written.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use littoral_http::Refusal;
use littoral_types::Wall;
use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::value::VALUE_BYTES_MAX;
use super::{expiry, key, metadata, refuse};
use crate::Policy;

/// A member as it is sent. An export names its key `name`.
#[derive(Debug, Deserialize)]
pub(crate) struct Member<'a> {
    #[serde(borrow, alias = "name")]
    key: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(default)]
    base64: bool,
    #[serde(default)]
    expiration: Option<Number>,
    #[serde(default)]
    expiration_ttl: Option<Number>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
}

/// Borrowed from the request where it has no escapes.
#[derive(Debug, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A member that may be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checked<'a> {
    pub(crate) key: Bytes,
    pub(crate) value: Cow<'a, [u8]>,
    pub(crate) metadata: Bytes,
    pub(crate) expires_at: Option<Wall>,
}

/// Standard base64, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl<'a> Member<'a> {
    pub(crate) fn key(&self) -> &str {
        &self.key.0
    }

    /// # Errors
    /// When it cannot be written as it stands.
    pub(crate) fn check(self, policy: &Policy, now: Wall) -> Result<Checked<'a>, Refusal> {
        let name = self.key.0;
        key::check(name.as_bytes())?;
        let asked = expiry::Asked::json(self.expiration_ttl.as_ref(), self.expiration.as_ref());
        let expires_at = asked.resolve(policy, now)?;
        let metadata = match self.metadata {
            Some(json) => metadata::check_json(json)?,
            None => Bytes::new(),
        };
        let value = match self.base64 {
            true => Cow::Owned(BASE64.decode(&*self.value.0).map_err(|error| {
                refuse::member(format!(
                    "could not base64 decode value for key: \"{name}\", err: {error}"
                ))
            })?),
            false => match self.value.0 {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
        };
        if value.len() as u64 > VALUE_BYTES_MAX {
            return Err(refuse::value_too_large(value.len() as u64));
        }
        Ok(Checked { key: Bytes::copy_from_slice(name.as_bytes()), value, metadata, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<Checked<'_>, Refusal> {
        let member: Member<'_> = serde_json::from_str(json).expect(json);
        member.check(&Policy::default(), Wall(1_000_000))
    }

    #[test]
    fn a_member_is_checked_in_all_its_parts() {
        let full = check(
            r#"{"name":"a/b","value":"aGk=","base64":true,"expiration_ttl":60,"metadata":{"m": 1},"more":1}"#,
        );
        let expected = Checked {
            key: Bytes::from_static(b"a/b"),
            value: Cow::Borrowed(b"hi"),
            metadata: Bytes::from_static(b"{\"m\": 1}"),
            expires_at: Some(Wall(1_060_000)),
        };
        assert_eq!(full, Ok(expected));
        assert_eq!(
            check(r#"{"key":"k","value":"\u00e9","metadata":null}"#).expect("fine").metadata,
            ""
        );
    }

    #[test]
    fn a_bad_member_is_refused_with_the_code_of_its_fault() {
        for (json, code) in [
            (r#"{"key":"","value":"v"}"#.to_owned(), 10042),
            (r#"{"key":"..","value":"v"}"#.into(), 10042),
            (format!(r#"{{"key":"{}","value":"v"}}"#, "x".repeat(513)), 10030),
            (r#"{"key":"k","value":"?","base64":true}"#.into(), 10012),
            (r#"{"key":"k","value":"v","expiration_ttl":30}"#.into(), 10034),
            (r#"{"key":"k","value":"v","expiration":1000}"#.into(), 10033),
            (format!(r#"{{"key":"k","value":"v","metadata":"{}"}}"#, "x".repeat(1023)), 10024),
        ] {
            assert_eq!(check(&json).expect_err(&json).code, code, "{json}");
        }
    }

    #[test]
    fn what_is_no_member_is_not_read_as_one() {
        for bad in [r#"{"value":"v"}"#, r#"{"key":"k"}"#, r#"{"key":"k","value":1}"#, "[]", "{"] {
            assert!(serde_json::from_str::<Member<'_>>(bad).is_err(), "{bad}");
        }
    }
}
