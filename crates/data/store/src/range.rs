//! Which keys a list covers.

use std::ops::Bound;

use bytes::Bytes;

use crate::List;

/// A stretch of keys, not empty by its bounds.
#[derive(Debug, PartialEq, Eq)]
pub struct Range {
    pub start: Bound<Bytes>,
    pub end: Bound<Bytes>,
}

impl Range {
    /// `None` when no key can be in it.
    pub fn of(list: &List) -> Option<Self> {
        let mut start = Bound::Included(list.prefix.clone());
        let mut end = past(&list.prefix).map_or(Bound::Unbounded, Bound::Excluded);
        match &list.after {
            Some(after) if list.reverse => {
                if after <= &list.prefix {
                    return None;
                }
                if !matches!(&end, Bound::Excluded(end) if end <= after) {
                    end = Bound::Excluded(after.clone());
                }
            }
            Some(after) => {
                if matches!(&end, Bound::Excluded(end) if end <= after) {
                    return None;
                }
                if after >= &list.prefix {
                    start = Bound::Excluded(after.clone());
                }
            }
            None => {}
        }
        Some(Self { start, end })
    }
}

/// The first key after all those with this prefix; `None` when nothing is.
fn past(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut past = prefix[..=last].to_vec();
    past[last] += 1;
    Some(past.into())
}

#[cfg(test)]
mod tests {
    use std::ops::RangeBounds as _;

    use littoral_types::SpaceId;

    use super::*;

    fn covered(prefix: &'static str, after: Option<&'static str>, reverse: bool) -> String {
        let list = List {
            space: SpaceId(1),
            prefix: prefix.into(),
            after: after.map(Bytes::from),
            reverse,
            limit: 9,
            values: false,
        };
        let Some(Range { start, end }) = Range::of(&list) else {
            return "nothing".into();
        };
        let mut keys = vec!["", "a", "b", "b/", "b/1", "b0", "c"];
        keys.retain(|key| (start.clone(), end.clone()).contains(&Bytes::from(*key)));
        keys.join(" ")
    }

    #[test]
    fn a_cursor_outside_the_prefix_covers_all_or_nothing() {
        for (after, reverse) in
            [(None, false), (None, true), (Some("a"), false), (Some("c"), true), (Some("d"), true)]
        {
            assert_eq!(covered("b", after, reverse), "b b/ b/1 b0", "{after:?} {reverse}");
        }
        for (after, reverse) in [(Some("a"), true), (Some("b"), true), (Some("c"), false)] {
            assert_eq!(covered("b", after, reverse), "nothing", "{after:?} {reverse}");
        }
        assert_eq!(covered("", Some(""), true), "nothing");
    }

    #[test]
    fn a_cursor_inside_the_prefix_is_exclusive() {
        assert_eq!(covered("b", Some("b/"), false), "b/1 b0");
        assert_eq!(covered("b", Some("b"), false), "b/ b/1 b0");
        assert_eq!(covered("b", Some("b/"), true), "b");
        assert_eq!(covered("", Some("b0"), false), "c");
        assert_eq!(covered("", Some("b"), true), " a");
    }

    #[test]
    fn nothing_is_past_a_prefix_of_the_highest_bytes() {
        assert_eq!(past(b""), None);
        assert_eq!(past(b"\xff\xff"), None);
        assert_eq!(past(b"a\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(past(b"ab").as_deref(), Some(&b"ac"[..]));
    }
}
