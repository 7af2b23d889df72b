//! A key as a door reads it: decoded once, checked, on the stack.

use bytes::Bytes;
use littoral_http::Refusal;

use super::refuse;

/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 512;

/// A valid key. Made without allocating, so that a hit can be looked up where it is read.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    len: usize,
}

/// Why a key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("Key names must not be empty")]
    Empty,
    #[error("Illegal key name \"{0}\". Please use a different name.")]
    Dots(&'static str),
    #[error("UTF-8 encoded length of {0} exceeds key length limit of {KEY_BYTES_MAX}.")]
    TooLong(usize),
    #[error("Could not URL-decode key name")]
    Percent,
    #[error("Key names must be UTF-8")]
    NotUtf8,
}

impl Key {
    /// Reads a percent-encoded segment of a path. `+` is a plus.
    ///
    /// # Errors
    /// When it is not correctly encoded, or not a key.
    pub fn decode(raw: &str) -> Result<Self, KeyError> {
        let raw = raw.as_bytes();
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], len: 0 };
        let mut len = 0;
        let mut at = 0;
        while at < raw.len() {
            let byte = if raw[at] == b'%' {
                let digits = raw.get(at + 1..at + 3).ok_or(KeyError::Percent)?;
                at += 3;
                hex(digits[0])? << 4 | hex(digits[1])?
            } else {
                at += 1;
                raw[at - 1]
            };
            if let Some(place) = key.bytes.get_mut(len) {
                *place = byte;
            }
            len += 1;
        }
        key.len = len.min(KEY_BYTES_MAX);
        if len > KEY_BYTES_MAX {
            return Err(KeyError::TooLong(len));
        }
        std::str::from_utf8(&key).map_err(|_| KeyError::NotUtf8)?;
        check(&key)?;
        Ok(key)
    }

    /// Takes a key as it stands.
    ///
    /// # Errors
    /// When it is none.
    pub fn plain(text: &str) -> Result<Self, KeyError> {
        check(text.as_bytes())?;
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], len: text.len() };
        key.bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(key)
    }

    pub fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl std::ops::Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self))
    }
}

fn hex(digit: u8) -> Result<u8, KeyError> {
    (digit as char).to_digit(16).map(|d| d as u8).ok_or(KeyError::Percent)
}

/// Whether UTF-8 bytes are a key.
///
/// # Errors
/// When they are not.
pub(crate) fn check(key: &[u8]) -> Result<(), KeyError> {
    match key {
        b"" => Err(KeyError::Empty),
        b"." => Err(KeyError::Dots(".")),
        b".." => Err(KeyError::Dots("..")),
        key if key.len() > KEY_BYTES_MAX => Err(KeyError::TooLong(key.len())),
        _ => Ok(()),
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::TooLong(_) => {
                Self::new(http::StatusCode::URI_TOO_LONG, refuse::KEY_TOO_LONG, error.to_string())
            }
            _ => Self::bad_request(refuse::KEY_ILLEGAL, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_decoded_once_and_keeps_every_other_character() {
        let check = |raw: &str, key: &str| {
            assert_eq!(&*Key::decode(raw).expect(raw), key.as_bytes());
        };
        check("a%2Fb%3Fc%23d%25e+f%20g", "a/b?c#d%e+f g");
        check("%252F", "%2F");
        check("bulk%2fget", "bulk/get");
        check("...", "...");
        check("%C3%A9", "é");
        check("a%2F..", "a/..");
    }

    #[test]
    fn traps_are_refused() {
        let long = "é".repeat(257);
        for (raw, error) in [
            ("", KeyError::Empty),
            (".", KeyError::Dots(".")),
            ("%2E%2e", KeyError::Dots("..")),
            ("%ff", KeyError::NotUtf8),
            ("a%C3", KeyError::NotUtf8),
            ("%ED%A0%80", KeyError::NotUtf8),
            ("100%", KeyError::Percent),
            ("%+1", KeyError::Percent),
            ("%é", KeyError::Percent),
            (&long, KeyError::TooLong(514)),
        ] {
            assert_eq!(Key::decode(raw).expect_err(raw), error, "{raw}");
        }
        assert!(Key::decode(&"é".repeat(256)).is_ok());
        assert_eq!(
            Key::decode(&"%41".repeat(513)).expect_err("long").to_string(),
            "UTF-8 encoded length of 513 exceeds key length limit of 512."
        );
    }
}
