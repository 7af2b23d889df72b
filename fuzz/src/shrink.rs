//! Makes a failing input smaller while it still fails.

/// Tries before what is left is taken as it is.
const TRIES_MAX: usize = 500;

/// The smallest input found for which `fails` still says yes.
pub(crate) fn shrink(bytes: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut least = bytes.to_vec();
    let mut tries = 0;
    let mut step = least.len().div_ceil(2);
    while step > 0 {
        let mut at = 0;
        while at < least.len() {
            if tries == TRIES_MAX {
                return least;
            }
            tries += 1;
            let end = (at + step).min(least.len());
            let less = [&least[..at], &least[end..]].concat();
            if fails(&less) {
                least = less;
            } else {
                at += step;
            }
        }
        step /= 2;
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_taken_away() {
        let fails = |bytes: &[u8]| bytes.contains(&b'x') && bytes.contains(&b'y');
        assert_eq!(shrink(b"aaaaxbbbbbbbyccc", fails), b"xy");
        assert_eq!(shrink(b"", |_| true), b"");
    }
}
