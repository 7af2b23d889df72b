//! Where what is asked for waits for the origin that will ask for it.
//!
//! A question between tiers carries a key and no request. Whoever asks leaves the request here under
//! the span of its context; the origin finds that of the one who leads. Those who join another's
//! question take theirs away again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use littoral_peer::Answer;
use littoral_types::{Ctx, Trace};
use tokio::sync::oneshot;

use crate::Error;
use crate::site::{Asking, Live};

/// What waits, by trace and span.
#[derive(Default)]
pub(crate) struct Desk(Mutex<HashMap<(u128, u64), Slot>>);

/// What the origin is to do.
pub(crate) enum Slot {
    /// Ask the site for this, and hand the answer over as it comes.
    Ask(Box<Asking>, oneshot::Sender<Result<Live, Error>>),
    /// Nothing: the answer is here already, to be kept.
    Keep(Box<Answer>),
}

/// Takes a slot away again, if nobody did.
pub(crate) struct Left {
    desk: Arc<Desk>,
    at: (u128, u64),
}

impl Desk {
    pub(crate) fn leave(self: &Arc<Self>, ctx: &Ctx, slot: Slot) -> Left {
        let at = place(ctx.trace);
        self.lock().insert(at, slot);
        Left { desk: Arc::clone(self), at }
    }

    pub(crate) fn take(&self, ctx: &Ctx) -> Option<Slot> {
        self.lock().remove(&place(ctx.trace))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(u128, u64), Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        self.desk.lock().remove(&self.at);
    }
}

fn place(trace: Trace) -> (u128, u64) {
    (trace.trace, trace.span)
}
