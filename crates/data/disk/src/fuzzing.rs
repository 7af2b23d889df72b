//! The decoders of stored bytes, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;

use crate::record::{decode_age, decode_body, decode_head, encode_age, encode_head, seal};

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

#[cfg(test)]
mod tests {
    use littoral_types::{Mono, Position, Positions, StoreId, Tag, Version, Wall};

    use crate::Kept;
    use crate::record::encode_head;

    #[test]
    fn a_changed_head_past_its_checksum_does_not_make_a_decoder_panic() {
        let kept = Kept {
            version: Version::new(Wall(1 << 40), 3, u64::MAX),
            body: Some(vec![7; 30].into()),
            meta: "meta".into(),
            tags: Some([Tag(1), Tag(u64::MAX)].into()),
            expires_at: Some(Wall(9)),
            vouched_at: Mono(8),
            positions: Positions::NONE.with(StoreId(1), Position::new(2, 3)),
            confirmed: true,
        };
        let head = encode_head(&kept, 1, 2, 3);
        assert!(super::decode(&head));
        let sealed = &head[..head.len() - 8];
        for at in 0..sealed.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = sealed.to_vec();
                bytes[at] = byte;
                super::decode_sealed(&bytes);
            }
        }
    }
}
