//! A parser with a planted bug: if it is not found, the alarm is broken.

use crate::Target;
use crate::samples::none;

/// Trusts the length that its input states, as parsers should not.
pub const CANARY: Target =
    Target { name: "canary", run: canary, words: &[":", "1", "9"], samples: none };

/// The same without the bug: an alarm that always rings is broken as well.
pub const WELL: Target = Target { name: "canary", run: well, words: CANARY.words, samples: none };

/// `5:hello`: a length and as many bytes.
fn parts(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (len, body) = std::str::from_utf8(bytes).ok()?.split_once(':')?;
    Some((len.parse().ok()?, body.as_bytes()))
}

fn canary(bytes: &[u8]) {
    let Some((len, body)) = parts(bytes) else { return };
    if len > 0 {
        let read = &body[..len];
        assert_eq!(read.len(), len);
    }
}

fn well(bytes: &[u8]) {
    let Some((len, body)) = parts(bytes) else { return };
    if let Some(read) = body.get(..len) {
        assert_eq!(read.len(), len);
    }
}
