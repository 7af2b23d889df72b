//! One request, before it is sent.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::Error;

/// Everything but the unreserved characters of RFC 3986: safe as one path segment and in a query.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is asked. Cloning copies no body.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).expect("our own types are JSON");
        self.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json")).body(text)
    }

    pub fn into_request(self, base: &str) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{base}{}", self.target))
            .body(Full::new(self.body))
            .map_err(|error| Error::Broken(error.into()))?;
        request.headers_mut().extend(self.headers);
        Ok(request)
    }
}

/// `text` as one path segment or one value of a query.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A query of those pairs whose value is there; empty, or with its question mark.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(&format!("{name}={}", percent(&value)));
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_segment_whatever_it_holds() {
        assert_eq!(percent("a/b c?d#e%f+ü"), "a%2Fb%20c%3Fd%23e%25f%2B%C3%BC");
        assert_eq!(percent("plain-._~"), "plain-._~");
    }

    #[test]
    fn a_query_holds_what_is_there() {
        assert_eq!(encode([("a", None), ("b", None)]), "");
        assert_eq!(encode([("a", None), ("b", Some("x&y".into()))]), "?b=x%26y");
        assert_eq!(encode([("a", Some("1".into())), ("b", Some(String::new()))]), "?a=1&b=");
    }
}
