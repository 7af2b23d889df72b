//! Lists with a largest length: a longer one is refused before it takes memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Room taken at once for what a list says is its length; the rest when it is there.
const TRUSTED: usize = 64;

/// A list of at most `MAX` members, when it is read.
pub(super) struct Bounded<T, const MAX: usize>(pub(super) Vec<T>);

impl<T: Serialize, const MAX: usize> Serialize for Bounded<T, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List::<T, MAX>(PhantomData)).map(Self)
    }
}

struct List<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let told = list.size_hint().unwrap_or(0);
        if told > MAX {
            return Err(A::Error::invalid_length(told, &self));
        }
        let mut members = Vec::with_capacity(told.min(TRUSTED));
        while let Some(member) = list.next_element()? {
            if members.len() == MAX {
                return Err(A::Error::invalid_length(MAX + 1, &self));
            }
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_or_says_it_is_too_long_is_refused() {
        let read = |bytes: &[u8]| {
            postcard::from_bytes::<Bounded<u8, 3>>(bytes).map(|Bounded(list)| list).ok()
        };
        assert_eq!(read(&[0]), Some(vec![]));
        assert_eq!(read(&[3, 7, 8, 9]), Some(vec![7, 8, 9]));
        assert_eq!(read(&[4, 7, 8, 9, 9]), None);
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]), None);
        assert_eq!(read(&[3, 7]), None, "cut short");
    }
}
