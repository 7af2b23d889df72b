//! Under which key an answer stands.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::meta::Index;
use crate::rules::selection;

/// Bytes that a request may show of the headers by which an answer varies. An answer that varies by
/// more is not kept.
pub(crate) const SELECTION_BYTES_MAX: usize = 4 * 1024;

/// The number of an index and a space.
const NUMBER_BYTES: usize = 17;

/// The key of a URL: host, path with query, and a NUL, which is in neither. Whatever stands under keys
/// that begin so is about that URL.
pub(crate) fn of_url(host: &str, target: &str) -> Bytes {
    let mut key = self::host(host).into_bytes();
    key.push(b' ');
    key.extend_from_slice(target.as_bytes());
    key.push(0);
    key.into()
}

/// A host as keys name it: in lower case, and without the port that it has anyway.
pub(crate) fn host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let bare = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443"));
    bare.map(str::to_owned).unwrap_or(host)
}

/// The key of a URL in one edition, which has no NUL. What is purged by URL goes in every edition.
pub(crate) fn of_edition(url: &[u8], edition: &str) -> Bytes {
    [url, b"#", edition.as_bytes(), b"\0"].concat().into()
}

/// The key of the answer for those who ask like this; `None` if they show too much.
pub(crate) fn of_variant(url: &[u8], index: &Index, asked: &HeaderMap) -> Option<Bytes> {
    let shown = selection(&index.names, asked);
    let number = format!("{:016x} ", index.number);
    let short = shown.len() <= SELECTION_BYTES_MAX;
    short.then(|| [url, number.as_bytes(), &shown].concat().into())
}

/// Host and target of any key.
pub(crate) fn url(key: &[u8]) -> Option<(&str, &str)> {
    let url = url_part(key);
    let ends = url.len() < key.len();
    std::str::from_utf8(url).ok().filter(|_| ends)?.split_once(' ')
}

/// Host and target of a key as they stand in it.
pub(crate) fn url_part(key: &[u8]) -> &[u8] {
    let end = key.iter().position(|byte| *byte == 0);
    end.map_or(key, |end| &key[..end])
}

/// The headers that a variant's key shows.
pub(crate) fn shown(key: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
    let variant = &key[base_len(key)..];
    let lines = variant.get(NUMBER_BYTES..).unwrap_or_default().split(|byte| *byte == b'\n');
    let shown = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..at]).ok()?;
        Some((name, HeaderValue::from_bytes(&line[at + 1..]).ok()?))
    };
    lines.filter_map(shown).collect()
}

/// The key of the URL, and the edition, that any key is about.
pub(crate) fn base(key: &Bytes) -> Bytes {
    key.slice(..base_len(key))
}

fn base_len(key: &[u8]) -> usize {
    let ends = |key: &[u8]| key.iter().position(|byte| *byte == 0).map_or(key.len(), |at| at + 1);
    let url = ends(key);
    // The number of a variant never begins so.
    if key.get(url) == Some(&b'#') { url + ends(&key[url..]) } else { url }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_variants_of_a_url_begin_with_its_key_and_no_other_does() {
        let key = of_url("Example.org:80", "/a?b");
        assert_eq!(url(&key), Some(("example.org", "/a?b")));
        let index = Index { number: 5, names: vec![http::header::ACCEPT] };
        let mut asked = HeaderMap::new();
        let bare = of_variant(&key, &index, &asked).expect("short");
        asked.insert(http::header::ACCEPT, HeaderValue::from_static("text/html"));
        let shown = of_variant(&key, &index, &asked).expect("short");
        assert!(bare != shown && shown.starts_with(&key) && base(&shown) == key);
        assert_eq!(url(&shown), url(&key));
        let accepts = (http::header::ACCEPT, HeaderValue::from_static("text/html"));
        assert_eq!(super::shown(&shown), std::slice::from_ref(&accepts));
        assert!(super::shown(&bare).is_empty() && super::shown(&key).is_empty());
        assert!(!of_url("example.org:80", "/a?bc").starts_with(&key));
        let edition = of_edition(&key, "7");
        let of_it = of_variant(&edition, &index, &asked).expect("short");
        assert!(edition.starts_with(&key) && base(&of_it) == edition && edition != key);
        assert_eq!((url(&of_it), super::shown(&of_it)), (url(&key), vec![accepts]));
        assert_ne!(of_edition(&key, "8"), edition, "it stands apart");
        let other = Index { number: 6, ..index.clone() };
        assert_ne!(of_variant(&key, &other, &asked), Some(shown), "another index, other keys");
        asked
            .insert(http::header::ACCEPT, HeaderValue::from_bytes(&[b'a'; 5000]).expect("a value"));
        assert_eq!(of_variant(&key, &index, &asked), None);
    }
}
