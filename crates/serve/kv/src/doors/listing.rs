//! Lists keys: what may be asked, and a page filled as far as it should be.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use littoral_http::{Query, Refusal};
use littoral_types::{Body, Ctx};
use serde::Serialize;
use serde_json::value::RawValue;

use super::key::KEY_BYTES_MAX;
use super::{cursor, metadata, refuse, value};
use crate::{Kv, ListOptions, Listing, Namespace};

/// Keys of a page.
pub(crate) const LIST_LIMIT_MAX: usize = 1000;
/// Keys asked for at once when their values come too.
const VALUES_AT_ONCE: usize = 64;
/// Bytes of values after which a page ends.
const VALUES_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Pages of tombstones that are skipped to fill a page that has keys already.
const ROUNDS_MAX: usize = 4;

/// What a listing asks.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) options: ListOptions,
    pub(crate) versions: bool,
}

/// Keys, and the cursor after them if there are more.
pub(crate) struct Found {
    pub(crate) keys: Vec<Listing>,
    pub(crate) cursor: Option<String>,
}

impl Asked {
    /// Reads a query. `limit` is the door's word for it.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(crate) fn query(
        query: Query<'_>,
        limit: Limit,
        namespace: &Namespace,
    ) -> Result<Self, Refusal> {
        let bytes = |name| query.bytes(name).map_err(refuse::bad_query);
        let text = |name| query.text(name).map_err(refuse::bad_query);
        let prefix = bytes("prefix")?.unwrap_or_default();
        if prefix.len() > KEY_BYTES_MAX {
            return Err(super::key::KeyError::TooLong(prefix.len()).into());
        }
        let reverse = query.flag("reverse");
        let after = match text("cursor")?.filter(|cursor| !cursor.is_empty()) {
            Some(cursor) => Some(
                cursor::decode(namespace.id, reverse, &cursor)
                    .filter(|key| key.starts_with(&prefix))
                    .ok_or_else(bad_cursor)?,
            ),
            None => bytes("start_after")?.map(|key| Bytes::copy_from_slice(&key)),
        };
        let options = ListOptions {
            prefix: Bytes::copy_from_slice(&prefix),
            after,
            limit: limit.read(text(limit.name())?.as_deref())?,
            reverse,
            values: query.flag("values"),
        };
        Ok(Self { options, versions: query.flag("versions") })
    }

    /// Fills a page: a client may take an empty one for the end.
    ///
    /// # Errors
    /// When the store cannot list.
    pub(crate) async fn find(
        &self,
        kv: &Kv,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<Found, Refusal> {
        let mut options = self.options.clone();
        let wanted = options.limit;
        let mut keys: Vec<Listing> = Vec::new();
        let mut rounds = 0;
        loop {
            let room = wanted - keys.len();
            options.limit = if options.values { room.min(VALUES_AT_ONCE) } else { room };
            let page = kv.list(ctx, namespace, options.clone()).await?;
            keys.extend(page.keys);
            let cut = options.values && weigh(&mut keys);
            if cut || page.more_after.is_none() {
                let after = if cut { keys.last().map(|last| last.key.clone()) } else { None };
                return Ok(self.found(keys, after, namespace));
            }
            options.after = page.more_after;
            rounds += 1;
            let tired = rounds >= ROUNDS_MAX && !options.values && !keys.is_empty();
            if keys.len() >= wanted || tired {
                return Ok(self.found(keys, options.after, namespace));
            }
        }
    }

    fn found(&self, keys: Vec<Listing>, after: Option<Bytes>, namespace: &Namespace) -> Found {
        let cursor = after.map(|key| cursor::encode(namespace.id, self.options.reverse, &key));
        Found { keys, cursor }
    }
}

/// Drops what is past the bytes of a page, but never its first key. Whether anything was.
fn weigh(keys: &mut Vec<Listing>) -> bool {
    let mut total = 0;
    let fits = keys.iter().take_while(|listing| {
        total += listing.body.as_ref().map_or(0, Body::len);
        total <= VALUES_BYTES_MAX
    });
    let fits = fits.count().max(1);
    let cut = fits < keys.len();
    keys.truncate(fits);
    cut
}

/// How a door names the limit, and complains about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Rest,
    Binding,
}

