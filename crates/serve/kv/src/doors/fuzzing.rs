//! The readers of what clients send, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use littoral_clock::Clock;
use littoral_http::{Object, Query, Upload};
use littoral_store::Staged;
use littoral_types::{Body, SpaceId, Tenant, Wall};

use super::key::{KEY_BYTES_MAX, Key};
use super::listing::{self, Limit};
use super::member::{Checked, Member};
use super::metadata::METADATA_TEXT_MAX;
use super::rest::Place;
use super::value::Stage;
use super::{Credentials, bulk, conditions, cursor, expiry, export, import, metadata, multipart};
use super::{read, sweep, watch};
use crate::{Namespace, Policy};

const NOW: Wall = Wall(1_700_000_000_000);

fn namespace() -> Namespace {
    Namespace {
        id: SpaceId(7),
        account: Tenant(1),
        title: String::new(),
        policy: Policy::default(),
    }
}

/// A path of the REST door.
pub fn path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(target) = Place::of(&text).and_then(Place::target) {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            // Refused or not: both are answers.
            let _ = target.operation(&method);
        }
    }
}

/// A key, percent-encoded as the doors take it, or plain.
pub fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for key in [Key::decode(&text), Key::plain(&text)].into_iter().flatten() {
        assert_key(&key);
        let raw: String = key.iter().map(|byte| format!("%{byte:02X}")).collect();
        let again = Key::decode(&raw).expect("a key, encoded");
        assert_eq!(&*again, &*key, "a key is decoded once");
    }
}

fn assert_key(key: &[u8]) {
    assert!((1..=KEY_BYTES_MAX).contains(&key.len()), "a key has 1 to 512 bytes");
    assert!(key != b"." && key != b"..", "a key is no dot");
    assert!(std::str::from_utf8(key).is_ok(), "a key is UTF-8");
}

/// A query of either door.
pub fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let query = Query::new(Some(&text));
    for limit in [Limit::Rest, Limit::Binding] {
        if let Ok(asked) = listing::Asked::query(query, limit, &namespace()) {
            assert!((1..=listing::LIST_LIMIT_MAX).contains(&asked.options.limit));
            assert!(asked.options.prefix.len() <= KEY_BYTES_MAX);
        }
    }
    if let Ok(options) = read::options_of(query, &Policy::default()) {
        let least = u64::from(Policy::default().cache_ttl_min_s);
        assert!(options.cache_ttl.is_none_or(|ttl| ttl.as_secs() >= least));
    }
    expiry_of(expiry::Asked::query(query));
}

/// A time to live, or a point in time, as text.
pub fn expiry(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    expiry_of(Ok(expiry::Asked { ttl: Some(text.clone()), at: None }));
    expiry_of(Ok(expiry::Asked { ttl: None, at: Some(text) }));
}

fn expiry_of(asked: Result<expiry::Asked, littoral_http::Refusal>) {
    let policy = Policy::default();
    if let Ok(Some(at)) = asked.and_then(|asked| asked.resolve(&policy, NOW)) {
        assert!(at > NOW, "nothing is born expired");
    }
}

/// A cursor of a listing, or the place of a watch.
pub fn cursor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for reverse in [false, true] {
        if let Some(key) = cursor::decode(SpaceId(7), reverse, &text) {
            assert_eq!(cursor::encode(SpaceId(7), reverse, &key), text, "one cursor for a key");
            assert!(cursor::decode(SpaceId(8), reverse, &text).is_none(), "of one namespace");
            assert!(cursor::decode(SpaceId(7), !reverse, &text).is_none(), "of one direction");
        }
        let own = cursor::encode(SpaceId(7), reverse, bytes);
        let back = cursor::decode(SpaceId(7), reverse, &own);
        assert_eq!(back.as_deref(), Some(bytes), "a cursor comes back");
    }
    watch::read_place(&text);
}

/// Headers of a read or a write: conditions, credentials, the kind of a body.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let with = |name: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), value.clone());
        headers
    };
    for name in ["if-match", "if-none-match"] {
        let _ = conditions::precondition(&with(name));
    }
    if let Ok(Some(version)) = conditions::minimum(&with(conditions::MIN_VERSION)) {
        assert_eq!(version.to_string().parse(), Ok(version), "a version comes back");
    }
    for name in ["authorization", "x-auth-user-service-key"] {
        if let Credentials::Token(token) = Credentials::of(&with(name)) {
            assert!(!token.is_empty(), "nothing is no token");
        }
    }
    if let Ok(Some(boundary)) = multipart::boundary(&with(CONTENT_TYPE.as_str())) {
        form_of(b"--X\r\n\r\n--X--\r\n", 5, boundary);
    }
}

/// Metadata, as a header or a part of a form.
pub fn metadata(bytes: &[u8]) {
    let Ok(metadata) = metadata::check(bytes) else { return };
    assert_metadata(&metadata);
    assert_eq!(metadata::check(&metadata).as_ref(), Ok(&metadata), "what is kept is kept again");
}

fn assert_metadata(metadata: &Bytes) {
    assert!(metadata.len() <= METADATA_TEXT_MAX);
    if !metadata.is_empty() {
        assert!(metadata::raw(metadata).is_some(), "what is kept is JSON");
        let header = metadata::header(metadata).expect("what is kept fits into a header");
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok();
        assert_eq!(json(header.as_bytes()), json(metadata), "a header says the same");
    }
}

