//! Sends traces to a collector, by OTLP over HTTP.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use littoral_tasks::TaskKind;
use littoral_telemetry::traces::Traces;

use super::PAUSE;
use crate::node::Shared;

/// Where a collector takes traces if its address has no path.
const PATH: &str = "/v1/traces";
/// How long it may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// How often a request is sent that it could not take.
const TRIES_MAX: usize = 3;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A collector's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector(Uri);

impl FromStr for Collector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "a collector is http://HOST:PORT, where it takes OTLP over HTTP";
        let uri: Uri = text.parse().map_err(|_| wrong)?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong.into());
        };
        let whole = match uri.path() {
            "/" => format!("http://{authority}{PATH}"),
            path => format!("http://{authority}{path}"),
        };
        Ok(Self(whole.parse().map_err(|_| wrong)?))
    }
}

/// Why a request was not taken.
struct NotTaken {
    why: String,
    /// Another try may go better.
    again: bool,
}

impl Collector {
    /// Sends what is kept from now on; at the drain what is left.
    pub(super) fn send(&self, traces: &Traces, shared: &Shared) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (to, traces, clock) = (self.0.clone(), traces.clone(), shared.clock.clone());
        let draining = shared.tasks.shutdown().clone();
        shared.tasks.spawn(TaskKind::Report, async move {
            let mut well = true;
            loop {
                let last = clock.timeout(PAUSE, draining.wait()).await.is_ok();
                if let Some((body, spans)) = traces.take() {
                    let body = Bytes::from(body);
                    let mut tries = if last { 1 } else { TRIES_MAX };
                    let sent = loop {
                        tries -= 1;
                        let answer = clock.timeout(ANSWER_TIME, post(&client, &to, &body)).await;
                        let slow = |_| NotTaken { why: "it does not answer".into(), again: true };
                        match answer.map_err(slow).flatten() {
                            Err(NotTaken { again: true, .. }) if tries > 0 => {
                                clock.sleep(PAUSE).await;
                            }
                            sent => break sent,
                        }
                    };
                    if let Err(NotTaken { why, .. }) = &sent {
                        traces.lost(spans);
                        if well {
                            tracing::warn!(collector = %to, %why, "traces are not taken, and lost");
                        }
                    }
                    well = sent.is_ok();
                }
                if last {
                    return;
                }
            }
        });
    }
}

async fn post(
    client: &Client<HttpConnector, Full<Bytes>>,
    to: &Uri,
    body: &Bytes,
) -> Result<(), NotTaken> {
    let mut request = Request::post(to.clone());
    if let Some(headers) = request.headers_mut() {
        let kind = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, kind);
    }
    let broken = |error: String| NotTaken { why: error, again: true };
    let request = request.body(Full::new(body.clone())).map_err(|e| broken(e.to_string()))?;
    let answer = client.request(request).await.map_err(|error| broken(error.to_string()))?;
    let status = answer.status();
    // Read, so that the connection is used again.
    let _ = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    let again = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    if status.is_success() { Ok(()) } else { Err(NotTaken { why: status.to_string(), again }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_without_a_path_takes_traces_where_all_do() {
        let to = |text: &str| text.parse::<Collector>().map(|collector| collector.0.to_string());
        assert_eq!(to("http://127.0.0.1:4318").as_deref(), Ok("http://127.0.0.1:4318/v1/traces"));
        assert_eq!(to("http://a:1/otlp/x").as_deref(), Ok("http://a:1/otlp/x"));
        assert!(to("https://a:1").is_err() && to("127.0.0.1:4318").is_err());
    }
}
