//! An authority's folder, and how one authority follows another without a node being shut out.
//!
//! Rotation has three steps, with a reload of every node's files between them: the next authority
//! is trusted beside the one in use; it takes over, and nodes get new certificates; the old one
//! is forgotten.

use std::fs;
use std::path::{Path, PathBuf};

use littoral_types::Wall;
use rustls::pki_types::CertificateDer;

use super::{Authority, Error, file, pem};
use crate::certificate::read_file;
use crate::files::write;

/// Where an authority's key lies, with the bundle of all that are trusted.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The bundle that every node gets a copy of.
    pub fn trusted(&self) -> PathBuf {
        self.0.join("trusted.pem")
    }

    fn files(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.0.join(format!("{name}.pem")), self.0.join(format!("{name}.key")))
    }

    /// The first authority of a network.
    ///
    /// # Errors
    /// When the folder holds one already, or cannot be written.
    pub fn create(&self, network: &str, now: Wall) -> Result<Authority, Error> {
        let (certificate, key) = self.files("authority");
        if certificate.exists() || key.exists() {
            return Err(Error::Exists(self.0.display().to_string()));
        }
        fs::create_dir_all(&self.0).map_err(|source| file(&self.0, source))?;
        let authority = Authority::create(network, now)?;
        authority.save(&certificate, &key)?;
        self.trust(&[authority.certificate().clone()])?;
        Ok(authority)
    }

    /// The authority that signs.
    ///
    /// # Errors
    /// When there is none.
    pub fn authority(&self) -> Result<Authority, Error> {
        let (certificate, key) = self.files("authority");
        Authority::load(&certificate, &key)
    }

    /// First step: makes the next authority, trusted beside the one in use. Again, it changes
    /// nothing.
    ///
    /// # Errors
    /// When there is no authority, or the folder cannot be written.
    pub fn prepare(&self, now: Wall) -> Result<(), Error> {
        let (certificate, key) = self.files("next");
        if !certificate.exists() {
            let next = Authority::create(self.authority()?.network(), now)?;
            next.save(&certificate, &key)?;
        }
        let next = Authority::load(&certificate, &key)?;
        let mut all = self.bundle()?;
        if !all.contains(next.certificate()) {
            all.push(next.certificate().clone());
        }
        self.trust(&all)
    }

    /// Second step, once every node trusts the next authority: it signs from now on.
    ///
    /// # Errors
    /// When none was prepared, or the folder cannot be written.
    pub fn promote(&self) -> Result<Authority, Error> {
        let (next_certificate, next_key) = self.files("next");
        if !next_certificate.exists() {
            return Err(Error::NoNext(self.0.display().to_string()));
        }
        let next = Authority::load(&next_certificate, &next_key)?;
        let (certificate, key) = self.files("authority");
        next.save(&certificate, &key)?;
        for old in [next_certificate, next_key] {
            fs::remove_file(&old).map_err(|source| file(&old, source))?;
        }
        Ok(next)
    }

    /// Last step, once every node has a certificate of the authority in use: no other is trusted.
    ///
    /// # Errors
    /// When there is no authority, or the folder cannot be written.
    pub fn retire(&self) -> Result<(), Error> {
        let mut keep = vec![self.authority()?.certificate().clone()];
        let (certificate, key) = self.files("next");
        if certificate.exists() {
            keep.push(Authority::load(&certificate, &key)?.certificate().clone());
        }
        self.trust(&keep)
    }

    fn bundle(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        Ok(read_file(&self.trusted())?)
    }

    fn trust(&self, all: &[CertificateDer<'_>]) -> Result<(), Error> {
        let text: String = all.iter().map(pem).collect();
        let path: &Path = &self.trusted();
        write(path, text.as_bytes()).map_err(|source| file(path, source))
    }
}
