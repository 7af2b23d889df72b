//! Where a database is, which may hold a password and never shows it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The address of a database: `postgres://user:password@host:port/database`, or `key=value` pairs.
///
/// Shown without the password, in whatever way. Without [an authority](Self::trusting) the
/// connection is a plain one, and an address that says `sslmode=require` is refused when it is used.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
}

/// Certificates that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database's authority is not a file of certificates in PEM")]
pub struct AuthorityError;

/// Does not say what was given: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database's address is not one: write postgres://user@host:port/database")]
pub struct AddressError;

const PORT: u16 = 5432;

impl Address {
    /// The same, with a password that was kept elsewhere.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// The same, over TLS only, to a server whose certificate is for its name and from one of these
    /// authorities: certificates in PEM.
    ///
    /// # Errors
    /// When `pem` has none.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, AuthorityError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| AuthorityError)?;
            roots.add(certificate).map_err(|_| AuthorityError)?;
        }
        if roots.is_empty() {
            return Err(AuthorityError);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| AuthorityError)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        self.tls = Some(Arc::new(tls));
        self.config.ssl_mode(SslMode::Require);
        Ok(self)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> Option<MakeRustlsConnect> {
        self.tls.as_ref().map(|tls| MakeRustlsConnect::new(ClientConfig::clone(tls)))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let config: Config = text.parse().map_err(|_| AddressError)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError);
        }
        Ok(Self { config, tls: None })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.config.get_user().unwrap_or("");
        let host = match (self.config.get_hosts().first(), self.config.get_hostaddrs().first()) {
            (Some(Host::Tcp(name)), _) => name.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(PORT);
        write!(f, "{user}@{host}:{port}/{}", self.config.get_dbname().unwrap_or(user))
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
    fn what_is_no_authority_is_refused() {
        let address: Address = "postgres://ann@db.example/kv".parse().unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "hush", broken] {
            assert_eq!(address.clone().trusting(pem.as_bytes()).unwrap_err(), AuthorityError);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in ["", "postgres://", "hush", "postgres://ann:hu#sh@host:x/kv", "user=ann"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("hu"), "{error}");
        }
    }
}
