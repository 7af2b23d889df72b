//! Whoever has not the right certificate gets nothing, and the log says who and why.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use littoral_peer::{Carrier as _, Error, Service};
use littoral_types::Wall;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tracing_subscriber::fmt::MakeWriter;

use super::world::{AMS, NETWORK, World, ams, ask, nyc, peer, says};
use crate::ca::Folder;
use crate::client::Options;
use crate::{Certificates, Identity, Members};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn listen() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone());
    (lines, tracing::subscriber::set_default(subscriber.finish()))
}

/// Counts whom it had to answer.
fn counting() -> (Arc<AtomicUsize>, Arc<dyn Service>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = says(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Err(Error::MinimumUnmet)
    });
    (asked, service)
}

/// A node with these certificates calls; nobody answers, and the server's log says `why`.
async fn refused(world: &World, certificates: Arc<Certificates>, why: &str) {
    let (lines, _guard) = listen();
    let (asked, service) = counting();
    let running = world.serve(&ams("a"), service).await;
    let peers = vec![peer(AMS, ams("a"), running.address)];
    let client = world.client_with(certificates, peers, Options::default());
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::Unreachable));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    world.until("it is told of", || lines.text().contains("node refused")).await;
    let text = lines.text();
    assert!(text.contains(why) && text.contains("peer=127.0.0.1:"), "{text}");
    let failed = client.peers()[0].failed.clone().unwrap_or_default();
    assert!(failed.contains("alert"), "the caller learns that it was refused: {failed}");
}

/// A node's files, signed by an authority of its own but trusting ours.
fn foreign(world: &World, network: &str, identity: &Identity, now: Wall) -> Arc<Certificates> {
    let other = Folder::new(world.folder.path().join("other"));
    other.create(network, now).unwrap();
    let files = world.issue(&other, identity, now);
    let mut both = std::fs::read(other.trusted()).unwrap();
    both.extend(std::fs::read(world.ca().trusted()).unwrap());
    std::fs::write(&files.trusted, both).unwrap();
    Certificates::load(files, world.clock.clone()).unwrap()
}

#[tokio::test]
async fn a_certificate_of_another_authority_gets_nothing() {
    let world = World::new();
    let certificates = foreign(&world, NETWORK, &nyc("b"), world.clock.wall());
    refused(&world, certificates, "of an authority that is not trusted").await;
}

#[tokio::test]
async fn an_expired_certificate_gets_nothing() {
    let world = World::new();
    let long_ago = Wall(world.clock.wall().0 - 100 * 24 * 60 * 60 * 1_000);
    let files = world.issue(&world.ca(), &nyc("b"), long_ago);
    let certificates = Certificates::load(files, world.clock.clone()).unwrap();
    refused(&world, certificates, "its certificate has expired").await;
}

#[tokio::test]
async fn a_location_that_is_not_in_the_topology_gets_nothing() {
    let world = World::new();
    let elsewhere = Identity::new(NETWORK, "eu", "par", "a").unwrap();
    let certificates = world.certificates(&elsewhere);
    let why = "the location of littoral://test/eu/par/a is not in the topology";
    refused(&world, certificates, why).await;
    let moved = Identity::new(NETWORK, "eu", "nyc", "a").unwrap();
    let why = "the topology has the location of littoral://test/eu/nyc/a in another region";
    refused(&world, world.certificates(&moved), why).await;
}

#[tokio::test]
async fn a_node_of_another_network_gets_nothing_even_of_a_trusted_authority() {
    let mut world = World::new();
    world.members = Members::new("another", &super::world::topology());
    let certificates = world.certificates(&nyc("b"));
    refused(&world, certificates, "littoral://test/us/nyc/b is of another network").await;
}

#[tokio::test]
async fn who_shows_no_certificate_gets_nothing() {
    let world = World::new();
    let (lines, _guard) = listen();
    let (_, service) = counting();
    let running = world.serve(&ams("a"), service).await;
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(running.address).await.unwrap();
    let name = ServerName::IpAddress(running.address.ip().into());
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    // The beginning of HTTP/2; it may be refused before this is sent.
    let _ = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "nothing is said: {end:?}");
    world.until("it is told of", || lines.text().contains("node refused")).await;
    assert!(lines.text().contains("it showed no certificate"), "{}", lines.text());
    // Whoever does not speak TLS at all.
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET /peer/1 HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_is_not_who_was_called_is_not_asked() {
    let world = World::new();
    let (asked, service) = counting();
    let running = world.serve(&ams("a"), service).await;
    for wanted in [nyc("a"), ams("b")] {
        let peers = vec![peer(AMS, wanted.clone(), running.address)];
        let client = world.client(&nyc("x"), peers);
        let reply = client.call(AMS, world.ctx(), ask("key")).await;
        assert_eq!(reply.err(), Some(Error::Unreachable));
        let failed = client.peers()[0].failed.clone().unwrap();
        assert!(failed.contains(&format!("it is {}, not {wanted}", ams("a"))), "{failed}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_server_of_another_authority_or_expired_is_not_asked() {
    let world = World::new();
    let (asked, service) = counting();
    let running = world.serve(&ams("a"), service).await;
    let calling = world.certificates(&nyc("x"));
    let long_ago = Wall(world.clock.wall().0 - 100 * 24 * 60 * 60 * 1_000);
    world.issue(&world.ca(), &ams("a"), long_ago);
    running.certificates.reload().unwrap();
    let failed = || async {
        let peers = vec![peer(AMS, ams("a"), running.address)];
        let client = world.client_with(calling.clone(), peers, Options::default());
        assert!(client.call(AMS, world.ctx(), ask("key")).await.is_err());
        client.peers()[0].failed.clone().unwrap()
    };
    let why = failed().await;
    assert!(why.contains("expired"), "{why}");
    let other = Folder::new(world.folder.path().join("other"));
    other.create(NETWORK, world.clock.wall()).unwrap();
    world.issue(&other, &ams("a"), world.clock.wall());
    running.certificates.reload().unwrap();
    let why = failed().await;
    assert!(why.contains("of an authority that is not trusted"), "{why}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_location_that_leaves_the_topology_is_answered_no_more() {
    let world = World::new();
    let (asked, service) = counting();
    let running = world.serve(&ams("a"), service).await;
    let client = world.client(&nyc("x"), vec![peer(AMS, ams("a"), running.address)]);
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::MinimumUnmet));
    world.members.set(&super::world::topology_without_nyc());
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert!(matches!(reply, Err(Error::Refused(_))), "{reply:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Believes whatever a server shows.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
