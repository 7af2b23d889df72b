//! A node's own certificate and whom it trusts, read from files and read again while it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use littoral_clock::Clock;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::certificate::{Inspected, ReadError, inspect, read_file};
use crate::files::read_secret;
use crate::identity::Identity;
use crate::members::Members;
use crate::signed::{self, SignedError};
use crate::trust;

/// Where a node's certificate, its key and the authorities it trusts lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities: one, or two while one follows the other.
    pub trusted: PathBuf,
}

/// A node's certificates. Whoever begins a connection uses what was read last.
#[derive(Debug)]
pub struct Certificates {
    files: Files,
    clock: Clock,
    current: RwLock<Arc<Loaded>>,
}

pub(crate) struct Loaded {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) roots: Arc<RootCertStore>,
    authorities: Vec<CertificateDer<'static>>,
    identity: Identity,
    inspected: Inspected,
}

/// Why a node's certificates are of no use.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the key {path} cannot be read: {why}")]
    Key { path: String, why: String },
    #[error("{0} names no node; is it an authority's?")]
    NoIdentity(String),
    #[error("{path} is not signed by an authority that is trusted: {why}")]
    Untrusted { path: String, why: String },
    #[error("the certificate and its key are of no use: {0}")]
    Unusable(rustls::Error),
    #[error("this node is {now}, the certificate names {new}; restart it to become another")]
    Another { now: Box<Identity>, new: Box<Identity> },
}

impl Files {
    /// As `littoral ca` writes them.
    pub fn within(folder: &Path) -> Self {
        Self {
            certificate: folder.join("node.pem"),
            key: folder.join("node.key"),
            trusted: folder.join("trusted.pem"),
        }
    }
}

impl Certificates {
    /// # Errors
    /// When a file is missing or one does not fit the others. An expired certificate is taken: the
    /// node can serve its clients, and others refuse it.
    pub fn load(files: Files, clock: Clock) -> Result<Arc<Self>, CertificatesError> {
        let loaded = RwLock::new(Arc::new(Loaded::read(&files, &clock)?));
        Ok(Arc::new(Self { files, clock, current: loaded }))
    }

    /// Reads the files again. Connections that stand are not touched.
    ///
    /// # Errors
    /// As [`Certificates::load`]; what was read before then stays in use.
    pub fn reload(&self) -> Result<(), CertificatesError> {
        let new = Loaded::read(&self.files, &self.clock)?;
        let now = self.identity();
        if new.identity != now {
            let (now, new) = (Box::new(now), Box::new(new.identity));
            return Err(CertificatesError::Another { now, new });
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }

    pub fn identity(&self) -> Identity {
        self.current().identity.clone()
    }

    pub fn inspected(&self) -> Inspected {
        self.current().inspected.clone()
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The text that an authority of those trusted now has signed, without its signature.
    ///
    /// # Errors
    /// When none has.
    pub fn open_signed<'a>(&self, signed: &'a str) -> Result<&'a str, SignedError> {
        signed::open(signed, &self.current().authorities)
    }

    fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// For a connection to `expected` and nobody else.
    pub(crate) fn client(&self, expected: &Identity) -> Result<ClientConfig, rustls::Error> {
        trust::client(&self.current(), expected, &self.clock)
    }

    /// For connections from members.
    pub(crate) fn server(&self, members: &Arc<Members>) -> Result<ServerConfig, rustls::Error> {
        trust::server(&self.current(), members, &self.clock)
    }
}

impl Loaded {
    fn read(files: &Files, clock: &Clock) -> Result<Self, CertificatesError> {
        let chain = read_file(&files.certificate)?;
        let key_failed =
            |why: String| CertificatesError::Key { path: files.key.display().to_string(), why };
        let key = read_secret(&files.key).map_err(|error| key_failed(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| key_failed("it is no key in PEM".into()))?;
        let mut roots = RootCertStore::empty();
        let authorities = read_file(&files.trusted)?;
        for authority in &authorities {
            roots.add(authority.clone()).map_err(CertificatesError::Unusable)?;
        }
        let path = files.certificate.display().to_string();
        let inspected = inspect(&chain[0])?;
        let identity =
            inspected.identity.clone().ok_or(CertificatesError::NoIdentity(path.clone()))?;
        let loaded = Self { chain, key, roots: Arc::new(roots), authorities, identity, inspected };
        let within = clock.wall().max(loaded.inspected.not_before).min(loaded.inspected.not_after);
        trust::signed(&loaded, within)
            .map_err(|error| CertificatesError::Untrusted { path, why: error.to_string() })?;
        trust::client(&loaded, &loaded.identity, clock).map_err(CertificatesError::Unusable)?;
        Ok(loaded)
    }
}

impl std::fmt::Debug for Loaded {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inspected.fmt(f)
    }
}
