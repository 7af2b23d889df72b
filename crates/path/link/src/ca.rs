//! The network's own authority: it makes the certificates by which nodes know each other.

mod folder;

use std::io;
use std::path::Path;
use std::time::Duration;

use littoral_types::Wall;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use crate::certificate::{ReadError, inspect, read_file};
use crate::files::{read_secret, write, write_secret};
use crate::identity::{Identity, IdentityError};

pub use folder::Folder;

/// How long a node's certificate holds unless somebody says otherwise.
pub const NODE_DAYS: u32 = 90;
/// How long an authority's own certificate says it holds.
pub const AUTHORITY_DAYS: u32 = 3_650;
/// Certificates hold from a little before they are made: clocks differ.
pub const BACKDATED: Duration = Duration::from_secs(60 * 60);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("{0} holds an authority already")]
    Exists(String),
    #[error("{0} holds no authority that waits to take over; prepare one first")]
    NoNext(String),
    #[error("the authority is of network {ours}, the node of {theirs}")]
    Network { ours: String, theirs: String },
    #[error("{0} is no certificate of an authority")]
    NoAuthority(String),
}

/// A key that signs certificates, and its own certificate.
pub struct Authority {
    name: String,
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

/// A node's key and certificate, in PEM. Shown to nobody: it has no `Debug`.
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

/// What the common name of an authority of ours begins with; the network, a slash and when it was
/// made follow.
const NAME: &str = "littoral authority ";

impl Authority {
    /// A new one, with a key of its own.
    ///
    /// # Errors
    /// When `network` is no name.
    pub fn create(network: &str, now: Wall) -> Result<Self, Error> {
        Identity::new(network, "r", "l", "n")?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let name = format!("{NAME}{network}/{}", now.0);
        let mut params = authority_params(&name);
        holds(&mut params, now, AUTHORITY_DAYS);
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { name, key, certificate })
    }

    /// # Errors
    /// When the files are not there, or hold something else.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let list = read_file(certificate)?;
        let [certificate_der] = list.as_slice() else {
            return Err(Error::NoAuthority(certificate.display().to_string()));
        };
        let inspected = inspect(certificate_der)?;
        if inspected.identity.is_some() || network_of(&inspected.subject).is_none() {
            return Err(Error::NoAuthority(certificate.display().to_string()));
        }
        let key = KeyPair::from_pem(&read_secret(key).map_err(|source| file(key, source))?)?;
        Ok(Self { name: inspected.subject, key, certificate: certificate_der.clone() })
    }

    /// # Errors
    /// When the disk refuses.
    pub fn save(&self, certificate: &Path, key: &Path) -> Result<(), Error> {
        let secret = self.key.serialize_pem();
        write_secret(key, secret.as_bytes()).map_err(|source| file(key, source))?;
        write(certificate, pem(&self.certificate).as_bytes())
            .map_err(|source| file(certificate, source))
    }

    pub fn network(&self) -> &str {
        network_of(&self.name).unwrap_or_default()
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }

    /// The certificate of one node, with a new key.
    ///
    /// # Errors
    /// When the node is of another network.
    pub fn issue(&self, identity: &Identity, days: u32, now: Wall) -> Result<Issued, Error> {
        if identity.network != self.network() {
            let (ours, theirs) = (self.network().to_owned(), identity.network.clone());
            return Err(Error::Network { ours, theirs });
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&identity.node);
        params.subject_alt_names = vec![SanType::URI(identity.to_string().try_into()?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        holds(&mut params, now, days);
        let authority = authority_params(&self.name);
        let certificate = params.signed_by(&key, &Issuer::from_params(&authority, &self.key))?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Issued {
    /// Writes both beside each other; the key for its owner only.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save(&self, certificate: &Path, key: &Path) -> Result<(), Error> {
        write_secret(key, self.key.as_bytes()).map_err(|source| file(key, source))?;
        write(certificate, self.certificate.as_bytes()).map_err(|source| file(certificate, source))
    }
}

/// The part of an authority's certificate that issuing has to know again.
fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn network_of(name: &str) -> Option<&str> {
    name.strip_prefix(NAME)?.split_once('/').map(|(network, _)| network)
}

/// Sets from when, a little before now, until when, `days` from now.
fn holds(params: &mut CertificateParams, now: Wall, days: u32) {
    let epoch = date_time_ymd(1970, 1, 1);
    let now = Duration::from_secs(now.seconds());
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + (now + DAY * days);
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn file(path: &Path, source: io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}
