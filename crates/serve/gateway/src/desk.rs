//! Where a request waits for the origin that will ask for it, so that its answer is handed over as it
//! comes.
//!
//! Whoever asks leaves the request here under the span of the question's context. If the walk ends at
//! this node, the origin finds that of the one who leads; a question that ends elsewhere says there
//! what it must (`told`). Those who join another's question take theirs away again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use littoral_types::{Ctx, Trace};
use tokio::sync::oneshot;

use crate::Error;
use crate::site::{Asking, Live};

/// What waits, by trace and span.
#[derive(Default)]
pub(crate) struct Desk(Mutex<HashMap<(u128, u64), Slot>>);

/// What the site is to be asked, and who is handed the answer as it comes.
pub(crate) type Slot = (Box<Asking>, oneshot::Sender<Result<Live, Error>>);

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
