//! Calls between nodes: the messages, and the carriers that take them.
//!
//! A node reaches another only through a [`Carrier`]. The [in-process one](local) passes the typed
//! message, bodies uncopied, and awaits the modelled trip; network carriers encode it.

pub mod faults;
pub mod local;
mod message;
mod parcel;
mod trip;
pub mod wire;

pub use message::{
    Age, Answer, Filter, Follow, Followed, Gossip, Held, Hop, HopReport, Hops, Measured, Minimum,
    Opaque, Outcome, Push, Question, Reply, Request, StoreCall, StoreReply, Terms, Trailer,
    Trailing, Truth, Wrote, trailer,
};
pub use trip::{Meter, Trip};

use futures_util::future::BoxFuture;
use littoral_types::{Ctx, LocationId, Mono, SpaceId};

/// Takes a call to another node and brings the answer back.
pub trait Carrier: Send + Sync + 'static {
    /// Ends by `ctx.deadline` at the latest.
    fn call(
        &self,
        to: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>>;

    /// Whether somebody there has lately shown a sign of life, as far as this carrier looks.
    fn well(&self, _to: LocationId) -> bool {
        true
    }

    /// The round trip to somebody there, as far as this carrier has measured it.
    fn trip(&self, _to: LocationId) -> Option<Trip> {
        None
    }

    /// Since when this node keeps a key in its location; `None`: another node there does. All of a
    /// location's nodes rank its keys alike, and one that is not well is stood in for by the next.
    fn keeps(&self, _space: SpaceId, _key: &[u8]) -> Option<Mono> {
        Some(Mono::LONG_AGO)
    }

    /// The location's other nodes that are well and rank before this one for a key, the keeper first.
    fn keepers(&self, _space: SpaceId, _key: &[u8]) -> Vec<Sibling> {
        Vec::new()
    }

    /// All other nodes of the location that are well.
    fn siblings(&self) -> Vec<Sibling> {
        Vec::new()
    }

    /// As [`Carrier::call`], to one of the location's other nodes.
    fn call_sibling(
        &self,
        _to: Sibling,
        _ctx: Ctx,
        _request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async { Err(Error::Unreachable) })
    }
}

/// Another node of this node's location, by a number that only its carrier understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sibling(pub u64);

/// Answers calls from other nodes.
pub trait Service: Send + Sync + 'static {
    fn handle(
        &self,
        from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>>;
}

/// Why a call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No way there, or the other side closed. Another node may do.
    #[error("peer is unreachable")]
    Unreachable,
    /// No answer before the deadline; the call may have had an effect.
    #[error("peer did not answer in time")]
    Deadline,
    /// The other side has too much to do.
    #[error("peer is overloaded")]
    Overloaded,
    /// The other side reached the truth, which has nothing as new as the client's minimum.
    #[error("no store holds a version as new as the client's minimum")]
    MinimumUnmet,
    /// The other side could not reach the truth and holds nothing it may serve.
    #[error("the truth is unavailable: {0}")]
    Unavailable(String),
    /// A store has it, but not as it was written.
    #[error("{0}")]
    Damaged(String),
    /// A stamp from a clock too far ahead.
    #[error("{0}")]
    Skew(String),
    /// The other side does not serve this, or the message makes no sense.
    #[error("peer refused: {0}")]
    Refused(String),
}
