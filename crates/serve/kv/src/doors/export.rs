//! A namespace as a file: one line of JSON a key, in the shape of a bulk write's member.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use littoral_http::{Body, Query, Refusal, Res};
use littoral_types::Ctx;
use tokio::sync::OwnedSemaphorePermit;

use super::listing::{Entry, Text};
use super::{Doors, refuse};
use crate::{ListOptions, Listing, Namespace};

/// Keys that are listed at once; a store ends a page early that would be too heavy.
const KEYS_AT_ONCE: usize = 512;
/// Bytes of lines that are sent together.
const CHUNK_BYTES: usize = 64 * 1024;

/// An export on its way: memory holds one page of small values, or one large value.
struct Export {
    doors: Doors,
    ctx: Ctx,
    namespace: Arc<Namespace>,
    next: Option<ListOptions>,
    listed: VecDeque<Listing>,
    _place: OwnedSemaphorePermit,
}

impl Doors {
    pub(crate) async fn export(
        &self,
        query: Query<'_>,
        ctx: Ctx,
        namespace: Arc<Namespace>,
    ) -> Result<Res, Refusal> {
        let prefix = query.bytes("prefix").map_err(refuse::bad_query)?.unwrap_or_default();
        let place = Arc::clone(&self.0.transfers)
            .try_acquire_owned()
            .map_err(|_| refuse::overloaded("exports and imports"))?;
        let next = Some(ListOptions {
            prefix: Bytes::copy_from_slice(&prefix),
            limit: KEYS_AT_ONCE,
            values: true,
            ..ListOptions::default()
        });
        let listed = VecDeque::new();
        let doors = self.clone();
        let mut export = Export { doors, ctx, namespace, next, listed, _place: place };
        // The first page before the head: a store that is away is an error, not a broken answer.
        let first = export.chunk().await?;
        let rest = stream::unfold(export, |mut export| async {
            let chunk = export.chunk().await.map_err(|refusal| {
                tracing::warn!(message = %refusal.message, "export cut short");
                io::Error::other(refusal.message)
            });
            Some((chunk.transpose()?, export))
        });
        let all = stream::iter(first.map(Ok)).chain(rest);
        let mut res = Response::new(Body::stream(all.boxed()));
        res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        Ok(res)
    }
}

impl Export {
    /// The next lines; `None` at the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Refusal> {
        let mut lines = Vec::new();
        while lines.len() < CHUNK_BYTES {
            let Some(listing) = self.listing().await? else { break };
            lines.extend_from_slice(&line(&listing).await?);
        }
        Ok((!lines.is_empty()).then(|| lines.into()))
    }

    async fn listing(&mut self) -> Result<Option<Listing>, Refusal> {
        loop {
            if let Some(listing) = self.listed.pop_front() {
                return Ok(Some(listing));
            }
            let Some(options) = self.next.take() else { return Ok(None) };
            let ctx = self.doors.renewed(&self.ctx);
            let page = self.doors.kv().list(&ctx, &self.namespace, options.clone()).await?;
            self.listed.extend(page.keys);
            self.next = page.more_after.map(|after| ListOptions { after: Some(after), ..options });
        }
    }
}

async fn line(listing: &Listing) -> Result<Vec<u8>, Refusal> {
    let entry = Entry::of(listing, false).await?;
    let mut line = serde_json::to_vec(&entry).expect("text keys only");
    // Metadata may have been sent in several lines; no string of JSON holds a bare line break.
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    Ok(line)
}

/// A value as a member of a bulk write, for fuzzing.
pub(crate) fn member(value: &[u8]) -> String {
    #[derive(serde::Serialize)]
    struct Member {
        key: &'static str,
        #[serde(flatten)]
        value: Text,
    }
    serde_json::to_string(&Member { key: "k", value: Text::of(value) }).expect("text keys only")
}

#[cfg(test)]
mod tests {
    use littoral_types::{Body as Stored, Version};

    use super::*;

    #[tokio::test]
    async fn a_key_is_one_line_whatever_it_holds() {
        let listing = Listing {
            key: Bytes::from_static(b"a\nb"),
            version: Version::ZERO,
            metadata: Bytes::from_static(b"{\n  \"a\": \"\\n\"\r\n}"),
            expires_at: None,
            body: Some(Stored::Bytes(Bytes::from_static(b"x\ny"))),
        };
        let line = line(&listing).await.expect("a line");
        assert_eq!(
            String::from_utf8_lossy(&line),
            "{\"name\":\"a\\nb\",\"metadata\":{   \"a\": \"\\n\"  },\"value\":\"x\\ny\"}\n"
        );
    }
}
