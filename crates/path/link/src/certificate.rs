//! What a certificate says: the identity it names, when it holds, who it is of.
//!
//! Read for people and for what TLS does not tell; whether a certificate is *true* is decided by
//! the TLS library alone, before anything here is believed.

mod der;

use std::path::Path;

use littoral_types::Wall;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::identity::{Identity, IdentityError};

/// What stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// `None`: of an authority.
    pub identity: Option<Identity>,
    /// The common name.
    pub subject: String,
    pub not_before: Wall,
    pub not_after: Wall,
}

/// Why bytes are no certificate of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("{0} cannot be read: {1}")]
    File(String, String),
    #[error("it is no certificate")]
    Shape,
    #[error("the certificate names more than one URI")]
    Many,
    #[error("the certificate's URI names no node: {0}")]
    Identity(#[from] IdentityError),
}

impl Inspected {
    /// How long the certificate still holds; zero when it has expired.
    pub fn left(&self, now: Wall) -> std::time::Duration {
        std::time::Duration::from_millis(self.not_after.0.saturating_sub(now.0))
    }
}

/// # Errors
/// When it is no certificate, or names something else than one node.
pub fn inspect(certificate: &[u8]) -> Result<Inspected, ReadError> {
    let fields = der::read(certificate).ok_or(ReadError::Shape)?;
    let identity = match fields.uris.as_slice() {
        [] => None,
        [uri] => Some(uri.parse()?),
        _ => return Err(ReadError::Many),
    };
    let der::Fields { subject, not_before, not_after, .. } = fields;
    Ok(Inspected { identity, subject, not_before, not_after })
}

/// Every certificate of a PEM file, first to last.
///
/// # Errors
/// When the file cannot be read, or one of them is not of ours.
pub fn inspect_file(path: &Path) -> Result<Vec<Inspected>, ReadError> {
    read_file(path)?.iter().map(|certificate| inspect(certificate)).collect()
}

/// The certificates of a PEM file: at least one.
pub(crate) fn read_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, ReadError> {
    let failed = |why: String| ReadError::File(path.display().to_string(), why);
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let list = list.map_err(|error| failed(error.to_string()))?;
    if list.is_empty() { Err(failed("it holds no certificate".into())) } else { Ok(list) }
}
