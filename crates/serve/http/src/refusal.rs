//! What a client sees when it does not get what it asked for.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use hyper::ext::ReasonPhrase;
use serde::Serialize;

use crate::{Body, Res};

/// Codes that more than one front gives. Those below 10400 are the v4 API's own.
pub mod code {
    pub const BAD_HEADERS: u32 = 6003;
    pub const BAD_AUTHORIZATION: u32 = 6111;
    pub const NO_ROUTE: u32 = 7000;
    pub const BAD_IDENTIFIER: u32 = 7003;
    pub const NO_CREDENTIALS: u32 = 9106;
    pub const AUTHENTICATION: u32 = 10000;
    pub const METHOD: u32 = 10405;
    pub const TOO_LARGE: u32 = 10024;
    pub const BAD_BODY: u32 = 10012;
    pub const PRECONDITION: u32 = 10412;
    pub const BODY_SLOW: u32 = 10408;
}

/// A refusal: status, code, and a sentence that says what to do.
///
/// It is written as a v4 envelope by [`Refusal::envelope`], or into the status line, for clients
/// that read nothing else, by [`Refusal::phrase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: u32,
    pub message: Cow<'static, str>,
    more: Option<Box<More>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    chain: Vec<(u32, Cow<'static, str>)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), more: None }
    }

    pub fn bad_request(code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// No such place.
    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, code::NO_ROUTE, "No route for that URI")
    }

    /// A known place, but not this way; `allowed` as in the `Allow` header.
    pub fn method(allowed: &'static str) -> Self {
        let message = format!("Method not allowed here; use one of {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, code::METHOD, message)
            .header(http::header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// Adds an error that explains this one.
    #[must_use]
    pub fn because(mut self, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        self.more.get_or_insert_default().chain.push((code, message.into()));
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.get_or_insert_default().headers.push((name, value));
        self
    }

    /// Tells the client when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(http::header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// As a v4 envelope.
    pub fn envelope(&self) -> Res {
        let chain = self.more.iter().flat_map(|more| &more.chain);
        let error = Error {
            code: self.code,
            message: &self.message,
            error_chain: chain.map(|(code, message)| Cause { code: *code, message }).collect(),
        };
        let envelope = Envelope { result: (), success: false, errors: [error], messages: [] };
        let json = serde_json::to_vec(&envelope).expect("plain fields serialize");
        let mut res = Response::new(Body::from(json));
        res.headers_mut()
            .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.finish(res)
    }

    /// As the status line's reason, for clients that read nothing else; also as the body.
    pub fn phrase(&self) -> Res {
        let plain: String =
            self.message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = Bytes::from(plain);
        let mut res = Response::new(Body::from(text.clone()));
        if let Ok(reason) = ReasonPhrase::try_from(text) {
            res.extensions_mut().insert(reason);
        }
        res.headers_mut().insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain;charset=UTF-8"),
        );
        self.finish(res)
    }

    fn finish(&self, mut res: Res) -> Res {
        *res.status_mut() = self.status;
        for (name, value) in self.more.iter().flat_map(|more| &more.headers) {
            res.headers_mut().insert(name.clone(), value.clone());
        }
        res
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    result: (),
    success: bool,
    errors: [Error<'a>; 1],
    messages: [(); 0],
}

#[derive(Serialize)]
struct Error<'a> {
    code: u32,
    message: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_chain: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    code: u32,
    message: &'a str,
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn text(res: Res) -> String {
        let bytes = res.into_body().collect().await.expect("bytes").to_bytes();
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }

    #[tokio::test]
    async fn a_refusal_is_an_envelope_with_a_null_result() {
        let refusal = Refusal::bad_request(6003, "Invalid request headers")
            .because(6111, "Invalid format for Authorization header");
        assert_eq!(
            text(refusal.envelope()).await,
            r#"{"result":null,"success":false,"errors":[{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}],"messages":[]}"#
        );
    }

    #[test]
    fn a_phrase_has_no_character_that_breaks_the_status_line() {
        let res = Refusal::bad_request(1, "\"a\r\nb\" is not a valid type: é").phrase();
        let reason = res.extensions().get::<ReasonPhrase>().expect("a reason");
        assert_eq!(reason.as_bytes(), "\"a  b\" is not a valid type: é".as_bytes());
    }

    #[test]
    fn a_method_refused_says_which_are_not() {
        let res = Refusal::method("GET, PUT").envelope();
        assert_eq!(res.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(res.headers()[http::header::ALLOW], "GET, PUT");
    }
}
