//! Messages as a stream of bytes: frames of a kind, a length and as many bytes.
//!
//! A head, its bodies, an end; on a reply perhaps a trailer after it, as late as it comes. Limits
//! hold for what a frame says its length is, before anything is taken in.

use bytes::{Buf as _, Bytes};
use littoral_peer::wire;

/// What a frame holds: its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Head = 1,
    Body = 2,
    /// The message is whole.
    End = 3,
    Trailer = 4,
}

/// The kind, and the length as a little-endian `u32`.
pub(crate) const PREFIX_BYTES: usize = 5;
/// Bodies of one message: a page of items.
pub(crate) const BODIES_MAX: usize = wire::PAGE_MAX;
/// Bytes of a trailer.
pub(crate) const TRAILER_BYTES_MAX: u64 = 256;

/// Why a stream of bytes is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("there is no frame of kind {0}")]
    Kind(u8),
    #[error("a frame does not belong where it stands")]
    Order,
    #[error("a frame of {len} bytes is longer than {max}")]
    TooLong { len: u64, max: u64 },
    #[error("a message has more than {BODIES_MAX} bodies")]
    TooMany,
}

/// What comes out of a stream next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A frame begins. As many bytes follow, in any number of parts.
    Begin(Kind, usize),
    /// Never empty.
    Content(Bytes),
    /// The frame that began is whole.
    Whole(Kind),
}

/// Takes a stream apart, in whatever pieces it comes.
#[derive(Debug)]
pub(crate) struct Frames {
    prefix: [u8; PREFIX_BYTES],
    filled: usize,
    /// The frame inside which the stream stands, and what is missing of it.
    within: Option<(Kind, usize)>,
    last: Option<Kind>,
    bodies: usize,
}

pub(crate) fn prefix(kind: Kind, len: u64) -> [u8; PREFIX_BYTES] {
    // Longer ones are refused by the receiver, and nobody makes them.
    let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    [kind as u8, a, b, c, d]
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self { prefix: [0; PREFIX_BYTES], filled: 0, within: None, last: None, bodies: 0 }
    }

    /// Takes the next part from the front of `bytes`; `None` when more is needed.
    pub(crate) fn next(&mut self, bytes: &mut Bytes) -> Result<Option<Part>, FrameError> {
        if let Some((kind, missing)) = &mut self.within {
            if *missing == 0 {
                let whole = Part::Whole(*kind);
                self.within = None;
                return Ok(Some(whole));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let content = bytes.split_to(bytes.len().min(*missing));
            *missing -= content.len();
            return Ok(Some(Part::Content(content)));
        }
        let some = bytes.len().min(PREFIX_BYTES - self.filled);
        self.prefix[self.filled..self.filled + some].copy_from_slice(&bytes[..some]);
        self.filled += some;
        bytes.advance(some);
        if self.filled < PREFIX_BYTES {
            return Ok(None);
        }
        self.filled = 0;
        let (kind, len) = self.begin()?;
        self.within = Some((kind, len));
        self.last = Some(kind);
        Ok(Some(Part::Begin(kind, len)))
    }

    /// Whether the stream may end here: nothing is begun.
    pub(crate) fn between(&self) -> bool {
        self.filled == 0 && self.within.is_none()
    }

    fn begin(&mut self) -> Result<(Kind, usize), FrameError> {
        let [kind, len @ ..] = self.prefix;
        let len = u32::from_le_bytes(len);
        let (kind, max) = match kind {
            1 => (Kind::Head, wire::HEAD_BYTES_MAX as u64),
            2 => (Kind::Body, wire::BODY_BYTES_MAX),
            3 => (Kind::End, 0),
            4 => (Kind::Trailer, TRAILER_BYTES_MAX),
            other => return Err(FrameError::Kind(other)),
        };
        if u64::from(len) > max {
            return Err(FrameError::TooLong { len: len.into(), max });
        }
        match (self.last, kind) {
            (None, Kind::Head)
            | (Some(Kind::Head | Kind::Body), Kind::Body | Kind::End)
            | (Some(Kind::End), Kind::Trailer) => {}
            _ => return Err(FrameError::Order),
        }
        if kind == Kind::Body {
            self.bodies += 1;
            if self.bodies > BODIES_MAX {
                return Err(FrameError::TooMany);
            }
        }
        Ok((kind, len as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frames: &[(Kind, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (kind, content) in frames {
            bytes.extend_from_slice(&prefix(*kind, content.len() as u64));
            bytes.extend_from_slice(content);
        }
        bytes
    }

    type Read = Vec<(Kind, Vec<u8>)>;

    /// Frames out of `bytes`, given in pieces of `step`; and whether it may end there.
    fn frames(bytes: &[u8], step: usize) -> Result<(Read, bool), FrameError> {
        let (mut reader, mut whole, mut content) = (Frames::new(), Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(part) = reader.next(&mut piece)? {
                match part {
                    Part::Begin(..) => content.clear(),
                    Part::Content(more) => content.extend_from_slice(&more),
                    Part::Whole(kind) => whole.push((kind, content.clone())),
                }
            }
        }
        Ok((whole, reader.between()))
    }

    #[test]
    fn frames_come_out_as_they_went_in_whatever_the_pieces() {
        let sent: &[(Kind, &[u8])] = &[
            (Kind::Head, b"head"),
            (Kind::Body, b""),
            (Kind::Body, b"a longer body"),
            (Kind::End, b""),
            (Kind::Trailer, b"late"),
        ];
        let bytes = stream(sent);
        let sent: Vec<_> = sent.iter().map(|(kind, content)| (*kind, content.to_vec())).collect();
        for step in 1..=bytes.len() {
            assert_eq!(frames(&bytes, step), Ok((sent.clone(), true)), "in pieces of {step}");
        }
        assert!(!frames(&bytes[..bytes.len() - 1], 7).unwrap().1, "cut inside a frame");
    }

    #[test]
    fn what_is_no_message_is_refused_where_it_goes_wrong() {
        let read = |bytes: &[u8]| frames(bytes, 3).err();
        assert_eq!(read(&stream(&[(Kind::Body, b"x")])), Some(FrameError::Order));
        assert_eq!(read(&stream(&[(Kind::Head, b""), (Kind::Head, b"")])), Some(FrameError::Order));
        let after = stream(&[(Kind::Head, b""), (Kind::End, b""), (Kind::Body, b"")]);
        assert_eq!(read(&after), Some(FrameError::Order));
        assert_eq!(read(&[9, 0, 0, 0, 0]), Some(FrameError::Kind(9)));
        let (len, max) = (u64::from(u32::MAX), wire::HEAD_BYTES_MAX as u64);
        let endless = [1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(read(&endless), Some(FrameError::TooLong { len, max }));
        let mut many = stream(&[(Kind::Head, b"")]);
        many.extend(prefix(Kind::Body, 0).repeat(BODIES_MAX + 1));
        assert_eq!(read(&many), Some(FrameError::TooMany));
    }
}
