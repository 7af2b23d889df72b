//! Certificates that change while nodes run, and authorities that follow one another.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use littoral_peer::Carrier as _;

use super::world::{AMS, NETWORK, World, ams, ask, body_of, named, nyc, peer};
use crate::ca::{self, NODE_DAYS};
use crate::certificates::CertificatesError;
use crate::{Certificates, Files, inspect_file};

#[tokio::test]
async fn an_authority_follows_another_while_nodes_run() {
    let world = World::new();
    let running = world.serve(&ams("a"), named("a")).await;
    let calling = world.certificates(&nyc("b"));
    let client = || {
        let peers = vec![peer(AMS, ams("a"), running.address)];
        world.client_with(calling.clone(), peers, crate::client::Options::default())
    };
    let kept = client();
    assert_eq!(body_of(kept.call(AMS, world.ctx(), ask("key")).await), b"a");
    let nodes = [&running.certificates, &calling];
    let trust = || {
        for node in nodes {
            fs::copy(world.ca().trusted(), &node.files().trusted).unwrap();
            node.reload().unwrap();
        }
    };
    world.ca().prepare(world.clock.wall()).unwrap();
    world.ca().prepare(world.clock.wall()).unwrap();
    assert_eq!(inspect_file(&world.ca().trusted()).unwrap().len(), 2, "again is no other");
    trust();
    world.ca().promote().unwrap();
    // Nodes get their new certificates one after the other; in between both kinds meet.
    for node in nodes {
        let identity = node.identity();
        world.issue(&world.ca(), &identity, world.clock.wall());
        node.reload().unwrap();
        assert_eq!(body_of(client().call(AMS, world.ctx(), ask("key")).await), b"a");
    }
    world.ca().retire().unwrap();
    assert_eq!(inspect_file(&world.ca().trusted()).unwrap().len(), 1);
    trust();
    assert_eq!(body_of(client().call(AMS, world.ctx(), ask("key")).await), b"a");
    assert_eq!(body_of(kept.call(AMS, world.ctx(), ask("key")).await), b"a");
}

#[tokio::test]
async fn new_connections_use_the_certificate_that_was_read_last() {
    let world = World::new();
    let running = world.serve(&ams("a"), named("a")).await;
    let calling = world.certificates(&nyc("b"));
    let peers = vec![peer(AMS, ams("a"), running.address)];
    let kept = world.client_with(calling.clone(), peers.clone(), crate::client::Options::default());
    assert_eq!(body_of(kept.call(AMS, world.ctx(), ask("key")).await), b"a");
    // Another authority altogether: only who has read it is let in.
    let other = ca::Folder::new(world.folder.path().join("other"));
    other.create(NETWORK, world.clock.wall()).unwrap();
    world.issue(&other, &ams("a"), world.clock.wall());
    running.certificates.reload().unwrap();
    let fresh = world.client_with(calling.clone(), peers, crate::client::Options::default());
    assert!(fresh.call(AMS, world.ctx(), ask("key")).await.is_err());
    assert_eq!(body_of(kept.call(AMS, world.ctx(), ask("key")).await), b"a", "it stands");
    world.issue(&other, &nyc("b"), world.clock.wall());
    calling.reload().unwrap();
    let mut reply = fresh.call(AMS, world.ctx(), ask("key")).await;
    while reply.is_err() {
        // The pause after the connection that failed.
        world.clock.sleep(Duration::from_millis(10)).await;
        reply = fresh.call(AMS, world.ctx(), ask("key")).await;
    }
    assert_eq!(body_of(reply), b"a");
}

#[test]
fn what_does_not_fit_together_is_not_taken() {
    let world = World::new();
    let certificates = world.certificates(&ams("a"));
    let Files { certificate, key, trusted } = certificates.files().clone();
    let sound = fs::read(&key).unwrap();
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a key is for its owner only");
    let another = world.certificates(&nyc("b"));
    fs::copy(&another.files().key, &key).unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(matches!(error, CertificatesError::Unusable(_)), "{error}");
    fs::write(&key, "no key").unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(error.to_string().contains("no key in PEM"), "{error}");
    fs::write(&key, sound).unwrap();
    certificates.reload().unwrap();
    fs::copy(&another.files().certificate, &certificate).unwrap();
    fs::copy(&another.files().key, &key).unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(matches!(error, CertificatesError::Another { .. }), "{error}");
    let other = ca::Folder::new(world.folder.path().join("other"));
    other.create(NETWORK, world.clock.wall()).unwrap();
    fs::copy(other.trusted(), &trusted).unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(matches!(error, CertificatesError::Untrusted { .. }), "{error}");
    assert_eq!(certificates.identity(), ams("a"), "what was read before stays");
    fs::copy(other.trusted(), &certificate).unwrap();
    let error = Certificates::load(certificates.files().clone(), world.clock.clone()).unwrap_err();
    assert!(matches!(error, CertificatesError::NoIdentity(_)), "{error}");
}

#[test]
fn a_certificate_says_whose_it_is_and_when_it_holds() {
    let world = World::new();
    let now = world.clock.wall();
    let files = world.issue(&world.ca(), &ams("a"), now);
    let [inspected] = inspect_file(&files.certificate).unwrap().try_into().unwrap();
    assert_eq!(inspected.identity, Some(ams("a")));
    let days = Duration::from_secs(u64::from(NODE_DAYS) * 24 * 60 * 60);
    let left = inspected.left(now);
    assert!(left <= days && left > days - Duration::from_secs(2), "{left:?}");
    assert!(inspected.not_before.plus(ca::BACKDATED) <= now);
    let [authority] = inspect_file(&files.trusted).unwrap().try_into().unwrap();
    assert_eq!(authority.identity, None);
    assert!(authority.subject.starts_with("littoral authority test/"), "{authority:?}");
    let stranger = crate::Identity::new("other", "eu", "ams", "a").unwrap();
    let issued = world.ca().authority().unwrap().issue(&stranger, 1, now);
    assert!(matches!(issued.err(), Some(ca::Error::Network { .. })));
    assert!(matches!(world.ca().create(NETWORK, now).err(), Some(ca::Error::Exists(_))));
    assert!(matches!(world.ca().promote().err(), Some(ca::Error::NoNext(_))));
}
