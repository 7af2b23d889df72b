//! The readers of what entries hold, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;
use http::HeaderMap;

use crate::key;
use crate::meta::Meta;

/// What an entry says of its answer, as it comes from a disk or another node.
pub fn meta(bytes: &[u8]) {
    let Some(meta) = Meta::decode(bytes) else { return };
    let again = Meta::decode(&meta.encode());
    assert_eq!(again.as_ref(), Some(&meta), "what was read is written");
    if let Meta::Index(index) = &meta {
        let url = key::of_url("a", "/");
        let variant = key::of_variant(&url, index, &HeaderMap::new()).expect("nothing shown");
        assert_eq!(key::base(&variant), url);
    }
}

/// A key, as it comes from another node.
pub fn key(bytes: &[u8]) {
    let key = Bytes::copy_from_slice(bytes);
    let base = key::base(&key);
    assert!(key.starts_with(&base) && key::base(&base) == base);
    assert_eq!(key::url(&key), key::url(&base), "all variants are of one URL");
    let _ = key::shown(&key);
}

/// The body of a purge, as a client sends it.
pub fn purge(bytes: &[u8]) {
    let Ok(purge) = crate::Purge::parse(bytes) else { return };
    assert!(!purge.scopes.is_empty(), "it names something");
    for scope in purge.scopes {
        if let littoral_tiers::Scope::Prefix(prefix) = scope {
            assert!(prefix.first() > Some(&b' '), "no host, and so every one");
        }
    }
}

/// Entries of ours.
pub fn metas() -> Vec<Vec<u8>> {
    use crate::meta::{Head, Index};
    let mut headers = HeaderMap::new();
    headers.insert(http::header::ETAG, http::HeaderValue::from_static("\"a\""));
    let head = Head { status: http::StatusCode::OK, at: 5, headers };
    let index = Index { number: 9, names: vec![http::header::COOKIE] };
    let mark = Meta::Mark(crate::rules::Unstorable::Private);
    let metas = [Meta::Answer(head), Meta::Index(index), mark];
    metas.iter().map(|meta| meta.encode().to_vec()).collect()
}
