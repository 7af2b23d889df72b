//! A running node without a token: whether it answers, and the round trips that it has measured.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use littoral_clock::Clock;

const METRIC: &str = "link_round_trip_us{";
const BYTES_MAX: usize = 4 << 20;
const WAIT_MAX: Duration = Duration::from_secs(2);

/// By location; empty when no node answers there, or it knows none.
pub async fn round_trips(address: SocketAddr, clock: &Clock) -> HashMap<String, Duration> {
    let text = clock.timeout(WAIT_MAX, metrics(address)).await;
    text.ok().flatten().map(|text| read(&text)).unwrap_or_default()
}

/// Whether a node answers there. One that asks for a token is one.
pub async fn is_alive(address: SocketAddr, clock: &Clock, wait: Duration) -> bool {
    let answer = clock.timeout(wait, get(address, "/healthz")).await;
    answer
        .ok()
        .flatten()
        .is_some_and(|answer| matches!(answer.status(), StatusCode::OK | StatusCode::UNAUTHORIZED))
}

async fn get(address: SocketAddr, path: &str) -> Option<Response<Incoming>> {
    let client = legacy::Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    client.get(format!("http://{address}{path}").parse().ok()?).await.ok()
}

async fn metrics(address: SocketAddr) -> Option<String> {
    let answer = get(address, "/metrics").await?;
    if !answer.status().is_success() {
        return None;
    }
    let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await.ok()?.to_bytes();
    String::from_utf8(body.to_vec()).ok()
}

/// Whatever is not understood is left out: it is only shown.
fn read(text: &str) -> HashMap<String, Duration> {
    let line = |line: &str| {
        let (_, rest) = line.split_once(METRIC)?;
        let (labels, value) = rest.split_once('}')?;
        let peer = labels.split(',').find_map(|label| label.trim().strip_prefix("peer=\""))?;
        let us = value.trim().parse::<f64>().ok().filter(|us| *us > 0.0 && us.is_finite())?;
        Some((peer.strip_suffix('"')?.to_owned(), Duration::from_micros(us as u64)))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_read_and_everything_else_is_passed_over() {
        let text = "# HELP littoral_link_round_trip_us Smoothed\n\
            littoral_link_round_trip_us{location=\"lhr\",peer=\"ams\"} 1500\n\
            littoral_link_round_trip_us{location=\"lhr\",peer=\"nrt\"} 0\n\
            littoral_link_round_trip_us{peer=\"bad} x\nlittoral_other{peer=\"fra\"} 7\n";
        let expected = HashMap::from([("ams".to_owned(), Duration::from_micros(1500))]);
        assert_eq!(read(text), expected);
    }
}
