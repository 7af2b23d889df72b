//! A table of requests that must be refused, and how.

use std::net::SocketAddr;

use serde_json::Value;

use crate::wire::{Request, Response};

/// Any status that says the request is wrong.
pub const ANY: &[u16] = &[400, 401, 403, 404, 405, 409, 411, 413, 414, 415, 422];

pub struct Case {
    request: Request,
    /// One of these.
    statuses: &'static [u16],
    code: Option<u64>,
    /// Part of the message.
    says: &'static str,
}

impl Case {
    pub fn new(
        request: Request,
        statuses: &'static [u16],
        code: impl Into<Option<u64>>,
        says: &'static str,
    ) -> Self {
        Self { request, statuses, code: code.into(), says }
    }

    fn complaint(&self, answer: &Response) -> Option<String> {
        let wrong = if !self.statuses.contains(&answer.status) {
            format!("expected status {:?}", self.statuses)
        } else if self.code.is_some() && answer.code() != self.code {
            format!("expected code {:?}", self.code)
        } else if !answer.message().contains(self.says) {
            format!("expected a message with {:?}", self.says)
        } else {
            not_an_error_envelope(answer)?
        };
        let body = String::from_utf8_lossy(&answer.body);
        let body: String = body.chars().take(300).collect();
        let request: String = format!("{:?}", self.request).chars().take(400).collect();
        Some(format!("{wrong}, got {} {body}\n    for {request}", answer.status))
    }
}

/// Sends each, and names every one that is not refused as it must be.
#[track_caller]
pub fn check(to: SocketAddr, cases: &[Case]) {
    let complaints: Vec<String> =
        cases.iter().filter_map(|case| case.complaint(&case.request.send(to))).collect();
    assert!(
        complaints.is_empty(),
        "{} of {} cases:\n  {}",
        complaints.len(),
        cases.len(),
        complaints.join("\n  ")
    );
}

/// What an error must look like, whatever it says.
fn not_an_error_envelope(answer: &Response) -> Option<String> {
    let Ok(envelope) = serde_json::from_slice::<Value>(&answer.body) else {
        return Some("expected a JSON envelope".to_owned());
    };
    let fits = envelope["success"] == false
        && envelope["result"].is_null()
        && envelope["messages"].is_array()
        && envelope["errors"][0]["code"].is_u64()
        && envelope["errors"][0]["message"].as_str().is_some_and(|text| !text.is_empty())
        && answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    (!fits).then(|| "expected an envelope of failure".to_owned())
}
