//! The decoders of stored bytes, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;
use littoral_types::{Mono, Position, Positions, StoreId, Tag, Version, Wall};

use crate::Kept;
use crate::record::{
    decode_age, decode_body, decode_head, encode_age, encode_body, encode_head, seal,
};

/// Bytes as read from the disk, to every decoder. Whether they are a head. What was taken comes
/// back when it is written again.
pub fn decode(bytes: &[u8]) -> bool {
    let (key, size) = decode_age(bytes);
    let age = encode_age(key, size);
    assert_eq!(decode_age(&age), (key, size), "an age comes back");
    let stored = Bytes::copy_from_slice(bytes);
    if let Ok(body) = decode_body(&stored) {
        assert_eq!(seal(body.to_vec()), bytes, "a body is what was written");
    }
    let Ok(head) = decode_head(bytes) else { return false };
    if !head.apart {
        let written = encode_head(&head.kept, head.number, head.bytes, head.boot);
        let again = decode_head(&written).expect("our own head");
        if !again.apart {
            assert_eq!(format!("{again:?}"), format!("{head:?}"), "a head comes back");
        }
    }
    true
}

/// The same past the checksum, which almost no fuzzed bytes have right.
pub fn decode_sealed(bytes: &[u8]) -> bool {
    decode(&seal(bytes.to_vec()))
}

/// Heads and bodies as they are written today, sealed and not.
pub fn samples() -> Vec<Vec<u8>> {
    let kept = |body: Option<usize>| Kept {
        version: Version::new(Wall(1 << 40), 3, u64::MAX),
        body: body.map(|len| vec![7; len].into()),
        meta: "meta".into(),
        tags: Some([Tag(1), Tag(u64::MAX)].into()),
        expires_at: Some(Wall(9)),
        vouched_at: Mono(8),
        positions: Positions::NONE.with(StoreId(1), Position::new(2, 3)),
        confirmed: true,
    };
    let head = |body| encode_head(&kept(body), 1, 2, 3);
    let mut all = vec![head(None), head(Some(30)), head(Some(300)), encode_body(b"body")];
    let unsealed: Vec<_> = all.iter().map(|bytes| bytes[..bytes.len() - 8].to_vec()).collect();
    all.extend(unsealed);
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_changed_head_past_its_checksum_does_not_make_a_decoder_panic() {
        let samples = super::samples();
        assert_eq!(samples.iter().filter(|bytes| super::decode(bytes)).count(), 3);
        for sealed in samples.iter().filter(|bytes| super::decode_sealed(bytes)) {
            for at in 0..sealed.len() {
                for byte in 0..=u8::MAX {
                    let mut bytes = sealed.clone();
                    bytes[at] = byte;
                    super::decode_sealed(&bytes);
                }
            }
        }
    }
}
