//! What a server hands its calls to.

use http::HeaderMap;
use littoral_http::{Answer, Call, Refusal};
use littoral_kv::doors::{Doors, NAMESPACE};

use crate::Control;

/// The doors of the key-value store, and the API around them. Cheap to clone.
#[derive(Clone)]
pub struct Front {
    doors: Doors,
    control: Control,
}

impl Front {
    pub fn new(doors: Doors, control: Control) -> Self {
        Self { doors, control }
    }

    /// Whether a request is the binding's, whatever its path: whoever serves paths of its own
    /// beside this front asks first.
    pub fn is_binding(headers: &HeaderMap) -> bool {
        headers.contains_key(NAMESPACE)
    }
}

impl littoral_http::Front for Front {
    fn answer(&self, mut call: Call) -> Answer {
        if Self::is_binding(&call.head.headers) {
            return self.doors.binding(call);
        }
        let path = call.head.uri.path();
        if Doors::is_rest(path) {
            return self.doors.rest(call);
        }
        if path.starts_with("/client/v4/") {
            return self.control.answer(call);
        }
        Answer::Later(Box::pin(async move {
            call.body.drain().await;
            Refusal::no_route().envelope()
        }))
    }
}
