//! Who a node is: the one URI of its certificate, `littoral://<network>/<region>/<location>/<node>`.

use std::fmt;
use std::str::FromStr;

/// A node's place in a network, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub network: String,
    pub region: String,
    pub location: String,
    pub node: String,
}

const SCHEME: &str = "littoral://";
/// Bytes of one name.
pub const NAME_BYTES_MAX: usize = 63;

/// Why a text names no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("an identity begins with {SCHEME}")]
    Scheme,
    #[error("an identity has four names: {SCHEME}NETWORK/REGION/LOCATION/NODE")]
    Names,
    #[error(
        "a name of an identity has 1 to {NAME_BYTES_MAX} letters, digits, dots, dashes and \
         underscores, and begins with a letter or a digit"
    )]
    Name,
}

impl Identity {
    /// # Errors
    /// When a name is none.
    pub fn new(
        network: &str,
        region: &str,
        location: &str,
        node: &str,
    ) -> Result<Self, IdentityError> {
        let identity = Self {
            network: name(network)?,
            region: name(region)?,
            location: name(location)?,
            node: name(node)?,
        };
        Ok(identity)
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let names = text.strip_prefix(SCHEME).ok_or(IdentityError::Scheme)?;
        let mut names = names.split('/');
        let [network, region, location, node] = std::array::from_fn(|_| names.next());
        match (network, region, location, node, names.next()) {
            (Some(network), Some(region), Some(location), Some(node), None) => {
                Self::new(network, region, location, node)
            }
            _ => Err(IdentityError::Names),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, region, location, node } = self;
        write!(f, "{SCHEME}{network}/{region}/{location}/{node}")
    }
}

/// Nothing that could be taken for another name once it is shown or decoded.
fn name(text: &str) -> Result<String, IdentityError> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let sound = (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.as_bytes().iter().all(plain);
    if sound { Ok(text.to_owned()) } else { Err(IdentityError::Name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_shown() {
        let text = "littoral://prod/eu-west/ams/ams-1";
        let identity: Identity = text.parse().unwrap();
        assert_eq!(identity, Identity::new("prod", "eu-west", "ams", "ams-1").unwrap());
        assert_eq!(identity.to_string(), text);
    }

    #[test]
    fn what_names_no_node_is_refused() {
        let read = |text: &str| text.parse::<Identity>().err();
        assert_eq!(read("https://prod/eu/ams/a"), Some(IdentityError::Scheme));
        assert_eq!(read("littoral://prod/eu/ams"), Some(IdentityError::Names));
        assert_eq!(read("littoral://prod/eu/ams/a/b"), Some(IdentityError::Names));
        for odd in ["", ".", "..", "-a", "a b", "a%2fb", "\u{e9}", "a\0", &"a".repeat(64)] {
            assert_eq!(read(&format!("littoral://prod/eu/{odd}/a")), Some(IdentityError::Name));
        }
    }
}
