//! A connection under `hyper`: interim answers (1xx) are written before final ones, and requests with two
//! lengths are stopped (`framing`).
//!
//! `hyper` writes final answers only. Between two of them the connection is ours: what waits is
//! written when `hyper` has nothing more to write, or just before it begins the next answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use futures_util::task::AtomicWaker;
use http::{HeaderMap, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::framing::Framing;

/// Bytes of interim answers that wait to be written; what is more is dropped, which is allowed.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// Sends interim answers to the client of one request, until its final one begins.
#[derive(Clone, Debug, Default)]
pub struct Interim(Option<Arc<Queue>>);

impl Interim {
    pub(crate) fn new(queue: &Arc<Queue>, version: Version) -> Self {
        // An older client would take it for the final answer; a newer one is not written to as text.
        Self((version == Version::HTTP_11).then(|| Arc::clone(queue)))
    }

    /// Sends one, if it still may. Never waits; whether it will be read is nobody's business.
    pub fn send(&self, status: StatusCode, headers: &HeaderMap) {
        let Some(queue) = self.0.as_ref().filter(|_| status.is_informational()) else { return };
        let mut waiting = queue.lock();
        let mut text = BytesMut::new();
        text.extend_from_slice(format!("HTTP/1.1 {} ", status.as_str()).as_bytes());
        text.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        for (name, value) in headers {
            text.extend_from_slice(b"\r\n");
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
        }
        text.extend_from_slice(b"\r\n\r\n");
        if waiting.len() + text.len() > WAITING_BYTES_MAX {
            return;
        }
        waiting.extend_from_slice(&text);
        queue.any.store(true, Ordering::Release);
        drop(waiting);
        queue.waker.wake();
    }

    /// The final answer is there: what `hyper` would write first is too late.
    pub(crate) fn close(&self) {
        if let Some(queue) = self.0.as_ref().filter(|queue| queue.any.load(Ordering::Acquire))
            && !queue.between.load(Ordering::Acquire)
        {
            queue.lock().clear();
        }
    }
}

/// What waits to be written on one connection.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<BytesMut>,
    /// Whether anything may wait.
    any: AtomicBool,
    /// Whether all that `hyper` had to write is written.
    between: AtomicBool,
    waker: AtomicWaker,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, BytesMut> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on which interim answers are written.
pub(crate) struct Stream<S> {
    inner: S,
    queue: Arc<Queue>,
    framing: Framing,
    /// What comes now is not read: a request had two lengths.
    stopped: bool,
    /// What `hyper` reads instead.
    left: &'static [u8],
    /// After that: whether all is written, and how much was thrown away.
    ended: Option<usize>,
}

/// Bytes of what comes after a request with two lengths that are thrown away, so that its client reads the
/// answer before the connection is closed.
const THROWN_AWAY_MAX: usize = 64 * 1024;

impl<S: AsyncWrite + Unpin> Stream<S> {
    pub(crate) fn new(inner: S, queue: Arc<Queue>) -> Self {
        queue.between.store(true, Ordering::Release);
        Self { inner, queue, framing: Framing::default(), stopped: false, left: b"", ended: None }
    }

    /// Writes what waits, if it may be written here.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let queue = &self.queue;
        if !queue.any.load(Ordering::Acquire) || !queue.between.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = queue.lock();
        while !waiting.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            waiting.advance(written);
        }
        queue.any.store(false, Ordering::Release);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stopped {
            let now = self.left.len().min(buf.remaining());
            let (now, left) = self.left.split_at(now);
            buf.put_slice(now);
            self.left = left;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        if let Some(at) = self.framing.look(&buf.filled()[before..]) {
            // No header has a NUL: the head is answered 400, and the connection closed.
            buf.filled_mut()[before + at] = 0;
            buf.set_filled(before + at + 1);
            // A head that came in parts is looked at when its end has come.
            (self.stopped, self.left) = (true, b"\r\n\r\n");
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(cx))?;
        self.queue.between.store(false, Ordering::Release);
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(cx))?;
        self.queue.between.store(false, Ordering::Release);
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// `hyper` flushes when it has nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.queue.between.store(true, Ordering::Release);
        self.queue.waker.register(cx.waker());
        ready!(self.poll_waiting(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.ended = Some(0);
        }
        let mut bytes = [0; 4 * 1024];
        // Closed with something unread, it would be reset.
        while self.stopped && self.ended.is_some_and(|thrown| thrown < THROWN_AWAY_MAX) {
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
            match buf.filled().len() {
                0 => break,
                read => self.ended = self.ended.map(|thrown| thrown + read),
            }
        }
        Poll::Ready(Ok(()))
    }
}
