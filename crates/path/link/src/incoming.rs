//! A message on its way in: small bodies into memory, large ones into files, never both.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use littoral_clock::Clock;
use littoral_peer::Trailer;
use littoral_peer::wire::{self, Message, WireError};
use littoral_store::{FILE_BYTES_MIN, Staged, Staging};
use littoral_telemetry::metrics::Counter;
use littoral_types::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::frame::{FrameError, Frames, Kind, Part};

/// Room taken at once for what a frame says its length is; the rest when it is there.
const TRUSTED_BYTES: usize = 64 << 10;
/// Bytes that are brought to a file at once.
const PIECE_BYTES: usize = 256 << 10;
/// Bytes of one message that are held in memory: its head and its smaller bodies.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 << 20;

/// Where a message arrives, and after it its trailer.
pub(crate) struct Inbox {
    body: Incoming,
    /// What has come and is not yet taken apart.
    chunk: Bytes,
    frames: Frames,
    with: Arc<Receiving>,
    /// What the message takes of the memory for all; given back with the inbox.
    room: Vec<OwnedSemaphorePermit>,
}

/// What receiving needs.
pub(crate) struct Receiving {
    pub(crate) clock: Clock,
    pub(crate) staging: Arc<Staging>,
    /// How long the sender may pause inside a message.
    pub(crate) pause_max: Duration,
    pub(crate) memory: Memory,
    pub(crate) received: Counter,
}

/// Memory for all messages that are being received; small frames are not counted.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Semaphore>);

/// Memory is handed out in steps of this many bytes.
const STEP_BYTES: usize = 1 << 10;

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("the stream was cut: {0}")]
    Cut(#[from] hyper::Error),
    #[error("the stream ended inside a message")]
    Short,
    #[error("the sender paused for too long")]
    Slow,
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Wire(#[from] WireError),
    #[error("a message holds more than {MESSAGE_BYTES_MAX} bytes beside its files")]
    TooLarge,
    #[error("there is no memory left for messages as large as this")]
    NoMemory,
    #[error("a body cannot be staged: {0}")]
    Disk(#[from] io::Error),
}

/// A body being received.
enum Filling {
    Memory(BytesMut),
    File(Piecewise),
}

/// A file, written where blocking is allowed.
struct Piecewise {
    staged: Staged,
    waiting: Vec<Bytes>,
    bytes: usize,
}

impl Inbox {
    pub(crate) fn new(body: Incoming, with: Arc<Receiving>) -> Self {
        Self { body, chunk: Bytes::new(), frames: Frames::new(), with, room: Vec::new() }
    }

    /// The message, up to its end; a trailer may still follow.
    pub(crate) async fn message(&mut self) -> Result<Message, ReceiveError> {
        let mut message = Message::default();
        let mut held = 0;
        loop {
            let Some(Part::Begin(kind, len)) = self.part().await? else {
                return Err(ReceiveError::Short);
            };
            let file = kind == Kind::Body && len >= FILE_BYTES_MIN;
            if !file {
                held += len;
                if held > MESSAGE_BYTES_MAX {
                    return Err(ReceiveError::TooLarge);
                }
                self.room.extend(self.with.memory.take(len)?);
            }
            match kind {
                Kind::Head => message.head = self.content(len).await?,
                Kind::Body if file => message.bodies.push(self.file().await?),
                Kind::Body => message.bodies.push(Body::Bytes(self.content(len).await?)),
                Kind::End | Kind::Trailer => {
                    self.content(len).await?;
                    return Ok(message);
                }
            }
        }
    }

    /// What follows a message: `None` when the stream ends without it.
    pub(crate) async fn trailer(&mut self) -> Result<Option<Trailer>, ReceiveError> {
        let Some(Part::Begin(_, len)) = self.part().await? else { return Ok(None) };
        let bytes = self.content(len).await?;
        Ok(Some(wire::decode_trailer(&bytes)?))
    }

    /// A frame's content in memory of its own: a small value must not hold a whole read buffer.
    async fn content(&mut self, len: usize) -> Result<Bytes, ReceiveError> {
        let mut filling = Filling::Memory(BytesMut::with_capacity(len.min(TRUSTED_BYTES)));
        self.fill(&mut filling).await?;
        let Filling::Memory(bytes) = filling else { return Err(ReceiveError::Short) };
        Ok(bytes.freeze())
    }

    async fn file(&mut self) -> Result<Body, ReceiveError> {
        let staging = Arc::clone(&self.with.staging);
        let staged = spawn_blocking(move || staging.create()).await.map_err(io::Error::other)??;
        let mut filling = Filling::File(Piecewise { staged, waiting: Vec::new(), bytes: 0 });
        self.fill(&mut filling).await?;
        let Filling::File(file) = filling else { return Err(ReceiveError::Short) };
        Ok(Body::File(file.write().await?.staged.finish()))
    }

    async fn fill(&mut self, filling: &mut Filling) -> Result<(), ReceiveError> {
        loop {
            match self.part().await? {
                Some(Part::Content(bytes)) => match filling {
                    Filling::Memory(memory) => memory.extend_from_slice(&bytes),
                    Filling::File(_) => {
                        let taken = std::mem::replace(filling, Filling::Memory(BytesMut::new()));
                        *filling = taken.with(bytes).await?;
                    }
                },
                Some(Part::Whole(_)) => return Ok(()),
                Some(Part::Begin(..)) | None => return Err(ReceiveError::Short),
            }
        }
    }

    /// The next part; `None` at the end of the stream, which may only be between frames.
    async fn part(&mut self) -> Result<Option<Part>, ReceiveError> {
        loop {
            if let Some(part) = self.frames.next(&mut self.chunk)? {
                return Ok(Some(part));
            }
            let Receiving { clock, pause_max, received, .. } = &*self.with;
            let next = clock.timeout(*pause_max, self.body.frame()).await;
            let Some(frame) = next.map_err(|_| ReceiveError::Slow)?.transpose()? else {
                return if self.frames.between() { Ok(None) } else { Err(ReceiveError::Short) };
            };
            if let Ok(bytes) = frame.into_data() {
                received.inc_by(bytes.len() as u64);
                self.chunk = bytes;
            }
        }
    }
}

impl Memory {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes_max / STEP_BYTES)))
    }

    fn take(&self, len: usize) -> Result<Option<OwnedSemaphorePermit>, ReceiveError> {
        if len <= TRUSTED_BYTES {
            return Ok(None);
        }
        let steps = u32::try_from(len.div_ceil(STEP_BYTES)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.0).try_acquire_many_owned(steps);
        taken.map(Some).map_err(|_| ReceiveError::NoMemory)
    }
}

impl Filling {
    async fn with(self, bytes: Bytes) -> Result<Self, ReceiveError> {
        let Self::File(mut file) = self else { return Ok(self) };
        file.bytes += bytes.len();
        file.waiting.push(bytes);
        Ok(Self::File(if file.bytes >= PIECE_BYTES { file.write().await? } else { file }))
    }
}

impl Piecewise {
    async fn write(mut self) -> io::Result<Self> {
        let written = spawn_blocking(move || {
            for bytes in self.waiting.drain(..) {
                self.staged.write(&bytes)?;
            }
            self.bytes = 0;
            Ok(self)
        });
        written.await.map_err(io::Error::other)?
    }
}
