//! `littoral trace`: which hop answers a key, and why, drawn in the terminal.

mod draw;
mod headers;
mod places;
mod walk;

use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use miette::Result;

use self::places::Places;
use self::walk::{Answer, Walk};
use super::kv::{MIN_VERSION, minimum};
use crate::args::Trace;
use crate::client::{Client, Error, Namespace};
use crate::terminal;

pub async fn run(mut options: Trace) -> Result<()> {
    let places = Places::ask(&Client::new(&options.at.remote)?).await?;
    if let Some(name) = &options.at_location {
        options.at.remote.url = places.url_of(name)?;
    }
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let heading = format!(
        "{} in {}, asked at {}",
        super::kv::printable(&options.key),
        options.at.namespace,
        places.describe(client.base()),
    );
    terminal::say(&heading)?;
    let mut missing = None;
    for _ in 0..options.repeat {
        let (walk, error) = once(&namespace, &options).await?;
        terminal::say(&draw::draw(&walk, &places))?;
        missing = error;
    }
    match missing {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Reads the key; the error is that there is none.
async fn once(namespace: &Namespace<'_>, options: &Trace) -> Result<(Walk, Option<Error>)> {
    let mut headers = HeaderMap::new();
    if let Some(version) = &options.min_version {
        headers.insert(MIN_VERSION, minimum(version)?);
    }
    let clock = &namespace.client.clock;
    let began = clock.mono();
    let answer = namespace.ask(&options.key, headers).await?;
    let took = clock.mono().since(began);
    let found = answer.status().is_success();
    // That there is no such key is an answer with its own walk.
    let absent = answer.status() == StatusCode::NOT_FOUND
        && answer.headers().contains_key(headers::CACHE_STATUS);
    if !found && !absent {
        return Err(Error::of(answer).await.into());
    }
    let member = |name| text(&answer, name);
    let mut walk = Walk::new(
        &headers::cache_status(&member(headers::CACHE_STATUS)),
        &headers::server_timing(&member(headers::SERVER_TIMING)),
        Answer {
            took,
            status: answer.status(),
            version: member(header::ETAG.as_str()).trim_matches('"').to_owned(),
            age_s: member(header::AGE.as_str()).parse().ok(),
            bytes: None,
        },
    );
    if absent {
        return Ok((walk, Some(Error::of(answer).await)));
    }
    let body = answer.into_body().collect().await.map_err(|error| Error::Broken(error.into()))?;
    walk.answer.bytes = Some(body.to_bytes().len() as u64);
    Ok((walk, None))
}

/// A header's lines as one.
fn text(answer: &Response<Incoming>, name: &str) -> String {
    let lines = answer.headers().get_all(name).iter();
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    lines.join(", ")
}
