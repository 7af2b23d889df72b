//! Mutual TLS: who signed a certificate, whom it names, and nothing older than TLS 1.3.

use std::sync::Arc;
use std::time::Duration;

use littoral_clock::Clock;
use littoral_types::Wall;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    RootCertStore, ServerConfig, SignatureScheme,
};

use crate::certificates::Loaded;
use crate::identity::Identity;
use crate::members::{Members, Stranger, named};

/// The one protocol spoken.
const HTTP_2: &[u8] = b"h2";

/// For connections to `expected`. Sessions are not resumed: each connection is verified.
pub(crate) fn client(
    own: &Loaded,
    expected: &Identity,
    clock: &Clock,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(OneNode {
        roots: Arc::clone(&own.roots),
        algorithms: provider.signature_verification_algorithms,
        expected: expected.clone(),
    });
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock.clone())))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(own.chain.clone(), own.key.clone_key())?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// For connections from members.
pub(crate) fn server(
    own: &Loaded,
    members: &Arc<Members>,
    clock: &Clock,
) -> Result<ServerConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let signed =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&own.roots), provider.clone())
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
    let verifier = Arc::new(AnyMember { signed, members: Arc::clone(members) });
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(Time(clock.clone())))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(own.chain.clone(), own.key.clone_key())?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Whether a node's own certificate is signed by one of those it trusts.
pub(crate) fn signed(own: &Loaded, now: Wall) -> Result<(), Error> {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    signed_by(&own.roots, &own.chain[0], &own.chain[1..], unix(now), &algorithms)
}

fn signed_by(
    roots: &RootCertStore,
    certificate: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    verify_server_cert_signed_by_trust_anchor(&parsed, roots, intermediates, now, algorithms.all)
}

fn unix(now: Wall) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(now.0))
}

fn stranger(why: Stranger) -> Error {
    CertificateError::Other(OtherError(Arc::new(why))).into()
}

/// Why a handshake failed, for whoever reads a log.
pub(crate) fn words(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(why)) => match why {
            CertificateError::Other(OtherError(why)) => why.to_string(),
            // Another authority may go by the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is of an authority that is not trusted".into()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired; or is a clock wrong?".into()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate does not hold yet; is a clock wrong?".into()
            }
            why => format!("its certificate is not good: {why:?}"),
        },
        Some(Error::NoCertificatesPresented) => "it showed no certificate".into(),
        _ => error.to_string(),
    }
}

/// The node's own clock, so that what has expired is what has expired for it.
#[derive(Debug)]
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix(self.0.wall()))
    }
}

/// Whoever is called is the node that was meant.
#[derive(Debug)]
struct OneNode {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    expected: Identity,
}

impl ServerCertVerifier for OneNode {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        signed_by(&self.roots, certificate, intermediates, now, &self.algorithms)?;
        let found = named(certificate).map_err(stranger)?;
        if found != self.expected {
            let (found, wanted) = (Box::new(found), Box::new(self.expected.clone()));
            return Err(stranger(Stranger::Another { found, wanted }));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whoever calls is a node of a location of the topology.
#[derive(Debug)]
struct AnyMember {
    signed: Arc<dyn ClientCertVerifier>,
    members: Arc<Members>,
}

impl ClientCertVerifier for AnyMember {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.signed.verify_client_cert(certificate, intermediates, now)?;
        let identity = named(certificate).map_err(stranger)?;
        self.members.find(&identity).map_err(stranger)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}
