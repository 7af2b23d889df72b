//! Messages as bytes: an encoded head and, beside it, the bodies it names, never copied.
//!
//! The forms here are the wire's own, converted at the border: a change of a domain type changes
//! no message by itself. Whatever does not follow them is refused, by a [`WireError`].
//!
//! ```
//! use bytes::Bytes;
//! use littoral_peer::wire::{decode_request, encode_request};
//! use littoral_peer::{Request, StoreCall};
//! use littoral_types::{Ctx, Mono, SpaceId, StoreId};
//!
//! let get = StoreCall::Get { space: SpaceId(7), key: Bytes::from_static(b"key") };
//! let ctx = Ctx { deadline: Mono(5_000_000), ..Ctx::default() };
//! let message = encode_request(&ctx, &Request::Store(StoreId(1), get), Mono(2_000_000));
//! // Here the clock shows another time: what is left of the deadline is what counts.
//! let (ctx, _request) = decode_request(message, Mono(9_000_000)).expect("our own message");
//! assert_eq!(ctx.deadline, Mono(12_000_000));
//! ```

mod bounded;
mod followed;
mod keeper;
mod measured;
mod parts;
mod question;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use littoral_types::{Body, Ctx, Mono};
use serde::{Deserialize, Serialize};

use crate::{Error, Reply, Request, Trailer, Trailing};

/// The first byte of every head. Never reused: a new shape gets a new number.
pub const VERSION: u8 = 1;

/// Bytes of a head: a full page of keys with their metadata.
pub const HEAD_BYTES_MAX: usize = 64 << 20;
/// Bytes of one body: far above the largest value, so that it is only a guard.
pub const BODY_BYTES_MAX: u64 = 1 << 30;
/// Bytes of a key, a prefix or a cursor.
pub const KEY_BYTES_MAX: usize = 4 << 10;
/// Bytes of what a front keeps beside a value.
pub const META_BYTES_MAX: usize = 64 << 10;
/// Bytes of what a front wants its origin told besides the key.
pub const ASKED_BYTES_MAX: usize = 64 << 10;
/// Bytes of an error's words; longer ones are cut when they are sent.
pub const TEXT_BYTES_MAX: usize = 4 << 10;
/// Bytes of the signed document of an epoch.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Tags of one entry.
pub const TAGS_MAX: usize = 1_024;
/// Locations that a call allows by name.
pub const ALLOWED_MAX: usize = 4_096;
/// Locations to which a node may tell its round trips: as many as there can be.
pub const TRIPS_MAX: usize = 65_536;
/// Items of a page, or records of a stretch. Who asks for more gets at most this many.
pub const PAGE_MAX: usize = 65_536;

/// A message ready to be sent, or as it came.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub head: Bytes,
    /// In the order in which the head names them; never [`Body::Absent`].
    pub bodies: Vec<Body>,
}

/// Why a message is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("message is cut short")]
    Short,
    #[error("message has format {0}, this node reads {VERSION}; was it sent by a newer Littoral?")]
    Version(u8),
    #[error("message is not of the kind that is expected here")]
    Kind,
    #[error("message does not decode, or holds more than it may")]
    Shape,
    #[error("message goes on after its end")]
    Trailing,
    #[error("{what} is longer than {max}")]
    TooLong { what: &'static str, max: u64 },
    #[error("bodies are not those that the head names")]
    Bodies,
    #[error("there is no store {0}")]
    Store(u8),
}

/// What a head is of: its second byte.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Request = 1,
    Reply = 2,
    Trailer = 3,
}

/// `now`: on the sender's clock, for what is left of the deadline.
pub fn encode_request(ctx: &Ctx, request: &Request, now: Mono) -> Message {
    let mut bodies = Vec::new();
    let form = request::Form::of(ctx, request, now, &mut bodies);
    Message { head: seal(Kind::Request, &form), bodies }
}

/// `now`: on the receiver's clock.
///
/// # Errors
/// When it is no request as [`encode_request`] makes it.
pub fn decode_request(message: Message, now: Mono) -> Result<(Ctx, Request), WireError> {
    let form: request::Form<'_> = open(Kind::Request, &message.head)?;
    let mut bodies = parts::Bodies::new(message.bodies);
    let decoded = form.decode(now, &mut bodies)?;
    bodies.end().map(|()| decoded)
}

/// Whether a trailer may follow is part of the message; the trailer itself comes apart.
pub fn encode_reply(reply: &Result<Reply, Error>) -> Message {
    let mut bodies = Vec::new();
    let form = reply::Form::of(reply, &mut bodies);
    Message { head: seal(Kind::Reply, &form), bodies }
}

/// `trailing`: where a trailer will arrive, for an answer that may have one.
///
/// # Errors
/// When it is no reply as [`encode_reply`] makes it.
pub fn decode_reply(
    message: Message,
    trailing: Trailing,
) -> Result<Result<Reply, Error>, WireError> {
    let form: reply::Form<'_> = open(Kind::Reply, &message.head)?;
    let mut bodies = parts::Bodies::new(message.bodies);
    let decoded = form.decode(trailing, &mut bodies)?;
    bodies.end().map(|()| decoded)
}

pub fn encode_trailer(trailer: Trailer) -> Bytes {
    seal(Kind::Trailer, &reply::TrailerForm::from(trailer))
}

/// # Errors
/// When it is no trailer as [`encode_trailer`] makes it.
pub fn decode_trailer(head: &[u8]) -> Result<Trailer, WireError> {
    open::<reply::TrailerForm>(Kind::Trailer, head)?.decode()
}

/// # Panics
/// Never: every form knows the length of its lists.
fn seal<T: Serialize>(kind: Kind, form: &T) -> Bytes {
    let head = postcard::to_extend(form, vec![VERSION, kind as u8])
        .expect("a form of known shape serializes into memory");
    head.into()
}

fn open<'a, T: Deserialize<'a>>(kind: Kind, head: &'a [u8]) -> Result<T, WireError> {
    if head.len() > HEAD_BYTES_MAX {
        return Err(WireError::TooLong { what: "head", max: HEAD_BYTES_MAX as u64 });
    }
    let ([version, found], form) = head.split_first_chunk().ok_or(WireError::Short)?;
    if *version != VERSION {
        return Err(WireError::Version(*version));
    }
    if *found != kind as u8 {
        return Err(WireError::Kind);
    }
    match postcard::take_from_bytes(form) {
        Ok((form, [])) => Ok(form),
        Ok(_) => Err(WireError::Trailing),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(WireError::Short),
        Err(_) => Err(WireError::Shape),
    }
}
