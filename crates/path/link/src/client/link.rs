//! One connection to a node, and what is known of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use hyper::client::conn::http2::SendRequest;
use littoral_types::Mono;

use crate::outgoing::Outgoing;

/// A connection that calls go out on. Clones share it.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    sender: SendRequest<Outgoing>,
    /// The format that both sides read, as far as is known.
    format: AtomicU8,
    streams: AtomicUsize,
    opened: Mono,
}

/// A call's place on a connection.
pub(super) struct Stream(Link);

impl Link {
    pub(super) fn new(sender: SendRequest<Outgoing>, format: u8, opened: Mono) -> Self {
        let (format, streams) = (AtomicU8::new(format), AtomicUsize::new(0));
        Self(Arc::new(Inner { sender, format, streams, opened }))
    }

    pub(super) fn sender(&self) -> SendRequest<Outgoing> {
        self.0.sender.clone()
    }

    pub(super) fn closed(&self) -> bool {
        self.0.sender.is_closed()
    }

    pub(super) fn opened(&self) -> Mono {
        self.0.opened
    }

    pub(super) fn format(&self) -> u8 {
        self.0.format.load(Ordering::Relaxed)
    }

    pub(super) fn set_format(&self, format: u8) {
        self.0.format.store(format, Ordering::Relaxed);
    }

    pub(super) fn streams(&self) -> usize {
        self.0.streams.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) -> Stream {
        self.0.streams.fetch_add(1, Ordering::Relaxed);
        Stream(self.clone())
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
