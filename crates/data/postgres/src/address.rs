//! Where a database is, which may hold a password and never shows it.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The address of a database: `postgres://user:password@host:port/database`, or `key=value` pairs.
///
/// Shown without the password, in whatever way.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Config);

/// Does not say what was given: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database's address is not one: write postgres://user@host:port/database")]
pub struct AddressError;

const PORT: u16 = 5432;

impl Address {
    /// The same, with a password that was kept elsewhere.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.0.password(password);
        self
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let config: Config = text.parse().map_err(|_| AddressError)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError);
        }
        Ok(Self(config))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.0.get_user().unwrap_or("");
        let host = match (self.0.get_hosts().first(), self.0.get_hostaddrs().first()) {
            (Some(Host::Tcp(name)), _) => name.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        };
        let port = self.0.get_ports().first().copied().unwrap_or(PORT);
        write!(f, "{user}@{host}:{port}/{}", self.0.get_dbname().unwrap_or(user))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for text in [
            "postgres://ann:hush@db.example:6000/kv",
            "host=db.example port=6000 user=ann password=hush dbname=kv",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), "ann@db.example:6000/kv");
            assert_eq!(format!("{address:?}"), "ann@db.example:6000/kv");
        }
        let socket: Address = "host=/run/pg user=ann".parse().unwrap();
        assert_eq!(socket.to_string(), "ann@/run/pg:5432/ann");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in ["", "postgres://", "hush", "postgres://ann:hu#sh@host:x/kv", "user=ann"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("hu"), "{error}");
        }
    }
}
