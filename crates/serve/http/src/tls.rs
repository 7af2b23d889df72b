//! What a listener needs for TLS: a certificate with its chain, and its key; by host, if there are several.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

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
        read(certificate, key, None)
    }

    /// The same, and whoever is asked for this host may show a certificate that one of these authorities
    /// vouches for; another one ends the connection, none does not.
    ///
    /// # Errors
    /// As [`Tls::read`], and when there are no authorities in the file.
    pub fn with_clients(
        certificate: &Path,
        key: &Path,
        authorities: &Path,
    ) -> Result<Self, TlsError> {
        read(certificate, key, Some(authorities))
    }
}

/// Several hosts at one address, each with a certificate of its own.
pub trait Hosts: Send + Sync + 'static {
    /// What a host is spoken to with, by the name or address that its client says; and whose that is.
    fn tls(&self, name: &str) -> Option<(Tls, Arc<str>)>;
}

/// What was agreed when a connection began: in the extensions of its requests' heads, behind an [`Arc`].
#[derive(Debug)]
pub struct Handshake {
    /// Whose certificate was shown, as [`Hosts`] calls it.
    pub of: Arc<str>,
    /// What the client has shown, and an authority vouches for.
    pub client: Option<ClientCertificate>,
}

/// The certificate of a client.
#[derive(Debug)]
pub struct ClientCertificate {
    pub der: Vec<u8>,
    /// SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// Whom it is for: names of hosts, then URIs.
    pub names: Vec<String>,
}

/// How a listener begins a connection by TLS.
pub(crate) enum Acceptor {
    /// TLS and nothing else, with one certificate.
    One(TlsAcceptor),
    /// TLS by the host that is named, or none.
    ByHost(Arc<dyn Hosts>),
}

impl Acceptor {
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<(TlsStream<TcpStream>, Option<Arc<Handshake>>)> {
        let hosts = match self {
            Self::One(acceptor) => return Ok((acceptor.accept(stream).await?, None)),
            Self::ByHost(hosts) => hosts,
        };
        let local = stream.local_addr()?.ip().to_canonical().to_string();
        let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        // A client that asks for an address names none.
        let name = named(&begun.client_hello()).unwrap_or(local);
        let Some((tls, of)) = hosts.tls(&name) else {
            let why = format!("no certificate here is for {name}");
            return Err(std::io::Error::other(why));
        };
        let stream = begun.into_stream(tls.0).await?;
        let client = client(stream.get_ref().1);
        Ok((stream, Some(Arc::new(Handshake { of, client }))))
    }
}

fn named(hello: &ClientHello<'_>) -> Option<String> {
    hello.server_name().map(|name| name.trim_end_matches('.').to_ascii_lowercase())
}

fn client(connection: &ServerConnection) -> Option<ClientCertificate> {
    let der = connection.peer_certificates()?.first()?.to_vec();
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13()?.common.hash_provider.hash(&der);
    let fingerprint = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let names = webpki::EndEntityCert::try_from(&CertificateDer::from(&*der)).map_or_else(
        |_| Vec::new(),
        |read| read.valid_dns_names().chain(read.valid_uri_names()).map(str::to_owned).collect(),
    );
    Some(ClientCertificate { der, fingerprint, names })
}

impl std::fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn read(certificate: &Path, key: &Path, authorities: Option<&Path>) -> Result<Tls, TlsError> {
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes(key)?)
        .map_err(|_| failed(key, "it is no key in PEM".into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let config = match authorities {
        None => config.with_no_client_auth(),
        Some(file) => config.with_client_cert_verifier(verifier(file, provider)?),
    };
    let mut config = config.with_single_cert(chain, secret)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Tls(Arc::new(config)))
}

fn failed(path: &Path, why: String) -> TlsError {
    TlsError::File { path: path.display().to_string(), why }
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| failed(path, error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes(path)?).collect();
    let chain = chain.map_err(|error| failed(path, error.to_string()))?;
    if chain.is_empty() {
        return Err(failed(path, "there is no certificate in it, in PEM".into()));
    }
    Ok(chain)
}

/// Whoever shows nothing is not refused here: what that means, a front decides.
fn verifier(
    authorities: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authorities)? {
        roots.add(certificate)?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = builder.allow_unauthenticated().build();
    verifier.map_err(|error| failed(authorities, error.to_string()))
}
