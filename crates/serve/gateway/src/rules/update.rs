//! Stored fields brought up to date by a 304, or by the answer to a HEAD (RFC 9111, sections 3.2 and
//! 4.3.5).

use http::{HeaderMap, HeaderName, header};

use super::{Validators, hops};

/// Fields that say how the stored body is made: they stay as they came with it.
const OF_THE_BODY: [HeaderName; 3] =
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE];

/// Takes over every field of a newer answer without a body: each replaces all stored lines of its
/// name. What the newer one leaves out stays, but for `Age`, which was the old one's.
pub fn update(stored: &mut HeaderMap, mut newer: HeaderMap) {
    hops::strip_stored(&mut newer);
    stored.remove(header::AGE);
    for name in OF_THE_BODY {
        newer.remove(name);
    }
    let mut replaced: Option<HeaderName> = None;
    for (name, value) in newer {
        // Further lines of a name come without it.
        match name {
            Some(name) => {
                stored.insert(name.clone(), value);
                replaced = Some(name);
            }
            None => {
                if let Some(name) = &replaced {
                    stored.append(name.clone(), value);
                }
            }
        }
    }
}

/// Whether the answer to a HEAD is about what is stored: nothing that both state differs (RFC 9111,
/// section 4.3.5). If it is not, what is stored is old.
pub fn same_as_stored(stored: &HeaderMap, head: &HeaderMap) -> bool {
    let (held, new) = (Validators::of(stored), Validators::of(head));
    let differ = |a: Option<_>, b: Option<_>| a.zip(b).is_some_and(|(a, b)| a != b);
    let len = |headers: &HeaderMap| headers.get(header::CONTENT_LENGTH).cloned();
    !differ(held.etag.map(|tag| tag.value()), new.etag.map(|tag| tag.value()))
        && !differ(held.last_modified, new.last_modified)
        && !differ(len(stored), len(head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::examples::map;

    #[test]
    fn what_is_newer_replaces_and_what_is_left_out_stays() {
        // RFC 9111, section 3.2.
        let mut stored = map(&[
            ("a", "1"),
            ("a", "2"),
            ("b", "stays"),
            ("age", "30"),
            ("content-length", "36"),
            ("content-encoding", "gzip"),
        ]);
        let newer = map(&[
            ("a", "3"),
            ("c", "4"),
            ("c", "5"),
            ("content-length", "10"),
            ("content-encoding", "br"),
            ("connection", "x"),
            ("x", "hop"),
            ("transfer-encoding", "chunked"),
        ]);
        update(&mut stored, newer);
        let expected = map(&[
            ("a", "3"),
            ("b", "stays"),
            ("c", "4"),
            ("c", "5"),
            ("content-length", "36"),
            ("content-encoding", "gzip"),
        ]);
        assert_eq!(stored, expected);
    }

    #[test]
    fn a_head_that_states_something_else_is_about_something_else() {
        // RFC 9111, section 4.3.5.
        let stored = map(&[("etag", "\"a\""), ("content-length", "5")]);
        assert!(same_as_stored(&stored, &map(&[("etag", "\"a\""), ("x", "y")])));
        assert!(same_as_stored(&stored, &map(&[])));
        assert!(!same_as_stored(&stored, &map(&[("etag", "\"b\"")])));
        assert!(!same_as_stored(&stored, &map(&[("content-length", "6")])));
    }
}
