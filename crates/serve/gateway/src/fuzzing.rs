//! The readers of what entries hold, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;
use http::HeaderMap;

use crate::key;
use crate::meta::Meta;
use crate::site::Asking;
use crate::told::Told;

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

/// What another location tells of a request, with the key that it is about.
pub fn told(bytes: &[u8]) {
    let Some((len, rest)) = bytes.split_first_chunk() else { return };
    let Some((key, told)) = rest.split_at_checked(u16::from_le_bytes(*len).into()) else { return };
    let Some(Told { asking, .. }) = Told::read(&Bytes::copy_from_slice(told), key) else { return };
    assert!(key.starts_with(&asking.key()), "it is about its key");
    let Some(again) = asking.tell(key) else { return };
    let again = Told::read(&again.0, key).expect("our own").asking;
    assert_eq!((asking.host, asking.headers), (again.host, again.headers));
}

/// What one location tells another.
pub fn tolds() -> Vec<Vec<u8>> {
    let key = key::of_url("a", "/b?c");
    let asking = Asking::of_key(&key).expect("a key of ours");
    let told = asking.tell(&key).expect("a short head");
    vec![[&(key.len() as u16).to_le_bytes()[..], &key, &told.0].concat()]
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
