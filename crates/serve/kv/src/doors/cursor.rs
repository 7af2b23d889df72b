//! Where a listing goes on: the last key, made opaque and proof against a wrong hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use littoral_types::SpaceId;

const FORWARD: u8 = 1;
const REVERSE: u8 = 2;
const CHECK_BYTES: usize = 6;

/// The cursor after `key`.
pub(crate) fn encode(space: SpaceId, reverse: bool, key: &[u8]) -> String {
    let direction = if reverse { REVERSE } else { FORWARD };
    let mut bytes = Vec::with_capacity(1 + key.len() + CHECK_BYTES);
    bytes.push(direction);
    bytes.extend_from_slice(key);
    let check = check(space, &bytes);
    bytes.extend_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key after which to go on; `None` if the cursor is not one of this namespace and direction.
pub(crate) fn decode(space: SpaceId, reverse: bool, cursor: &str) -> Option<Bytes> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (place, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
    let (direction, key) = place.split_first()?;
    let right = *direction == if reverse { REVERSE } else { FORWARD };
    (right && sum == check(space, place)).then(|| Bytes::copy_from_slice(key))
}

fn check(space: SpaceId, place: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&space.to_bytes()).update(place);
    let mut sum = [0; CHECK_BYTES];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_only_where_it_was_given() {
        let space = SpaceId(7);
        let cursor = encode(space, false, b"a/b");
        assert_eq!(decode(space, false, &cursor).as_deref(), Some(b"a/b".as_slice()));
        assert_eq!(decode(space, true, &cursor), None);
        assert_eq!(decode(SpaceId(8), false, &cursor), None);
        for bad in ["", "a", "AAAAAAAAAAAA", "not base64!", &cursor[1..], &format!("{cursor}AA")] {
            assert_eq!(decode(space, false, bad), None, "{bad}");
        }
    }
}
