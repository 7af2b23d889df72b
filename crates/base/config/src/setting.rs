//! What a key of the configuration is, and the macro that declares a table of them.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{ByteCount, TimeSpan};

/// A key as the file spells it, and what a user reads about it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// In Rust's spelling; the file has dashes for underscores.
    pub field: &'static str,
    /// Lines of the doc comment.
    pub doc: &'static [&'static str],
    /// The keys of the table this key holds; empty for a plain value.
    pub keys: fn() -> &'static [Self],
}

impl Key {
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
    }
}

/// Anything that may stand behind a key.
pub trait Setting {
    /// The keys inside, when this is a table (or a list of tables).
    fn keys() -> &'static [Key] {
        &[]
    }
}

macro_rules! plain {
    ($($type:ty),*) => { $(impl Setting for $type {})* };
}

plain!(bool, u8, u16, u32, u64, usize, f64, String, PathBuf, SocketAddr, ByteCount, TimeSpan);

impl<T: Setting> Setting for Option<T> {
    fn keys() -> &'static [Key] {
        T::keys()
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn keys() -> &'static [Key] {
        T::keys()
    }
}

/// Declares a table of the configuration: a plain struct whose every field has a doc comment and
/// a default. Keys are kebab-case; unknown ones are refused.
#[macro_export]
macro_rules! settings {
    (
        $(#[$about:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr
            ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "littoral_config::serde")]
        #[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
        $vis struct $name {
            $(
                $(#[doc = $doc])+
                $vis $field: $type,
            )*
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::Setting for $name {
            fn keys() -> &'static [$crate::Key] {
                const KEYS: &[$crate::Key] = &[$($crate::Key {
                    field: stringify!($field),
                    doc: &[$($doc),+],
                    keys: <$type as $crate::Setting>::keys,
                }),*];
                KEYS
            }
        }
    };
}
