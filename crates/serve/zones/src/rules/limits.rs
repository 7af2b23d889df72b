//! How long a body may be, and how long an answer may take.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::error::code;
use crate::means::Means;
use crate::rule::{Decision, Declares, Effect, Outcome, Reply, Rule, View};

pub(crate) struct Limits {
    pub(crate) body: Option<u64>,
    pub(crate) time: Option<Duration>,
}

impl Rule for Limits {
    fn kind(&self) -> &'static str {
        "limits"
    }

    fn declares(&self) -> Declares {
        Declares::default()
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let mut outcome = Outcome::pass("within");
        if let Some(max) = self.body {
            let refused = match view.size() {
                Some(size) if size <= max => None,
                Some(_) => Some((StatusCode::PAYLOAD_TOO_LARGE, "longer")),
                // What does not say how long it is may be endless.
                None => Some((StatusCode::LENGTH_REQUIRED, "of a length that is not said")),
            };
            if let Some((status, how)) = refused {
                let message = format!("a body is at most {max} bytes long here; this one is {how}");
                let reply = Reply::refusal(status, code::TOO_LONG, &message);
                return Decision::Now(Ok(Outcome::answer(reply, how)));
            }
        }
        if let Some(max) = self.time {
            outcome = outcome.with(Effect::TimeMax(max));
        }
        Decision::Now(Ok(outcome))
    }
}
