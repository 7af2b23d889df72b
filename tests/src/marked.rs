//! Values that say which write they are from, and prove that they are whole.

use crate::chance::Chance;

/// Digits of the number and of the length, and what is around them.
const HEAD: usize = 16 + 1 + 8 + 1;

/// The value of write `number` to `key`, of `len` bytes but at least its head: ASCII throughout.
pub fn marked(key: &str, number: u64, len: usize) -> Vec<u8> {
    let len = len.max(HEAD);
    let mut value = format!("{number:016x} {len:08}\n").into_bytes();
    let mut chance = Chance::new(seed(key, number, len));
    while value.len() < len {
        let word = format!("{:016x}", chance.number());
        let take = word.len().min(len - value.len());
        value.extend(&word.as_bytes()[..take]);
    }
    value
}

/// The number of the write that this is the whole and unmixed value of.
pub fn number_of(key: &str, value: &[u8]) -> Option<u64> {
    let head = std::str::from_utf8(value.get(..HEAD)?).ok()?;
    let (number, len) = head.trim_end().split_once(' ')?;
    let (number, len) = (u64::from_str_radix(number, 16).ok()?, len.parse().ok()?);
    (marked(key, number, len) == value).then_some(number)
}

fn seed(key: &str, number: u64, len: usize) -> u64 {
    let start = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ len as u64;
    key.bytes().fold(start, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_proves_that_it_is_whole() {
        for len in [0, 26, 27, 1000] {
            let value = marked("key", 7, len);
            assert_eq!(number_of("key", &value), Some(7));
            assert_eq!(number_of("other", &value), (len <= HEAD).then_some(7));
            assert_eq!(number_of("key", &value[..value.len() - 1]), None);
            let mut torn = value.clone();
            let last = torn.len() - 1;
            torn[last] ^= 1;
            assert_eq!(number_of("key", &torn), None);
        }
    }
}
