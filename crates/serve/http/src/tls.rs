//! What a listener needs for TLS: a certificate with its chain, and its key.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// In the order in which they are offered.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {why}")]
    File { path: String, why: String },
    #[error("the certificate and its key are of no use: {0}")]
    Unusable(#[from] rustls::Error),
}

/// TLS 1.2 and 1.3 with one certificate. Cheap to clone.
#[derive(Clone)]
pub struct Tls(pub(crate) Arc<ServerConfig>);

impl Tls {
    /// The certificate with its chain and its key, of two files, in PEM.
    ///
    /// # Errors
    /// When one cannot be read, or does not fit the other.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        read(certificate, key)
    }
}

impl std::fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
    let failed =
        |path: &Path, why: String| TlsError::File { path: path.display().to_string(), why };
    let read = |path: &Path| std::fs::read(path).map_err(|error| failed(path, error.to_string()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(certificate)?).collect();
    let chain = chain.map_err(|error| failed(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(failed(certificate, "there is no certificate in it, in PEM".into()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| failed(key, "it is no key in PEM".into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth();
    let mut config = config.with_single_cert(chain, secret)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Tls(Arc::new(config)))
}
