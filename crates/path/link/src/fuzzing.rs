//! The readers of what other nodes send, to be fuzzed: whatever the bytes, they answer and never
//! panic.

use bytes::Bytes;

use crate::certificate::inspect;
use crate::format::Formats;
use crate::frame::{Frames, Part, prefix};
use crate::identity::Identity;

/// A name, and a list of formats.
pub fn words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(identity) = text.parse::<Identity>() {
        assert_eq!(identity.to_string(), text, "an identity is written in one way");
    }
    if let Some(formats) = Formats::parse(&text) {
        let again = Formats::parse(&formats.to_string());
        assert_eq!(again.as_ref(), Some(&formats), "a list of formats comes back");
        assert!(formats.common(&formats).is_some(), "a list has something in common with itself");
    }
}

/// A certificate, in DER.
pub fn certificate(bytes: &[u8]) {
    let Ok(inspected) = inspect(bytes) else { return };
    assert_eq!(inspect(bytes), Ok(inspected), "one certificate, one reading");
}

/// The body of a call: its first byte says in what pieces it comes.
pub fn frames(bytes: &[u8]) {
    let Some((step, stream)) = bytes.split_first() else { return };
    let pieces = read(stream, usize::from(*step).max(1));
    assert_eq!(pieces, read(stream, stream.len().max(1)), "the pieces do not matter");
    let Ok(frames) = pieces else { return };
    let written: Vec<u8> = frames.concat();
    assert!(stream.starts_with(&written), "what was read is what was there");
}

/// Whole frames, as they stood in the stream.
fn read(stream: &[u8], step: usize) -> Result<Vec<Vec<u8>>, String> {
    let (mut frames, mut whole, mut open) = (Frames::new(), Vec::new(), Vec::new());
    for piece in stream.chunks(step) {
        let mut piece = Bytes::copy_from_slice(piece);
        while let Some(part) = frames.next(&mut piece).map_err(|error| error.to_string())? {
            match part {
                Part::Begin(kind, len) => open.extend_from_slice(&prefix(kind, len as u64)),
                Part::Content(content) => {
                    assert!(!content.is_empty(), "a part is some bytes");
                    open.extend_from_slice(&content);
                }
                Part::Whole(_) => whole.push(std::mem::take(&mut open)),
            }
        }
    }
    Ok(whole)
}

/// Streams of frames as our own writer makes them.
pub fn streams() -> Vec<Vec<u8>> {
    use crate::frame::Kind;

    let frame = |kind, content: &[u8]| [&prefix(kind, content.len() as u64), content].concat();
    let head = frame(Kind::Head, b"head");
    let (body, end) = (frame(Kind::Body, b"a body"), frame(Kind::End, b""));
    let trailer = frame(Kind::Trailer, b"late");
    vec![
        [&[1], head.as_slice(), &end].concat(),
        [&[3], head.as_slice(), &body, &body, &end].concat(),
        [&[7], head.as_slice(), &body, &end, &trailer].concat(),
    ]
}
