//! Bytes through a relay: late, held, cut.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use super::*;
use crate::wait::Stopwatch;

const TRIP: Duration = Duration::from_millis(60);
/// Long enough that what has not come is not on its way.
const SILENCE: Duration = Duration::from_millis(300);

/// A relay to a server, a connection through it, and its other end.
fn linked(usual: Weather) -> (Relays, Relay, TcpStream, TcpStream) {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let relays = Relays::new().unwrap();
    let here = Ipv4Addr::LOCALHOST.into();
    let relay = relays.between(here, server.local_addr().unwrap(), usual).unwrap();
    let near = TcpStream::connect(relay.address()).unwrap();
    let (far, _) = server.accept().unwrap();
    near.set_read_timeout(Some(SILENCE)).unwrap();
    far.set_read_timeout(Some(SILENCE)).unwrap();
    (relays, relay, near, far)
}

/// What comes within the time.
fn next(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = [0; 64];
    let read = from.read(&mut bytes).ok()?;
    Some(bytes[..read].to_vec())
}

#[test]
fn bytes_come_late_in_order_and_whole_in_both_directions() {
    let (_relays, _relay, mut near, mut far) =
        linked(Weather::of_trip(TRIP, Duration::from_millis(5)));
    let watch = Stopwatch::start();
    let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    near.write_all(&sent).unwrap();
    let mut got = vec![0; sent.len()];
    far.read_exact(&mut got).unwrap();
    assert_eq!(got, sent);
    assert!(watch.elapsed() >= TRIP / 2, "{:?}", watch.elapsed());
    let watch = Stopwatch::start();
    far.write_all(b"back").unwrap();
    assert_eq!(next(&mut near).as_deref(), Some(&b"back"[..]));
    assert!(watch.elapsed() >= TRIP / 2, "{:?}", watch.elapsed());
    drop(near);
    assert_eq!(next(&mut far).as_deref(), Some(&b""[..]), "the end is passed on");
}

#[test]
fn what_is_held_in_one_direction_arrives_once_it_is_not() {
    let (_relays, relay, mut near, mut far) = linked(Weather::default());
    relay.set(relay.usual().held_back());
    near.write_all(b"question").unwrap();
    assert_eq!(next(&mut far).as_deref(), Some(&b"question"[..]), "the other way is open");
    far.write_all(b"answer").unwrap();
    assert_eq!(next(&mut near), None);
    relay.restore();
    assert_eq!(next(&mut near).as_deref(), Some(&b"answer"[..]));
}

#[test]
fn a_cut_ends_what_is_open_and_what_is_opened() {
    let (_relays, relay, mut near, _far) = linked(Weather::default());
    relay.set(relay.usual().cut());
    let ended = |read: io::Result<usize>| match read {
        Ok(read) => read == 0,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    };
    assert!(ended(near.read(&mut [0; 8])));
    let mut late = TcpStream::connect(relay.address()).unwrap();
    late.set_read_timeout(Some(SILENCE)).unwrap();
    assert!(ended(late.read(&mut [0; 8])));
}
