//! `Range`: which bytes of a body are wanted (RFC 9110, section 14).

/// What a `Range` header asks of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// No range, or one that may be ignored: the whole body.
    Whole,
    Part {
        from: u64,
        len: u64,
    },
    /// Nothing of the body is in the range.
    Unsatisfiable,
}

/// Reads a `Range` header for a body of `len` bytes. Several ranges, other units and what makes no
/// sense are answered with the whole body, as the standard allows.
pub fn range(header: Option<&[u8]>, len: u64) -> Range {
    let Some(text) = header.and_then(|header| std::str::from_utf8(header).ok()) else {
        return Range::Whole;
    };
    let Some((unit, spec)) = text.split_once('=') else {
        return Range::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Range::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Range::Whole;
    }
    match (first, last) {
        ("", last) => number(last).map_or(Range::Whole, |wanted| suffix(wanted, len)),
        (first, "") => number(first).map_or(Range::Whole, |from| part(from, u64::MAX, len)),
        (first, last) => match (number(first), number(last)) {
            (Some(from), Some(to)) if from <= to => part(from, to, len),
            _ => Range::Whole,
        },
    }
}

/// Digits only; a number too large for any body is the largest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

fn suffix(wanted: u64, len: u64) -> Range {
    if wanted == 0 || len == 0 {
        return Range::Unsatisfiable;
    }
    let wanted = wanted.min(len);
    Range::Part { from: len - wanted, len: wanted }
}

fn part(from: u64, to: u64, len: u64) -> Range {
    if from >= len {
        return Range::Unsatisfiable;
    }
    Range::Part { from, len: to.min(len - 1) - from + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_body_or_refused_or_ignored() {
        let check = |header: &str, expected: Range| {
            assert_eq!(range(Some(header.as_bytes()), 10), expected, "{header}");
        };
        check("bytes=0-0", Range::Part { from: 0, len: 1 });
        check("bytes=2-5", Range::Part { from: 2, len: 4 });
        check("Bytes = 2-5", Range::Part { from: 2, len: 4 });
        check("bytes=2-", Range::Part { from: 2, len: 8 });
        check("bytes=2-99999999999999999999999", Range::Part { from: 2, len: 8 });
        check("bytes=-3", Range::Part { from: 7, len: 3 });
        check("bytes=-30", Range::Part { from: 0, len: 10 });
        check("bytes=10-", Range::Unsatisfiable);
        check("bytes=-0", Range::Unsatisfiable);
        for whole in ["bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes", "bytes=-"] {
            check(whole, Range::Whole);
        }
        assert_eq!(range(None, 10), Range::Whole);
        assert_eq!(range(Some(b"bytes=0-"), 0), Range::Unsatisfiable);
    }
}
