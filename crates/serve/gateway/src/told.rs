//! What a question to another location tells the origin there: the request's head, as bytes.
//!
//! A byte of format, then whom to ask if not the site, host, target, and the headers. The method is
//! always GET. An unknown format is refused, and whoever asks then asks the site itself.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use littoral_http::Interim;
use littoral_peer::Opaque;
use littoral_peer::wire::{ASKED_BYTES_MAX, KEY_BYTES_MAX};

use crate::key;
use crate::meta::{Reader, text};
use crate::site::Asking;
use crate::upstream::Via;

const FORMAT: u8 = 1;

/// A head as it came from elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Whom to ask, by name; empty: the site.
    pub name: Bytes,
    pub asking: Asking,
}

impl Asking {
    /// What another location must be told to ask this of the site. `None`: it cannot be.
    pub(crate) fn tell(&self, key: &[u8]) -> Option<Opaque> {
        let name = match &self.via {
            Some(Via { backend, .. }) => backend.name()?,
            None => Bytes::new(),
        };
        if self.method != Method::GET || key.len() > KEY_BYTES_MAX {
            return None;
        }
        let mut bytes = BytesMut::with_capacity(1_024);
        bytes.put_u8(FORMAT);
        text(&mut bytes, &name);
        text(&mut bytes, self.host.as_bytes());
        text(&mut bytes, self.target.as_bytes());
        for (name, value) in &self.headers {
            text(&mut bytes, name.as_str().as_bytes());
            text(&mut bytes, value.as_bytes());
        }
        (bytes.len() <= ASKED_BYTES_MAX).then(|| Opaque(bytes.freeze()))
    }
}

impl Told {
    /// `None`: it is none, or not about this key.
    pub(crate) fn read(bytes: &Bytes, key: &[u8]) -> Option<Self> {
        let [FORMAT, rest @ ..] = &bytes[..] else { return None };
        let mut rest = Reader(rest);
        let name = bytes.slice_ref(rest.text()?);
        let host = std::str::from_utf8(rest.text()?).ok()?.to_owned();
        let target = std::str::from_utf8(rest.text()?).ok()?.to_owned();
        let mut headers = HeaderMap::new();
        while !rest.0.is_empty() {
            let name = HeaderName::from_bytes(rest.text()?).ok()?;
            headers.try_append(name, HeaderValue::from_bytes(rest.text()?).ok()?).ok()?;
        }
        // What is answered is kept under the key: it must be what the key names.
        if !key.starts_with(&key::of_url(&host, &target)) {
            return None;
        }
        let (method, interim) = (Method::GET, Interim::default());
        let asking = Asking { method, target, host, headers, interim, via: None, spans: None };
        Some(Self { name, asking })
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn asking() -> Asking {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("Example.org"));
        headers.append(header::COOKIE, HeaderValue::from_static("a=b"));
        headers.append(header::COOKIE, HeaderValue::from_bytes(b"c=\xff").expect("a value"));
        let (method, interim) = (Method::GET, Interim::default());
        let (host, target) = ("Example.org".to_owned(), "/a?b".to_owned());
        Asking { method, target, host, headers, interim, via: None, spans: None }
    }

    #[test]
    fn what_is_told_is_read_and_only_about_its_own_key() {
        let asking = asking();
        let key = asking.key();
        let Opaque(bytes) = asking.tell(&key).expect("a short head");
        let told = Told::read(&bytes, &key).expect("our own");
        assert_eq!((&told.name[..], &told.asking.host), (&b""[..], &asking.host));
        assert_eq!((&told.asking.target, &told.asking.headers), (&asking.target, &asking.headers));
        let variant = [&key[..], b"0123456789abcdef x:y"].concat();
        assert!(Told::read(&bytes, &variant).is_some(), "all variants are of the same URL");
        assert!(Told::read(&bytes, &key::of_url("example.org", "/c")).is_none());
        assert!(Told::read(&bytes.slice(..bytes.len() - 1), &key).is_none(), "cut");
        assert!(Told::read(&Bytes::from_static(b"\x02"), &key).is_none(), "another format");
    }

    #[test]
    fn what_is_too_long_or_not_a_get_is_not_told() {
        let mut long = asking();
        long.headers.insert(header::COOKIE, HeaderValue::from_bytes(&[b'a'; 65_536]).expect("one"));
        assert!(long.tell(&long.key()).is_none());
        let mut far = asking();
        far.target = format!("/{}", "a".repeat(KEY_BYTES_MAX));
        assert!(far.tell(&far.key()).is_none());
        let posted = Asking { method: Method::POST, ..asking() };
        assert!(posted.tell(&posted.key()).is_none());
    }
}
