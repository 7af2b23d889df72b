//! JSON objects, and nothing else that could be read as one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A `T` that was sent as an object: by itself `serde` takes an array of its fields as well.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(Fields(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair<'a> {
        #[serde(borrow)]
        a: &'a str,
        #[serde(default)]
        b: u32,
    }

    #[test]
    fn an_array_is_no_object() {
        let read = |json| serde_json::from_str::<Object<Pair<'_>>>(json).map(|object| object.0);
        assert_eq!(read(r#"{"a":"x"}"#).expect("an object"), Pair { a: "x", b: 0 });
        assert!(serde_json::from_str::<Pair<'_>>(r#"["x",1]"#).is_ok(), "the trap is there");
        for bad in [r#"["x",1]"#, "null", "1", "\"a\"", "{"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
