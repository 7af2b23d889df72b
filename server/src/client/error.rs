//! Why a request brought no answer, and what a person can do about it.

use std::fmt;
use std::time::Duration;

use http::{Response, StatusCode, header, response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use miette::Diagnostic;

use super::envelope::{Problem, Refusal};
use crate::commands::explain::has_page;

/// Largest error page that is read for its message.
const PAGE_BYTES_MAX: usize = 1 << 20;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{url}` is no address of a node: {why}")]
    Url { url: String, why: &'static str },
    #[error("nothing answers at {base}")]
    Unreachable { base: String, source: Source },
    #[error("the connection broke")]
    Broken(#[source] Source),
    #[error("no answer within {} s", wait.as_secs_f32())]
    Late { wait: Duration },
    #[error("the answer is not what the API promises")]
    Strange { source: serde_json::Error },
    #[error("{status}: {message}")]
    Refused {
        status: StatusCode,
        /// The API's own number; 0 when the answer had none.
        code: u32,
        message: String,
        retry_after: Option<Duration>,
    },
}

/// What kind of refusal the API's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    KeyNotFound,
    NamespaceNotFound,
    TokenNotFound,
    TitleTaken,
    Unauthorized,
    PreconditionFailed,
    NotNow,
    Other,
}

impl Error {
    /// What an answer that is not 2xx says.
    pub async fn of(answer: Response<Incoming>) -> Self {
        let (head, body) = answer.into_parts();
        // A page that cannot be read whole still leaves its status to go by.
        let text = Limited::new(body, PAGE_BYTES_MAX).collect().await;
        Self::refused(&head, &text.map(|text| text.to_bytes()).unwrap_or_default())
    }

    fn refused(head: &response::Parts, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Refusal>(body)
            .ok()
            .and_then(|refusal| refusal.errors.into_iter().next())
            .unwrap_or_else(|| Problem { code: 0, message: first_line(body) });
        let seconds = head.headers.get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self::Refused {
            status: head.status,
            code: problem.code,
            message: problem.message,
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    /// Whether the same request may go through a moment later.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken(_) | Self::Late { .. } => true,
            Self::Url { .. } | Self::Strange { .. } => false,
            Self::Refused { status, .. } => matches!(status.as_u16(), 408 | 429 | 502..=504),
        }
    }

    /// Whether the request itself, not the service or the token, is at fault.
    pub fn is_about_the_request(&self) -> bool {
        let Self::Refused { status, .. } = self else { return false };
        matches!(status.as_u16(), 400 | 409 | 413 | 414 | 422) && self.kind() == Refused::Other
    }

    pub fn is_taken_title(&self) -> bool {
        self.kind() == Refused::TitleTaken
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    fn kind(&self) -> Refused {
        let Self::Refused { status, code, .. } = self else { return Refused::Other };
        match (*code, status.as_u16()) {
            (10009, _) => Refused::KeyNotFound,
            (10013 | 10011, _) => Refused::NamespaceNotFound,
            (10440, _) => Refused::TokenNotFound,
            (10014, _) => Refused::TitleTaken,
            (_, 401 | 403) => Refused::Unauthorized,
            (_, 412) => Refused::PreconditionFailed,
            (_, 429 | 502..=504) => Refused::NotNow,
            _ => Refused::Other,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Url { .. } => "littoral::url",
            Self::Unreachable { .. } => "littoral::unreachable",
            Self::Broken(_) => "littoral::connection_broken",
            Self::Late { .. } => "littoral::late",
            Self::Strange { .. } => "littoral::strange_answer",
            Self::Refused { .. } => match self.kind() {
                Refused::KeyNotFound => "littoral::key_not_found",
                Refused::NamespaceNotFound => "littoral::namespace_not_found",
                Refused::TokenNotFound => "littoral::token_not_found",
                Refused::TitleTaken => "littoral::title_taken",
                Refused::Unauthorized => "littoral::unauthorized",
                Refused::PreconditionFailed => "littoral::precondition_failed",
                Refused::NotNow => "littoral::not_now",
                Refused::Other => "littoral::refused",
            },
        }
    }

    fn next_step(&self) -> String {
        match self {
            Self::Url { .. } => "give one like http://127.0.0.1:8787 with --url".into(),
            Self::Unreachable { .. } => {
                "start a network with `littoral dev`, or say where one is with --url".into()
            }
            Self::Broken(_) => "try again; a write may have happened".into(),
            Self::Late { .. } => "try again, or wait longer with --timeout".into(),
            Self::Strange { .. } => "check that --url is the address of a Littoral node".into(),
            Self::Refused { code, retry_after, .. } => match self.kind() {
                Refused::KeyNotFound => "`littoral kv list` shows the keys there are".into(),
                Refused::NamespaceNotFound => {
                    "`littoral kv namespace list` shows the namespaces there are".into()
                }
                Refused::TokenNotFound => "`littoral token list` shows the tokens there are".into(),
                Refused::TitleTaken => {
                    "choose another title, or take what is there with --if-absent".into()
                }
                Refused::Unauthorized => {
                    "give a token of this account that may do this with --token or LITTORAL_TOKEN"
                        .into()
                }
                Refused::PreconditionFailed => {
                    "read the key again (`kv get --verbose` shows its version) and decide anew"
                        .into()
                }
                Refused::NotNow => {
                    let when = match retry_after {
                        Some(time) => format!("try again in {} s", time.as_secs().max(1)),
                        None => "try again in a moment".into(),
                    };
                    match has_page(*code) {
                        true => format!("{when}; `littoral explain {code}` says more"),
                        false => when,
                    }
                }
                Refused::Other => match code {
                    0 => "check that --url is the address of a Littoral node".into(),
                    code if has_page(*code) => format!("`littoral explain {code}` says more"),
                    code => format!("change the request; the API's code is {code}"),
                },
            },
        }
    }
}

impl Diagnostic for Error {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.name()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.next_step()))
    }
}

/// What a page that is not ours begins with.
fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line: String = text.trim().lines().next().unwrap_or_default().chars().take(200).collect();
    if line.is_empty() { "no explanation".into() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        let answer = Response::builder().status(status).header("retry-after", "7").body(());
        Error::refused(&answer.expect("a response").into_parts().0, body.as_bytes())
    }

    #[test]
    fn the_apis_words_and_number_are_kept() {
        let body =
            r#"{"success":false,"errors":[{"code":10009,"message":"get: 'key not found'"}]}"#;
        let error = refused(404, body);
        assert_eq!(error.to_string(), "404 Not Found: get: 'key not found'");
        assert_eq!(error.name(), "littoral::key_not_found");
        assert!(!error.passes() && !error.is_about_the_request());
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for status in [429, 502, 503, 504] {
            assert!(refused(status, "").passes(), "{status}");
        }
        for status in [400, 401, 404, 412, 413, 500] {
            assert!(!refused(status, "").passes(), "{status}");
        }
        assert_eq!(refused(503, "").next_step(), "try again in 7 s");
        assert!(refused(413, "").is_about_the_request());
        assert!(!refused(401, "").is_about_the_request());
    }

    #[test]
    fn a_page_that_is_not_ours_still_says_something() {
        assert_eq!(refused(502, "Bad gateway\nmore").to_string(), "502 Bad Gateway: Bad gateway");
        assert_eq!(refused(500, "").to_string(), "500 Internal Server Error: no explanation");
    }
}