impl Limit {
    fn name(self) -> &'static str {
        match self {
            Self::Rest => "limit",
            Self::Binding => "key_count_limit",
        }
    }

    fn read(self, text: Option<&str>) -> Result<usize, Refusal> {
        let Some(text) = text else { return Ok(LIST_LIMIT_MAX) };
        let number = text.parse::<usize>().ok().filter(|number| *number > 0);
        match (number, self) {
            (Some(number), _) if number <= LIST_LIMIT_MAX => Ok(number),
            (_, Self::Rest) => Err(Refusal::bad_request(
                refuse::LIST_LIMIT,
                format!("list keys: 'limit of {text} must be from 1 to {LIST_LIMIT_MAX}'"),
            )),
            (Some(_), Self::Binding) => Err(Refusal::bad_request(
                refuse::LIST_LIMIT,
                format!(
                    "Invalid key_count_limit of {text}. Please specify an integer less than \
                     {LIST_LIMIT_MAX}."
                ),
            )),
            (None, Self::Binding) => Err(Refusal::bad_request(
                refuse::LIST_LIMIT,
                format!(
                    "Invalid key_count_limit of {text}. Please specify an integer greater than 0."
                ),
            )),
        }
    }
}

fn bad_cursor() -> Refusal {
    Refusal::bad_request(
        refuse::LIST_CURSOR,
        "list keys: 'cursor is not one of this listing; repeat its prefix and direction, or begin \
         anew without'",
    )
}

/// A key as the REST door lists it.
#[derive(Serialize)]
pub(crate) struct Entry<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(flatten)]
    value: Option<Text>,
}

/// A value inside JSON: as text, or in base64 if it is none or would be longer.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Text {
    value: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    base64: bool,
}

impl Text {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if escaped_len(bytes) <= bytes.len() / 3 * 4 + 64 => {
                Self { value: text.into(), base64: false }
            }
            _ => Self { value: STANDARD.encode(bytes), base64: true },
        }
    }
}

/// The length of text as a JSON string, roughly.
fn escaped_len(bytes: &[u8]) -> usize {
    let cost = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    bytes.iter().map(cost).sum()
}

impl<'a> Entry<'a> {
    /// # Errors
    /// When a value cannot be read.
    pub(crate) async fn of(listing: &'a Listing, versions: bool) -> Result<Self, Refusal> {
        let value = match &listing.body {
            Some(body) => Some(Text::of(&value::load(body.clone()).await?)),
            None => None,
        };
        Ok(Self {
            name: String::from_utf8_lossy(&listing.key),
            expiration: listing.expires_at.map(|at| at.seconds()),
            metadata: metadata::raw(&listing.metadata),
            version: versions.then(|| listing.version.to_string()),
            value,
        })
    }
}

/// Where a page stands in a listing.
#[derive(Serialize)]
pub(crate) struct Info {
    pub(crate) count: usize,
    pub(crate) cursor: String,
}

/// A page as the binding reads it: metadata is JSON text inside JSON.
#[derive(Serialize)]
pub(crate) struct BindingPage<'a> {
    keys: Vec<BindingEntry<'a>>,
    list_complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct BindingEntry<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Cow<'a, str>>,
}

