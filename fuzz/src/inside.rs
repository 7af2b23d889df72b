//! Targets of what comes from other nodes, from disks, and from recorders of histories.

use bytes::Bytes;
use littoral_history::{Bounds, History, check};
use littoral_peer::Trailing;
use littoral_peer::wire::{self, Message};
use littoral_types::{Body, Mono};

const NOW: Mono = Mono(1_000_000_000);

/// A message as it comes: its kind, the number and lengths of its bodies, its head.
pub(crate) fn message(bytes: &[u8]) {
    let Some((kind, message)) = read_message(bytes) else { return };
    match kind % 3 {
        0 => request(message),
        1 => reply(message),
        _ => trailer(&message.head),
    }
}

/// What a node would send, as [`message`] reads it.
pub(crate) fn write_message(kind: u8, message: &Message) -> Vec<u8> {
    let mut bytes = vec![kind, message.bodies.len() as u8];
    for body in &message.bodies {
        bytes.extend_from_slice(&(body.len() as u16).to_le_bytes());
    }
    bytes.extend_from_slice(&message.head);
    bytes
}

fn read_message(bytes: &[u8]) -> Option<(u8, Message)> {
    let ([kind, count], rest) = bytes.split_first_chunk()?;
    let (lengths, head) = rest.split_at_checked(2 * usize::from(*count))?;
    let (lengths, _) = lengths.as_chunks();
    let body = |len: &[u8; 2]| Body::Bytes(vec![0; u16::from_le_bytes(*len).into()].into());
    let bodies = lengths.iter().map(body).collect();
    Some((*kind, Message { head: Bytes::copy_from_slice(head), bodies }))
}

/// The head may be written in more ways than one; what it says may not.
fn request(message: Message) {
    let Ok((ctx, request)) = wire::decode_request(message, NOW) else { return };
    let written = wire::encode_request(&ctx, &request, NOW);
    let (again_ctx, again) = wire::decode_request(written, NOW).expect("our own request");
    assert_eq!(format!("{request:?}"), format!("{again:?}"), "a request comes back");
    let left = |deadline: Mono| deadline.0 - NOW.0;
    assert!(left(again_ctx.deadline) <= left(ctx.deadline), "no time is won on the way");
    assert_eq!(ctx.allowed, again_ctx.allowed, "what is allowed comes back");
}

fn reply(message: Message) {
    let Ok(reply) = wire::decode_reply(message, Trailing::NONE) else { return };
    let written = wire::encode_reply(&reply);
    let again = wire::decode_reply(written, Trailing::NONE).expect("our own reply");
    assert_eq!(format!("{reply:?}"), format!("{again:?}"), "a reply comes back");
}

fn trailer(head: &[u8]) {
    let Ok(trailer) = wire::decode_trailer(head) else { return };
    let again = wire::decode_trailer(&wire::encode_trailer(trailer));
    assert_eq!(again, Ok(trailer), "a trailer comes back");
}

/// What a node shows to say who it is.
pub(crate) fn certificate(bytes: &[u8]) {
    littoral_link::fuzzing::certificate(bytes);
}

/// The stream of bytes in which a message comes.
pub(crate) fn frames(bytes: &[u8]) {
    littoral_link::fuzzing::frames(bytes);
}

pub(crate) const IDENTITY_WORDS: &[&str] =
    &["littoral://", "/", "-", ".", "_", "prod", "ams", "1", ",", "255", " "];

/// A node's name, or the formats it reads.
pub(crate) fn identity(bytes: &[u8]) {
    littoral_link::fuzzing::words(bytes);
}

pub(crate) fn store(bytes: &[u8]) {
    littoral_store::fuzzing::decode(bytes);
    littoral_store::fuzzing::decode_sealed(bytes);
}

pub(crate) fn disk(bytes: &[u8]) {
    littoral_disk::fuzzing::decode(bytes);
    littoral_disk::fuzzing::decode_sealed(bytes);
}

pub(crate) const HISTORY_WORDS: &[&str] = &[
    "{",
    "}",
    ",",
    ":",
    "\n",
    "\"process\":",
    "\"location\":",
    "\"op\":",
    "\"get\"",
    "\"put\"",
    "\"delete\"",
    "\"cas\"",
    "\"key\":",
    "\"version\":",
    "\"min_version\":",
    "\"if_match\":",
    "null",
    "\"start_ns\":",
    "\"end_ns\":",
    "18446744073709551615",
    "0",
    "\"outcome\":",
    "\"ok\"",
    "\"absent\"",
    "\"refused\"",
    "\"unknown\"",
    "\"0192-1\"",
];

/// A history is read or refused, and whatever was read can be judged, twice the same.
pub(crate) fn history(bytes: &[u8]) {
    let Ok(history) = History::read(bytes) else { return };
    let report = check(&history, &Bounds::default());
    assert_eq!(report.operations, history.operations(), "every operation is judged");
    assert_eq!(report, check(&history, &Bounds::default()), "one history, one judgement");
}
