//! The decoders of stored bytes, to be fuzzed: whatever the bytes, they answer and never panic.

use bytes::Bytes;
use littoral_types::{Body, SpaceId, Tag, Version, Wall};

use crate::encoding::{StoredBody, decode_record, decode_row, encode_record, encode_row};
use crate::envelope;
use crate::owed::{self, decode_debt, decode_place};
use crate::{Purge, Record, Row, Scope};

/// Bytes as read from the disk, to every decoder. Whether any took them. What was taken comes back
/// when it is written again.
pub fn decode(bytes: &[u8]) -> bool {
    let record = Bytes::copy_from_slice(bytes);
    let (row, purge) = (decode_row(record.clone()), decode_record(bytes));
    if let Ok(stored) = &row {
        let file = match stored.body {
            StoredBody::File(reference) => Some(reference),
            _ => None,
        };
        let written = encode_row(&stored.clone().into_row(None::<Body>), file);
        assert_eq!(decode_row(written.into()).as_ref(), Ok(stored), "a row comes back");
    }
    if let Ok(stored) = &purge {
        let record = Record { number: 1, space: stored.space, purge: stored.purge.clone() };
        let written = encode_record(stored.at, &record);
        assert_eq!(decode_record(&written).as_ref(), Ok(stored), "a record comes back");
    }
    row.is_ok() | purge.is_ok() | decode_debt(&record).is_ok() | decode_place(bytes).is_ok()
}

/// The same past the checksum, which almost no fuzzed bytes have right.
pub fn decode_sealed(bytes: &[u8]) -> bool {
    decode(&envelope::with_checksum(bytes.to_vec()))
}

/// Records as they are written today, sealed and not.
pub fn samples() -> Vec<Vec<u8>> {
    let version = Version::new(Wall(1 << 40), 3, u64::MAX);
    let tags = Some([Tag(1), Tag(u64::MAX)].into());
    let body = Body::Bytes(vec![7; 30].into());
    let row = Row { version, body, meta: "meta".into(), tags, expires_at: Some(Wall(9)) };
    let absent = Row { version, ..Row::default() };
    let purge = Purge::Write { key: "key".into(), version, live: true };
    let mut all = vec![encode_row(&row, None), encode_row(&absent, None)];
    for purge in [purge, Purge::Hand(Scope::Prefix("a/".into())), Purge::Hand(Scope::Everything)] {
        let record = Record { number: 1, space: SpaceId(u128::MAX), purge };
        all.push(encode_record(Wall(1), &record));
    }
    all.extend(owed::samples(&encode_row(&row, None)));
    let unsealed: Vec<_> = all.iter().map(|bytes| bytes[..bytes.len() - 8].to_vec()).collect();
    all.extend(unsealed);
    all
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..200)) {
            super::decode(&bytes);
            super::decode_sealed(&bytes);
            let known_format = [&[1], &bytes[..]].concat();
            super::decode_sealed(&known_format);
        }

        #[test]
        fn a_changed_record_past_its_checksum_does_not_make_a_decoder_panic(
            at in 0..90_usize,
            byte in any::<u8>(),
        ) {
            for mut bytes in super::samples() {
                prop_assert!(super::decode(&bytes) != super::decode_sealed(&bytes));
                let at = at % bytes.len();
                bytes[at] = byte;
                super::decode_sealed(&bytes);
            }
        }
    }
}
