//! TLS to a site: whom to trust, and what to speak.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Error;

/// In the order in which they are wished for.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
const HTTP_2: &[u8] = b"h2";

/// Whom a site must be vouched for by. Cheap to clone.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    /// What a site must be vouched for as, if not as the host that is asked.
    name: Option<ServerName<'static>>,
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{path}: {why}")]
    File { path: String, why: String },
    #[error("this system trusts nobody: {0}; say whom to trust with --ca")]
    Nobody(String),
    #[error("`{0}` is no name of a server")]
    Name(String),
    #[error("{0}")]
    Unusable(#[from] rustls::Error),
}

impl Trust {
    /// Whom the system trusts.
    ///
    /// # Errors
    /// When that is nobody.
    pub fn system() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (some, _) = roots.add_parsable_certificates(found.certs);
        if some == 0 {
            let why = found.errors.first().map_or("no certificates".into(), ToString::to_string);
            return Err(TrustError::Nobody(why));
        }
        Self::of(roots)
    }

    /// The authorities in a file, and nobody else.
    ///
    /// # Errors
    /// When there is none in it.
    pub fn file(path: &Path) -> Result<Self, TrustError> {
        let failed = |why: String| TrustError::File { path: path.display().to_string(), why };
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(failed("there is no certificate in it, in PEM".into()));
        }
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { config: Arc::new(config), name: None })
    }

    /// The same, for a site that is called so, wherever it is asked.
    ///
    /// # Errors
    /// When nobody can be called so.
    pub fn named(self, name: &str) -> Result<Self, TrustError> {
        let read = ServerName::try_from(name.to_owned());
        let name = read.map_err(|_| TrustError::Name(name.to_owned()))?;
        Ok(Self { name: Some(name), ..self })
    }

    /// Shakes hands with `authority`; whether HTTP/2 is spoken from there on.
    pub(super) async fn shake(
        &self,
        authority: &str,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, bool), Error> {
        let unreachable = |why: String| Error::Unreachable(format!("no TLS with it: {why}"));
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = match &self.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned())
                .map_err(|error| unreachable(error.to_string()))?,
        };
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error: io::Error| unreachable(error.to_string()))?;
        let two = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
        Ok((stream, two))
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}
