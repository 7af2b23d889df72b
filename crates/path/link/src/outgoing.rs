//! A message on its way out: small parts put together, large ones uncopied, files in pieces.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body::Frame;
use littoral_peer::wire::{self, Message};
use littoral_peer::{Trailer, Trailing};
use littoral_telemetry::metrics::Counter;
use littoral_types::Body;

use crate::file::Pieces;
use crate::frame::{Kind, PREFIX_BYTES, prefix};

/// A part up to this long is copied beside its neighbours; a longer one goes by itself.
const COPIED_BYTES_MAX: usize = 8 << 10;

/// The body of a request or a response.
#[derive(Default)]
pub(crate) struct Outgoing {
    parts: VecDeque<Part>,
    sent: Option<Counter>,
}

enum Part {
    Bytes(Bytes),
    File(Pieces),
    Later(BoxFuture<'static, Option<Trailer>>),
}

/// Puts parts together.
struct Packer {
    parts: VecDeque<Part>,
    open: BytesMut,
}

impl Outgoing {
    /// With a trailer, the end waits for it; `wait` bounds that.
    pub(crate) fn new<F>(message: Message, trailing: Trailing, wait: F, sent: Counter) -> Self
    where
        F: FnOnce(Trailing) -> BoxFuture<'static, Option<Trailer>>,
    {
        let Message { head, bodies } = message;
        let mut packer = Packer::new(&head, &bodies);
        packer.frame(Kind::Head, head);
        for body in bodies {
            match body {
                Body::Absent => {}
                Body::Bytes(bytes) => packer.frame(Kind::Body, bytes),
                Body::File(blob) => {
                    packer.prefix(Kind::Body, blob.len());
                    packer.close();
                    packer.parts.push_back(Part::File(Pieces::new(blob)));
                }
            }
        }
        packer.prefix(Kind::End, 0);
        packer.close();
        let mut parts = packer.parts;
        if !trailing.is_none() {
            parts.push_back(Part::Later(wait(trailing)));
        }
        Self { parts, sent: Some(sent) }
    }

    pub(crate) fn request(message: Message, sent: Counter) -> Self {
        Self::new(message, Trailing::NONE, |_| std::future::ready(None).boxed(), sent)
    }
}

impl Packer {
    fn new(head: &Bytes, bodies: &[Body]) -> Self {
        let parts = bodies.iter().map(|body| match body {
            Body::Bytes(bytes) if bytes.len() <= COPIED_BYTES_MAX => bytes.len(),
            _ => 0,
        });
        let small =
            parts.sum::<usize>() + if head.len() <= COPIED_BYTES_MAX { head.len() } else { 0 };
        let prefixes = PREFIX_BYTES * (bodies.len() + 2);
        Self { parts: VecDeque::with_capacity(2), open: BytesMut::with_capacity(small + prefixes) }
    }

    fn frame(&mut self, kind: Kind, content: Bytes) {
        self.prefix(kind, content.len() as u64);
        if content.len() <= COPIED_BYTES_MAX {
            self.open.put(content);
        } else {
            self.close();
            self.parts.push_back(Part::Bytes(content));
        }
    }

    fn prefix(&mut self, kind: Kind, len: u64) {
        self.open.put_slice(&prefix(kind, len));
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.parts.push_back(Part::Bytes(self.open.split().freeze()));
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            let Some(part) = self.parts.front_mut() else { return Poll::Ready(None) };
            let bytes = match part {
                Part::Bytes(bytes) => Some(Ok(std::mem::take(bytes))),
                Part::File(pieces) => ready!(pieces.poll(cx)),
                Part::Later(trailer) => ready!(trailer.poll_unpin(cx)).map(|trailer| {
                    let trailer = wire::encode_trailer(trailer);
                    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + trailer.len());
                    frame.put_slice(&prefix(Kind::Trailer, trailer.len() as u64));
                    frame.put(trailer);
                    Ok(frame.freeze())
                }),
            };
            if !matches!(part, Part::File(_)) || bytes.is_none() {
                self.parts.pop_front();
            }
            if let Some(bytes) = bytes {
                if let (Ok(bytes), Some(sent)) = (&bytes, &self.sent) {
                    sent.inc_by(bytes.len() as u64);
                }
                return Poll::Ready(Some(bytes.map(Frame::data)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }
}
