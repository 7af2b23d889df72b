//! Texts that the network's authority has signed: whoever passes one on need not be believed.
//!
//! The first line is the signature of all that follows it, as ECDSA over P-256 and SHA-256 in
//! base64; the rest is the text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::SigningKey as _;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::ca::{Authority, Error};

const HEAD: &str = "# littoral-signature ";

/// Why a signed text is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    #[error("it bears no signature")]
    Unsigned,
    #[error("no authority that is trusted here has signed it")]
    Untrusted,
}

impl Authority {
    /// The text, and above it its signature.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, text: &str) -> Result<String, Error> {
        let signature = STANDARD.encode(self.key().sign(text.as_bytes())?);
        Ok(format!("{HEAD}{signature}\n{text}"))
    }
}

/// The text under the signature, if one of these authorities made it.
pub(crate) fn open<'a>(
    signed: &'a str,
    trusted: &[CertificateDer<'_>],
) -> Result<&'a str, SignedError> {
    let (head, text) = signed.split_once('\n').ok_or(SignedError::Unsigned)?;
    let signature = head.strip_prefix(HEAD).ok_or(SignedError::Unsigned)?;
    let signature = STANDARD.decode(signature).map_err(|_| SignedError::Unsigned)?;
    let made = |authority: &CertificateDer<'_>| {
        EndEntityCert::try_from(authority).is_ok_and(|authority| {
            let algorithm = webpki::ring::ECDSA_P256_SHA256;
            authority.verify_signature(algorithm, text.as_bytes(), &signature).is_ok()
        })
    };
    trusted.iter().any(made).then_some(text).ok_or(SignedError::Untrusted)
}

#[cfg(test)]
mod tests {
    use littoral_types::Wall;

    use super::*;

    #[test]
    fn a_text_is_believed_only_as_an_authority_that_is_trusted_signed_it() {
        let now = Wall(1_700_000_000_000);
        let [ours, other] = [(); 2].map(|()| Authority::create("test", now).expect("made"));
        let trusted = [other.certificate().clone(), ours.certificate().clone()];
        let text = "epoch = 2\n\n[[locations]]\n";
        let signed = ours.sign(text).expect("signed");
        assert_eq!(open(&signed, &trusted), Ok(text));
        assert_eq!(open(&signed, &trusted[..1]), Err(SignedError::Untrusted));
        let changed = signed.replace("= 2", "= 3");
        assert_eq!(open(&changed, &trusted), Err(SignedError::Untrusted));
        for bad in ["", "epoch = 2\n", "# littoral-signature !\nx", text] {
            assert_eq!(open(bad, &trusted), Err(SignedError::Unsigned), "{bad}");
        }
    }
}