impl<'a> From<&'a Found> for BindingPage<'a> {
    fn from(found: &'a Found) -> Self {
        let entry = |listing: &'a Listing| BindingEntry {
            name: String::from_utf8_lossy(&listing.key),
            expiration: listing.expires_at.map(|at| at.seconds()),
            metadata: (!listing.metadata.is_empty())
                .then(|| String::from_utf8_lossy(&listing.metadata)),
        };
        Self {
            keys: found.keys.iter().map(entry).collect(),
            list_complete: found.cursor.is_none(),
            cursor: found.cursor.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::{SpaceId, Tenant, Version, Wall};

    use super::*;
    use crate::Policy;

    fn namespace() -> Namespace {
        Namespace {
            id: SpaceId(7),
            account: Tenant(1),
            title: "t".into(),
            policy: Policy::default(),
        }
    }

    fn asked(query: &str, limit: Limit) -> Result<Asked, Refusal> {
        Asked::query(Query::new(Some(query)), limit, &namespace())
    }

    #[test]
    fn a_listing_is_asked_for_by_prefix_limit_and_cursor() {
        let cursor = cursor::encode(SpaceId(7), true, b"a b/9");
        let found =
            asked(&format!("prefix=a+b%2F&limit=5&reverse=true&cursor={cursor}"), Limit::Rest)
                .expect("a listing");
        assert_eq!(found.options.prefix, "a b/");
        assert_eq!(found.options.after.as_deref(), Some(b"a b/9".as_slice()));
        assert!(found.options.reverse && found.options.limit == 5 && !found.options.values);
        let plain = asked("prefix=&cursor=", Limit::Rest).expect("a listing");
        assert_eq!((plain.options.limit, plain.options.after), (1000, None));
        let after = asked("start_after=k", Limit::Rest).expect("a listing");
        assert_eq!(after.options.after.as_deref(), Some(b"k".as_slice()));
    }

    #[test]
    fn a_listing_that_makes_no_sense_is_refused_with_its_code() {
        let elsewhere = cursor::encode(SpaceId(7), false, b"other");
        for (query, code) in [
            ("limit=0", 10028),
            ("limit=-1", 10028),
            ("limit=1001", 10028),
            ("limit=ten", 10028),
            ("cursor=abc", 10041),
            (&format!("prefix=a&cursor={elsewhere}"), 10041),
            (&format!("reverse=true&cursor={elsewhere}"), 10041),
            (&format!("prefix={}", "x".repeat(513)), 10030),
            ("prefix=%", 10432),
        ] {
            assert_eq!(asked(query, Limit::Rest).expect_err(query).code, code, "{query}");
        }
        let message = |query| asked(query, Limit::Binding).expect_err(query).message.into_owned();
        assert_eq!(
            message("key_count_limit=1001"),
            "Invalid key_count_limit of 1001. Please specify an integer less than 1000."
        );
        assert_eq!(
            message("key_count_limit=0"),
            "Invalid key_count_limit of 0. Please specify an integer greater than 0."
        );
    }

    fn listing(len: usize) -> Listing {
        Listing {
            key: Bytes::from_static(b"k"),
            version: Version::ZERO,
            metadata: Bytes::from_static(b"{\"a\":1}"),
            expires_at: Some(Wall(5_000)),
            body: Some(Body::Bytes(vec![b'x'; len].into())),
        }
    }

    #[test]
    fn a_page_with_values_ends_by_its_bytes_but_has_a_first_key() {
        let half = VALUES_BYTES_MAX as usize / 2;
        let mut keys = vec![listing(half), listing(half), listing(1)];
        assert!(weigh(&mut keys) && keys.len() == 2);
        let mut one = vec![listing(2 * half + 1)];
        assert!(!weigh(&mut one) && one.len() == 1);
    }

    #[tokio::test]
    async fn an_entry_has_only_what_was_asked_for() {
        let with = listing(2);
        let json =
            serde_json::to_string(&Entry::of(&with, true).await.expect("text")).expect("JSON");
        assert_eq!(
            json,
            r#"{"name":"k","expiration":5,"metadata":{"a":1},"version":"0000000000000000-0000000000000000","value":"xx"}"#
        );
        let bare = Listing { body: None, metadata: Bytes::new(), expires_at: None, ..listing(0) };
        let json =
            serde_json::to_string(&Entry::of(&bare, false).await.expect("text")).expect("JSON");
        assert_eq!(json, r#"{"name":"k"}"#);
    }

    #[test]
    fn a_value_inside_json_is_text_if_it_can_be_and_is_no_longer_so() {
        assert_eq!(Text::of("é\n".as_bytes()), Text { value: "é\n".into(), base64: false });
        assert_eq!(Text::of(b"\xff"), Text { value: "/w==".into(), base64: true });
        assert!(Text::of(&[0; 1000]).base64);
    }

    #[test]
    fn the_binding_reads_metadata_as_text_and_a_cursor_only_if_there_is_more() {
        let found = Found { keys: vec![listing(0)], cursor: None };
        let json = serde_json::to_string(&BindingPage::from(&found)).expect("JSON");
        assert_eq!(
            json,
            r#"{"keys":[{"name":"k","expiration":5,"metadata":"{\"a\":1}"}],"list_complete":true}"#
        );
        let found = Found { keys: vec![], cursor: Some("c".into()) };
        let json = serde_json::to_string(&BindingPage::from(&found)).expect("JSON");
        assert_eq!(json, r#"{"keys":[],"list_complete":false,"cursor":"c"}"#);
    }
}
