//! The readers of what clients send, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method};
use littoral_clock::Clock;
use littoral_http::{Query, Upload};
use littoral_store::Staged;
use littoral_types::{SpaceId, Tenant, Wall};

use super::key::{self, Key};
use super::listing::{self, Limit};
use super::rest::Place;
use super::value::Stage;
use super::{bulk, conditions, cursor, expiry, export, import, metadata, multipart, sweep, watch};
use crate::{Namespace, Policy};

const NOW: Wall = Wall(1_700_000_000_000);

/// A request target, as the REST door reads it.
pub fn target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    if let Some(target) = Place::of(path).and_then(Place::target) {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            // Refused or not: both are answers.
            let _ = target.operation(&method);
        }
    }
    if let Ok(key) = Key::decode(path) {
        assert!(key::check(&key).is_ok() && std::str::from_utf8(&key).is_ok());
    }
    let query = Query::new(Some(query));
    let namespace = Namespace {
        id: SpaceId(7),
        account: Tenant(1),
        title: String::new(),
        policy: Policy::default(),
    };
    for limit in [Limit::Rest, Limit::Binding] {
        if let Ok(asked) = listing::Asked::query(query, limit, &namespace) {
            assert!((1..=listing::LIST_LIMIT_MAX).contains(&asked.options.limit));
        }
    }
    if let Ok(Some(at)) =
        expiry::Asked::query(query).and_then(|a| a.resolve(&namespace.policy, NOW))
    {
        assert!(at > NOW, "nothing is born expired");
    }
    cursor::decode(SpaceId(7), false, &text);
    watch::read_place(&text);
}

/// Headers of a read or a write.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    for name in ["if-match", "if-none-match", conditions::MIN_VERSION] {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.clone());
        let _ = conditions::precondition(&headers);
        let _ = conditions::minimum(&headers);
    }
}

/// JSON bodies.
pub fn json(bytes: &[u8]) {
    let policy = Policy::default();
    if let Ok(members) = bulk::members(bytes, &policy, NOW) {
        assert!(members.len() <= bulk::WRITES_MAX);
    }
    let _ = bulk::names(bytes);
    let _ = bulk::Asked::read(bytes, &policy);
    sweep::read(bytes);
    import::read(bytes);
    if let Ok(metadata) = metadata::check(bytes)
        && !metadata.is_empty()
    {
        assert!(metadata::raw(&metadata).is_some(), "what is kept is JSON");
        assert!(metadata::header(&metadata).is_some(), "what is kept fits into a header");
    }
}

/// A form, in parts that end anywhere.
pub fn form(bytes: &[u8], part: usize) {
    let parts = bytes.chunks(part.max(1)).map(Bytes::copy_from_slice).collect();
    let mut upload = Upload::ready(parts, Clock::system());
    // Nothing is waited for but files, and bodies this small need none.
    let _ = multipart::read(&mut upload, "X".into(), NoFile).now_or_never();
}

/// A value inside JSON comes back as the bytes it was.
pub fn value(bytes: &[u8]) {
    let text = export::member(bytes);
    let members = format!("[{text}]");
    let members = bulk::members(members.as_bytes(), &Policy::default(), NOW);
    assert_eq!(members.expect("a member of our own")[0].value, bytes);
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
        for round in 0..40_000 {
            let bytes = changed(SEEDS[round % SEEDS.len()], &mut chance);
            super::target(&bytes);
            super::headers(&bytes);
            super::json(&bytes);
            super::form(&bytes, chance.below(40) as usize);
            super::value(&bytes);
        }
    }
}
