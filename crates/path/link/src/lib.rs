//! The carrier between machines: HTTP/2 over mutual TLS.
//!
//! A [`Client`] takes calls to other nodes and a [`Server`] answers theirs; both speak of nodes by
//! the [`Identity`] in a certificate that an authority of the network has signed. What is carried
//! is `littoral_peer::wire`'s, in [frames](frame): nothing here knows what a message means, save
//! that a write is never taken back half-way.

mod identity;
mod certificate;
mod files;
pub mod ca;
mod members;
mod life;
mod signed;
mod trust;
mod certificates;
mod format;
mod frame;
mod file;
mod outgoing;
mod incoming;
mod spawner;
pub mod client;
pub mod server;
mod metrics;
pub mod fuzzing;

pub use certificate::{Inspected, ReadError, inspect, inspect_file};
pub use certificates::{Certificates, CertificatesError, Files};
pub use client::{Client, Peer, PeerState, Siblings};
pub use format::Formats;
pub use identity::{Identity, IdentityError, NAME_BYTES_MAX};
pub use life::{Life, places_mark};
pub use members::Members;
pub use server::Server;
pub use signed::SignedError;

#[cfg(test)]
mod tests;

/// Where a sign of life is asked for.
const PING: &str = "/ping";

/// An error with all its causes, which the HTTP library's own words leave out.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        let text = found.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = found.source();
    }
    words
}
