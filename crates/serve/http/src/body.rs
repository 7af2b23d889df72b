//! The body of a response: bytes, a stretch of a file, or a stream.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http_body::{Frame, SizeHint};
use littoral_types::Blob;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes read from a file at once.
const CHUNK_BYTES: u64 = 128 * 1024;

/// A response's body. Making one from bytes allocates nothing.
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    File(Stretch),
    Stream(BoxStream<'static, io::Result<Bytes>>),
    Live(BoxStream<'static, io::Result<Bytes>>),
}

/// A stretch of a file, read ahead by one chunk where blocking is allowed.
struct Stretch {
    blob: Arc<Blob>,
    file: Option<Arc<File>>,
    at: u64,
    /// Bytes not yet handed out.
    left: u64,
    reading: Option<JoinHandle<io::Result<Chunk>>>,
}

/// What was read, and the open file to read on from.
type Chunk = (Arc<File>, Bytes);

impl Body {
    pub fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// `len` bytes of `blob` from `from`; the caller has checked that they are there.
    pub fn file(blob: Arc<Blob>, from: u64, len: u64) -> Self {
        if len == 0 {
            return Self::empty();
        }
        Self(Kind::File(Stretch { blob, file: None, at: from, left: len, reading: None }))
    }

    /// A stream that ends by itself. An error cuts the connection, so that the client sees it.
    pub fn stream(stream: BoxStream<'static, io::Result<Bytes>>) -> Self {
        Self(Kind::Stream(stream))
    }

    /// A stream that only ends when the client leaves, or the server drains.
    pub fn live(stream: BoxStream<'static, io::Result<Bytes>>) -> Self {
        Self(Kind::Live(stream))
    }

    /// Whether writing it takes more than handing over bytes that are in memory.
    pub(crate) fn takes_time(&self) -> bool {
        !matches!(self.0, Kind::Empty | Kind::Full(_))
    }

    /// Counts what is sent of a body that takes time.
    pub(crate) fn counted(self, mut answered: crate::watch::Answered) -> Self {
        use futures_util::StreamExt as _;
        let mut count = move |item: io::Result<Bytes>| {
            // All of it moves in here: it is told of when it is dropped.
            let answered = &mut answered;
            answered.bytes += item.as_ref().map_or(0, |bytes| bytes.len() as u64);
            item
        };
        match self.0 {
            Kind::Stream(stream) => Self(Kind::Stream(stream.map(count).boxed())),
            Kind::Live(stream) => Self(Kind::Live(stream.map(count).boxed())),
            Kind::File(mut stretch) => {
                let stream = futures_util::stream::poll_fn(move |cx| {
                    stretch.poll(cx).map(|item| item.map(&mut count))
                });
                Self(Kind::Stream(stream.boxed()))
            }
            kind => Self(kind),
        }
    }

    /// Applies `ended` to a live stream, and `held` to everything that takes time.
    pub(crate) fn guarded<G: Send + Unpin + 'static>(
        self,
        held: G,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        use futures_util::StreamExt as _;
        let stream = match self.0 {
            Kind::Live(stream) => stream.take_until(ended).boxed(),
            Kind::Stream(stream) => stream,
            Kind::File(mut stretch) => {
                let held = futures_util::stream::poll_fn(move |cx| {
                    let _ = &held;
                    stretch.poll(cx)
                });
                return Self(Kind::Stream(held.boxed()));
            }
            kind => return Self(kind),
        };
        let held = stream.map(move |item| {
            let _ = &held;
            item
        });
        Self(Kind::Stream(held.boxed()))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self(Kind::Empty) } else { Self(Kind::Full(bytes)) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Empty => f.write_str("Empty"),
            Kind::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Kind::File(stretch) => write!(f, "File({} bytes)", stretch.left),
            Kind::Stream(_) => f.write_str("Stream"),
            Kind::Live(_) => f.write_str("Live"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let item = match &mut self.0 {
            Kind::Empty => return Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Kind::File(stretch) => ready!(stretch.poll(cx)),
            Kind::Stream(stream) | Kind::Live(stream) => ready!(stream.as_mut().poll_next(cx)),
        };
        Poll::Ready(item.map(|item| item.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::File(stretch) => SizeHint::with_exact(stretch.left),
            Kind::Stream(_) | Kind::Live(_) => SizeHint::default(),
        }
    }
}

impl Stretch {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.reading.is_none() {
            self.read();
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other).flatten();
        self.reading = None;
        let (file, bytes) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, path = %self.blob.path().display(), "body cut short");
                self.left = 0;
                return Poll::Ready(Some(Err(error)));
            }
        };
        self.file = Some(file);
        self.at += bytes.len() as u64;
        self.left -= bytes.len() as u64;
        if self.left > 0 {
            self.read();
        }
        Poll::Ready(Some(Ok(bytes)))
    }

    fn read(&mut self) {
        let (blob, file, at) = (Arc::clone(&self.blob), self.file.take(), self.at);
        let len = self.left.min(CHUNK_BYTES) as usize;
        self.reading = Some(spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(blob.open()?),
            };
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, at)?;
            Ok((file, bytes.into()))
        }));
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn blob(len: usize) -> (tempfile::TempDir, Arc<Blob>, Vec<u8>) {
        let dir = tempfile::tempdir().expect("a folder");
        let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let path = dir.path().join("body");
        std::fs::write(&path, &bytes).expect("a file");
        (dir, Blob::new(path, len as u64), bytes)
    }

    #[tokio::test]
    async fn a_stretch_of_a_file_comes_whole_and_in_order() {
        let (_dir, blob, bytes) = blob(3 * CHUNK_BYTES as usize + 7);
        let body = Body::file(Arc::clone(&blob), 5, blob.len() - 10);
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(blob.len() - 10));
        let got = body.collect().await.expect("readable").to_bytes();
        assert!(got == bytes[5..bytes.len() - 5]);
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_is_an_error_not_a_short_answer() {
        let (_dir, blob, _) = blob(100);
        assert!(Body::file(blob, 50, 51).collect().await.is_err());
    }
}
