//! A file, read piece by piece where blocking is allowed, one piece ahead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use littoral_types::Blob;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes read at once.
const PIECE_BYTES: u64 = 128 << 10;

/// What is still to be read of a file.
pub(crate) struct Pieces {
    blob: Arc<Blob>,
    file: Option<Arc<File>>,
    at: u64,
    reading: Option<JoinHandle<io::Result<Piece>>>,
}

/// What was read, and the open file to read on from.
type Piece = (Arc<File>, Bytes);

impl Pieces {
    pub(crate) fn new(blob: Arc<Blob>) -> Self {
        Self { blob, file: None, at: 0, reading: None }
    }

    /// The next piece; `None` after the last. A file that is shorter than it should be is an error.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.at == self.blob.len() {
            return Poll::Ready(None);
        }
        let (at, len) = (self.at, (self.blob.len() - self.at).min(PIECE_BYTES));
        let (blob, file) = (&self.blob, &mut self.file);
        let reading = self.reading.get_or_insert_with(|| read(blob, file.take(), at, len));
        let read_piece = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other).flatten();
        self.reading = None;
        match read_piece {
            Ok((file, bytes)) => {
                self.at += bytes.len() as u64;
                let left = self.blob.len() - self.at;
                if left > 0 {
                    let len = left.min(PIECE_BYTES);
                    self.reading = Some(read(&self.blob, Some(file), self.at, len));
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Err(error) => {
                tracing::error!(%error, path = %self.blob.path().display(), "body cut short");
                self.at = self.blob.len();
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

fn read(
    blob: &Arc<Blob>,
    file: Option<Arc<File>>,
    at: u64,
    len: u64,
) -> JoinHandle<io::Result<Piece>> {
    let blob = Arc::clone(blob);
    spawn_blocking(move || {
        let file = match file {
            Some(file) => file,
            None => Arc::new(blob.open()?),
        };
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, at)?;
        Ok((file, bytes.into()))
    })
}
