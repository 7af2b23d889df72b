//! `littoral kv get`: a value to standard output or a file.

use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use miette::Result;

use crate::args::Get;
use crate::client::{Client, Error, Namespace};
use crate::failure::Failure;
use crate::files;
use crate::terminal;

pub const MIN_VERSION: HeaderName = HeaderName::from_static("littoral-min-version");

pub async fn run(options: Get) -> Result<()> {
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    if options.metadata {
        let metadata = namespace.metadata(&options.key).await?;
        return Ok(terminal::say(&metadata.to_string())?);
    }
    let mut headers = HeaderMap::new();
    if let Some(version) = &options.min_version {
        headers.insert(MIN_VERSION, minimum(version)?);
    }
    if let Some(range) = &options.range {
        let value = HeaderValue::try_from(format!("bytes={range}"));
        headers.insert(header::RANGE, value.expect("digits and a dash"));
    }
    let answer = namespace.get(&options.key, headers).await?;
    if options.verbose {
        show_head(&answer);
    }
    match &options.output {
        Some(file) => to_file(answer, file).await,
        None => to_standard_output(answer).await,
    }
}

/// A version as the header takes it: bare, though an `ETag` is quoted.
pub fn minimum(version: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(version.trim_matches('"')).map_err(|_| {
        let next = "give a version as a write printed it, or as ETag shows it";
        Failure::new("littoral::version", format!("`{version}` is no version"), next).into()
    })
}

fn show_head(answer: &Response<Incoming>) {
    terminal::note(&format!("{:?} {}", answer.version(), answer.status()));
    let names = [
        "etag",
        "age",
        "content-length",
        "content-range",
        "expiration",
        "cache-status",
        "server-timing",
    ];
    for name in names {
        for value in answer.headers().get_all(name) {
            terminal::note(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
    }
}

async fn to_standard_output(mut answer: Response<Incoming>) -> Result<()> {
    while let Some(bytes) = next_bytes(&mut answer).await? {
        terminal::write(&bytes)?;
    }
    Ok(())
}

/// The file appears whole or not at all.
async fn to_file(mut answer: Response<Incoming>, file: &Path) -> Result<()> {
    let cannot = |source: std::io::Error| {
        let what = format!("cannot write {}", file.display());
        Failure::new("littoral::output", what, "choose a writable place").because(source)
    };
    let mut draft = files::draft(file).map_err(cannot)?;
    while let Some(bytes) = next_bytes(&mut answer).await? {
        draft.write_all(&bytes).map_err(cannot)?;
    }
    Ok(files::publish(draft, file).map_err(cannot)?)
}

/// The next piece of an answer's body; `None` at its end.
pub async fn next_bytes(answer: &mut Response<Incoming>) -> Result<Option<Bytes>, Error> {
    while let Some(frame) = answer.body_mut().frame().await {
        if let Ok(bytes) = frame.map_err(|error| Error::Broken(error.into()))?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
