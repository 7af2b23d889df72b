//! What an entry says of the answer it holds, as the bytes of its metadata.
//!
//! A byte of format, a byte of kind, then what the kind has. An unknown format is no entry: it is
//! fetched anew.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::rules::Unstorable;

const FORMAT: u8 = 1;

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meta {
    /// An answer; the entry's body is its body.
    Answer(Head),
    /// The answers of a URL that vary.
    Index(Index),
    /// Nothing, and nobody waits for others who ask for it.
    Mark(Unstorable),
}

/// Status and headers of a stored answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub status: StatusCode,
    /// When it came, in seconds since the UNIX epoch.
    pub at: u64,
    pub headers: HeaderMap,
}

/// What the answers of a URL vary by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// New each time an index is made, so that what stood under an older one is not found any more.
    pub number: u64,
    pub names: Vec<HeaderName>,
}

impl Meta {
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(256);
        bytes.put_u8(FORMAT);
        match self {
            Self::Answer(head) => {
                bytes.put_u8(b'A');
                bytes.put_u16(head.status.as_u16());
                bytes.put_u64(head.at);
                for (name, value) in &head.headers {
                    text(&mut bytes, name.as_str().as_bytes());
                    text(&mut bytes, value.as_bytes());
                }
            }
            Self::Index(index) => {
                bytes.put_u8(b'I');
                bytes.put_u64(index.number);
                index.names.iter().for_each(|name| text(&mut bytes, name.as_str().as_bytes()));
            }
            Self::Mark(why) => {
                bytes.put_u8(b'M');
                bytes.put_u8(Unstorable::ALL.iter().position(|all| all == why).unwrap_or(0) as u8);
            }
        }
        bytes.freeze()
    }

    /// `None`: not ours, or damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let [FORMAT, kind, rest @ ..] = bytes else { return None };
        let mut rest = Reader(rest);
        match kind {
            b'A' => {
                let status = StatusCode::from_u16(u16::from_be_bytes(rest.array()?)).ok()?;
                let at = u64::from_be_bytes(rest.array()?);
                let mut headers = HeaderMap::new();
                while !rest.0.is_empty() {
                    let name = HeaderName::from_bytes(rest.text()?).ok()?;
                    headers.try_append(name, HeaderValue::from_bytes(rest.text()?).ok()?).ok()?;
                }
                Some(Self::Answer(Head { status, at, headers }))
            }
            b'I' => {
                let number = u64::from_be_bytes(rest.array()?);
                let mut names = Vec::new();
                while !rest.0.is_empty() {
                    names.push(HeaderName::from_bytes(rest.text()?).ok()?);
                }
                Some(Self::Index(Index { number, names }))
            }
            b'M' => match rest.0 {
                [why] => Unstorable::ALL.get(usize::from(*why)).copied().map(Self::Mark),
                _ => None,
            },
            _ => None,
        }
    }
}

pub(crate) fn text(bytes: &mut BytesMut, text: &[u8]) {
    bytes.put_u32(text.len() as u32);
    bytes.put_slice(text);
}

pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_be_bytes(self.array()?) as usize;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut headers = HeaderMap::new();
        for value in ["a", "b", "", "\u{e9}"] {
            headers.append("x-a", HeaderValue::from_str(value).expect("a value"));
        }
        let answer = Head { status: StatusCode::NOT_FOUND, at: 7, headers };
        let index = Index { number: 9, names: vec![http::header::ACCEPT, http::header::COOKIE] };
        let marks = Unstorable::ALL.map(Meta::Mark);
        for meta in marks.into_iter().chain([Meta::Answer(answer), Meta::Index(index)]) {
            let bytes = meta.encode();
            assert_eq!(Meta::decode(&bytes), Some(meta));
            assert_eq!(Meta::decode(&bytes[..bytes.len() - 1]), None, "cut");
        }
        assert_eq!(Meta::decode(b""), None);
        assert_eq!(Meta::decode(b"\x02A"), None, "another format");
    }
}
