//! Speaks to a node over its public API, as any client would.

mod call;
mod envelope;
mod error;
pub mod events;
#[cfg(test)]
pub mod fake;
mod multipart;
mod namespace;
mod retry;
mod running;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use littoral_clock::Clock;
use serde::de::DeserializeOwned;

use crate::args::Remote;

pub use call::{Call, encode, percent};
pub use envelope::Envelope;
pub use error::Error;
pub use namespace::{Listed, Namespace, NamespaceInfo, Page, Put, entity_tag};
pub use retry::Retry;
pub use running::{is_alive, round_trips};

/// Largest JSON answer that is taken.
const JSON_BYTES_MAX: usize = 512 << 20;

/// A node, and the account as which it is asked. Connections are kept and used again.
pub struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    /// `http://host:port`, without a path.
    base: String,
    account: String,
    authorization: HeaderValue,
    /// Longest wait for the beginning of an answer.
    wait: Duration,
    pub clock: Clock,
}

impl Client {
    pub fn new(remote: &Remote) -> Result<Self, Error> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", remote.token))
            .expect("the argument parser takes only visible ASCII");
        authorization.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            http: legacy::Client::builder(TokioExecutor::new()).build(connector),
            base: base(&remote.url)?,
            account: format!("{:032x}", remote.account.0),
            authorization,
            wait: remote.timeout.0,
            clock: Clock::system(),
        })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// The path of something that belongs to the account.
    pub fn account_path(&self, rest: &str) -> String {
        format!("/client/v4/accounts/{}{rest}", self.account)
    }

    /// The head of the answer, whose body is still to come. Any status but 2xx is an error.
    pub async fn send(&self, call: Call) -> Result<Response<Incoming>, Error> {
        let answer = self.exchange(call).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(Error::of(answer).await) }
    }

    /// The head of the answer, whatever its status.
    pub async fn exchange(&self, call: Call) -> Result<Response<Incoming>, Error> {
        let mut request = call.into_request(&self.base)?;
        request.headers_mut().insert(header::AUTHORIZATION, self.authorization.clone());
        let answer = self.clock.timeout(self.wait, self.http.request(request)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_connect() => {
                Err(Error::Unreachable { base: self.base.clone(), source: error.into() })
            }
            Ok(Err(error)) => Err(Error::Broken(error.into())),
            Err(_) => Err(Error::Late { wait: self.wait }),
        }
    }

    /// The whole answer in its envelope.
    pub async fn envelope<T: DeserializeOwned>(&self, call: Call) -> Result<Envelope<T>, Error> {
        self.plain_json(call).await
    }

    /// The whole answer as JSON that has no envelope.
    pub async fn plain_json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let answer = self.send(call).await?;
        let body = Limited::new(answer.into_body(), JSON_BYTES_MAX).collect().await;
        let body = body.map_err(Error::Broken)?.to_bytes();
        serde_json::from_slice(&body).map_err(|source| Error::Strange { source })
    }

    /// The result inside the envelope.
    pub async fn result<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.envelope(call).await.map(|envelope| envelope.result)
    }
}

/// Scheme and authority of `url`; the API's path may follow.
fn base(url: &str) -> Result<String, Error> {
    let bad = |why: &'static str| Error::Url { url: url.to_owned(), why };
    let uri: Uri = url.parse().map_err(|_| bad("it is not a URL"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(bad("https is not spoken yet")),
        _ => return Err(bad("it does not begin with http://")),
    }
    if !matches!(uri.path().trim_end_matches('/'), "" | "/client/v4") || uri.query().is_some() {
        return Err(bad("it has a path"));
    }
    let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
    Ok(format!("http://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_with_or_without_the_path_of_the_api() {
        for good in ["http://h:1", "http://h:1/", "http://h:1/client/v4", "http://h:1/client/v4/"] {
            assert_eq!(base(good).expect(good), "http://h:1");
        }
        for bad in ["", "h:1", "https://h:1", "http://h:1/x", "http://h:1/?a", "ftp://h", "h"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }
}
