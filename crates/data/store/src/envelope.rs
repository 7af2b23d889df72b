//! How a record stands on disk: a format number, the record, a checksum over both.

use serde::{Deserialize, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

const CHECKSUM: usize = size_of::<u64>();

/// Stored bytes that are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it is cut short")]
    Short,
    #[error("the checksum does not match")]
    Checksum,
    #[error("format {0} is not known; was it written by a newer Littoral?")]
    Format(u8),
    #[error("it does not decode")]
    Shape,
}

/// # Panics
/// Never: the records of this crate have no map or sequence of unknown length.
pub(crate) fn seal<T: Serialize>(format: u8, record: &T) -> Vec<u8> {
    let bytes = postcard::to_extend(record, vec![format])
        .expect("a record of known shape serializes into memory");
    with_checksum(bytes)
}

pub(crate) fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

pub(crate) fn open<'a, T: Deserialize<'a>>(format: u8, bytes: &'a [u8]) -> Result<T, Damage> {
    let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Damage::Short)?;
    if xxh3_64(sealed) != u64::from_le_bytes(*checksum) {
        return Err(Damage::Checksum);
    }
    let (&found, record) = sealed.split_first().ok_or(Damage::Short)?;
    if found != format {
        return Err(Damage::Format(found));
    }
    match postcard::take_from_bytes(record) {
        Ok((record, [])) => Ok(record),
        _ => Err(Damage::Shape),
    }
}

/// Bytes as one run, not as a sequence of numbers: the same encoding, at once.
pub(crate) fn run<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_is_noticed() {
        let sealed = seal(3, &(7_u64, "text"));
        assert_eq!(open::<(u64, &str)>(3, &sealed), Ok((7, "text")));
        for bit in 0..sealed.len() * 8 {
            let mut bytes = sealed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open::<(u64, &str)>(3, &bytes), Err(Damage::Checksum), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(open::<(u64, &str)>(3, &sealed[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn another_format_and_trailing_bytes_are_refused() {
        assert_eq!(open::<u64>(1, &seal(2, &7_u64)), Err(Damage::Format(2)));
        assert_eq!(open::<u64>(1, &seal(1, &(7_u64, 9_u64))), Err(Damage::Shape));
    }
}