/// JSON bodies of bulk requests.
pub fn json(bytes: &[u8]) {
    let policy = Policy::default();
    if let Ok(members) = bulk::members(bytes, &policy, NOW) {
        assert!(members.len() <= bulk::WRITES_MAX);
        members.iter().for_each(assert_member);
    }
    for name in bulk::names(bytes).into_iter().flatten() {
        assert_key(&name);
    }
    if let Ok(asked) = bulk::Asked::read(bytes, &policy) {
        asked.keys.iter().for_each(|key| assert_key(key.as_bytes()));
    }
    sweep::read(bytes);
}

fn assert_member(member: &Checked<'_>) {
    assert_key(&member.key);
    assert_metadata(&member.metadata);
    assert!(member.expires_at.is_none_or(|at| at > NOW), "nothing is born expired");
}

/// A file to be imported: the same lines in whatever parts it comes, and each a member or refused.
pub fn import(bytes: &[u8], part: usize) {
    let lines = import::lines(bytes, part.max(1));
    let whole = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    assert!(whole.eq(lines.iter().map(|(_, line)| &line[..])), "no line is lost or made");
    for (_, line) in &lines {
        if let Ok(Object(member)) = serde_json::from_slice::<Object<Member<'_>>>(line)
            && let Ok(member) = member.check(&Policy::default(), NOW)
        {
            assert_member(&member);
        }
    }
}

/// A form, in parts that end anywhere: if it is one when it comes at once, it is the same one.
pub fn form(bytes: &[u8], part: usize) {
    if let Some(whole) = form_of(bytes, bytes.len(), "X".into()) {
        assert_metadata(&whole.1);
        let in_parts = form_of(bytes, part, "X".into());
        assert_eq!(in_parts, Some(whole), "a form is the same in parts of {part}");
    }
}

fn form_of(bytes: &[u8], part: usize, boundary: String) -> Option<(Bytes, Bytes)> {
    let parts = bytes.chunks(part.max(1)).map(Bytes::copy_from_slice).collect();
    let mut upload = Upload::ready(parts, Clock::system());
    // Nothing is waited for but files, and bodies this small need none.
    match multipart::read(&mut upload, boundary, NoFile).now_or_never()?.ok()? {
        (Body::Bytes(value), metadata) => Some((value, metadata)),
        _ => None,
    }
}

/// A value inside JSON comes back as the bytes it was.
pub fn value(bytes: &[u8]) {
    let text = export::member(bytes);
    let members = format!("[{text}]");
    let members = bulk::members(members.as_bytes(), &Policy::default(), NOW);
    assert_eq!(members.expect("a member of our own")[0].value, bytes);
    // And as a line of an export.
    import(text.as_bytes(), 7);
}

#[derive(Clone)]
struct NoFile;

impl Stage for NoFile {
    fn stage(&self) -> std::io::Result<Staged> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use littoral_clock::Chance;

    const SEEDS: [&[u8]; 8] = [
        b"/client/v4/accounts/a/storage/kv/namespaces/n/values/%2F?prefix=a&limit=1&cursor=AQ",
        b"/keys?key_count_limit=1&expiration_ttl=60&expiration=1700000100&cache_ttl=60",
        b"[{\"key\":\"a\",\"value\":\"aGk=\",\"base64\":true,\"expiration_ttl\":60,\"metadata\":{\"a\":[1,\"\\u00e9\"]}}]",
        b"[\"a\",\"b\"]",
        b"{\"keys\":[\"a\"],\"type\":\"json\",\"withMetadata\":true,\"cacheTtl\":\"60\",\"prefixes\":[\"a\"]}",
        b"\"018bcfe568000002-c5fc598e707e7291\", W/\"a\"",
        b"--X\r\nContent-Disposition: form-data; name=\"value\"; filename=\"a\"\r\n\r\nabc\r\n--X\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"a\":1}\r\n--X--\r\n",
        b"{\"a\":\"\\ud83d\\ude00\\ud800\\\\\\\"\", \"b\":\n[1e5, null]}",
    ];

    fn changed(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..chance.below(8) {
            let at = chance.below(bytes.len() as u64) as usize;
            match chance.below(4) {
                0 => bytes[at] = chance.u64() as u8,
                1 => bytes.truncate(at + 1),
                2 => bytes.insert(at, b"%\"\\{}[],:&=+-\r\n0"[chance.below(16) as usize]),
                _ => {
                    bytes.remove(at);
                    bytes.push(b'"');
                }
            }
        }
        bytes
    }

    #[tokio::test]
    async fn no_bytes_make_a_reader_panic() {
        let mut chance = Chance::seeded(3);
        for round in 0..5_000 {
            let bytes = changed(SEEDS[round % SEEDS.len()], &mut chance);
            super::path(&bytes);
            super::key(&bytes);
            super::query(&bytes);
            super::expiry(&bytes);
            super::cursor(&bytes);
            super::headers(&bytes);
            super::metadata(&bytes);
            super::json(&bytes);
            super::import(&bytes, chance.below(40) as usize);
            super::form(&bytes, chance.below(40) as usize);
            super::value(&bytes);
        }
    }
}
