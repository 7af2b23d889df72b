//! `littoral kv put`: one value, from an argument, a file or standard input.

use std::io::Read as _;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use miette::Result;

use crate::args::Put as Options;
use crate::client::{Client, Namespace, Put, entity_tag};
use crate::failure::Failure;
use crate::terminal;

pub async fn run(options: Options) -> Result<()> {
    let value = value(&options)?;
    let put = Put {
        value,
        metadata: options.metadata,
        expiration: options.expiration,
        ttl: options.ttl,
        condition: match options.if_none_match {
            true => Some((header::IF_NONE_MATCH, HeaderValue::from_static("*"))),
            false => if_match(options.if_match.as_deref())?,
        },
    };
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let version = namespace.put(&options.key, put).await?;
    Ok(terminal::say(&version)?)
}

pub fn if_match(version: Option<&str>) -> Result<Option<(HeaderName, HeaderValue)>> {
    let Some(version) = version else { return Ok(None) };
    let tag = entity_tag(version).ok_or_else(|| {
        let next = "give a version as a write printed it, as ETag shows it, or *";
        Failure::new("littoral::version", format!("`{version}` is no version"), next)
    })?;
    Ok(Some((header::IF_MATCH, tag)))
}

fn value(options: &Options) -> Result<Bytes> {
    let cannot = |what: String| {
        move |source: std::io::Error| {
            let next = "check that it is there and readable";
            Failure::new("littoral::input", what, next).because(source)
        }
    };
    if let Some(path) = &options.path {
        let read = std::fs::read(path);
        return Ok(read.map_err(cannot(format!("cannot read {}", path.display())))?.into());
    }
    match options.value.as_deref() {
        Some("-") => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(cannot("cannot read standard input".into()))?;
            Ok(bytes.into())
        }
        value => Ok(Bytes::from(value.unwrap_or_default().to_owned())),
    }
}
