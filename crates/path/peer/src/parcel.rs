//! What the in-process carrier takes along: the message itself, or its wire form.

use littoral_types::{Ctx, Mono};

use crate::message::Trailing;
use crate::wire::{self, Message};
use crate::{Error, Reply, Request};

/// A request under way.
#[expect(clippy::large_enum_variant, reason = "encoding is for tests, and plain must not allocate")]
pub(crate) enum Parcel {
    Plain(Ctx, Request),
    Encoded(Message),
}

impl Parcel {
    /// `now`: when it leaves.
    pub(crate) fn pack(ctx: Ctx, request: Request, encoding: bool, now: Mono) -> Self {
        if encoding {
            Self::Encoded(wire::encode_request(&ctx, &request, now))
        } else {
            Self::Plain(ctx, request)
        }
    }

    /// A second one, for a network that delivers twice.
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Plain(ctx, request) => Self::Plain(ctx.clone(), request.copy()),
            Self::Encoded(message) => Self::Encoded(message.clone()),
        }
    }

    /// `now`: when it arrived.
    ///
    /// # Errors
    /// [`Error::Refused`] when it does not decode.
    pub(crate) fn open(self, now: Mono) -> Result<(Ctx, Request), Error> {
        match self {
            Self::Plain(ctx, request) => Ok((ctx, request)),
            Self::Encoded(message) => {
                wire::decode_request(message, now).map_err(|e| Error::Refused(e.to_string()))
            }
        }
    }
}

/// An answer through its wire form and back. Its trailer stays the channel it is.
pub(crate) fn through_wire(mut reply: Result<Reply, Error>) -> Result<Reply, Error> {
    let message = wire::encode_reply(&reply);
    let trailing = match &mut reply {
        Ok(Reply::Answer(answer)) => std::mem::take(&mut answer.trailing),
        _ => Trailing::NONE,
    };
    wire::decode_reply(message, trailing)
        .unwrap_or_else(|error| Err(Error::Refused(error.to_string())))
}
