//! The body of a request, read under limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use littoral_clock::Clock;

/// A request's body.
#[derive(Debug)]
pub struct Upload {
    source: Source,
    clock: Clock,
    /// How long the client may pause.
    pause_max: Duration,
    /// Bytes that are read and thrown away at most, so that a refusal reaches its client.
    drained_max: u64,
    /// The client waits for permission to send, and has not got it.
    waits: bool,
}

#[derive(Debug)]
enum Source {
    Wire(Incoming),
    Parts(std::vec::IntoIter<Bytes>),
    Cut,
}

/// Why a body could not be read. Nothing of it may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// `len`: as declared, or as far as it was read.
    #[error("body of {len} bytes exceeds the limit of {limit}")]
    TooLarge { len: u64, limit: u64 },
    #[error("body was cut short")]
    Cut,
    #[error("body did not go on for {} s", pause_max.as_secs())]
    Slow { pause_max: Duration },
}

impl Upload {
    pub(crate) fn wire(
        body: Incoming,
        head: &HeaderMap,
        clock: Clock,
        pause_max: Duration,
        drained_max: u64,
    ) -> Self {
        let waits = head.get(http::header::EXPECT).is_some();
        Self { source: Source::Wire(body), clock, pause_max, drained_max, waits }
    }

    /// A body that is already here, in parts.
    pub fn ready(parts: Vec<Bytes>, clock: Clock) -> Self {
        Self {
            source: Source::Parts(parts.into_iter()),
            clock,
            pause_max: Duration::from_secs(1),
            drained_max: 0,
            waits: false,
        }
    }

    /// The length the client declared, if it did.
    pub fn declared(&self) -> Option<u64> {
        match &self.source {
            Source::Wire(body) => body.size_hint().exact(),
            Source::Parts(parts) => Some(parts.as_slice().iter().map(|p| p.len() as u64).sum()),
            Source::Cut => None,
        }
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the client is gone or too slow. The body is then over.
    pub async fn next(&mut self) -> Option<Result<Bytes, UploadError>> {
        self.waits = false;
        let body = match &mut self.source {
            Source::Wire(body) => body,
            Source::Parts(parts) => return parts.next().map(Ok),
            Source::Cut => return None,
        };
        loop {
            if body.is_end_stream() {
                return None;
            }
            let error = match self.clock.timeout(self.pause_max, body.frame()).await {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => return Some(Ok(bytes)),
                    // Trailers say nothing here.
                    Err(_) => continue,
                },
                Ok(Some(Err(_))) => UploadError::Cut,
                Err(_) => UploadError::Slow { pause_max: self.pause_max },
            };
            self.source = Source::Cut;
            return Some(Err(error));
        }
    }

    /// The whole body in memory.
    ///
    /// # Errors
    /// When it is larger than `limit`, cut short or too slow.
    pub async fn collect(&mut self, limit: u64) -> Result<Bytes, UploadError> {
        self.check(limit)?;
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let mut all = Joined::One(first);
        let mut len = all.len();
        while let Some(part) = self.next().await.transpose()? {
            len += part.len() as u64;
            if len > limit {
                return Err(self.too_large(len, limit).await);
            }
            all = all.with(&part, self.declared().unwrap_or(0));
        }
        if len > limit {
            return Err(UploadError::TooLarge { len, limit });
        }
        Ok(all.into())
    }

    /// # Errors
    /// When the declared length is above `limit`.
    pub fn check(&self, limit: u64) -> Result<(), UploadError> {
        match self.declared() {
            Some(len) if len > limit => Err(UploadError::TooLarge { len, limit }),
            _ => Ok(()),
        }
    }

    /// The error that says how long a body is of which `len` bytes are more than `limit`, after
    /// reading on to its end within reason.
    pub async fn too_large(&mut self, mut len: u64, limit: u64) -> UploadError {
        let enough = len.saturating_add(self.drained_max);
        while len < enough {
            match self.next().await {
                Some(Ok(part)) => len += part.len() as u64,
                _ => break,
            }
        }
        UploadError::TooLarge { len, limit }
    }

    /// Reads and drops what is left, within reason: a client that is still sending would take an
    /// early answer and a closed connection for a broken one.
    pub async fn drain(&mut self) {
        if self.waits {
            return;
        }
        let mut left = self.drained_max;
        while let Some(Ok(part)) = self.next().await {
            match left.checked_sub(part.len() as u64) {
                Some(less) => left = less,
                None => return,
            }
        }
    }
}

/// Parts of a body put together; one part is not copied.
enum Joined {
    One(Bytes),
    Many(BytesMut),
}

impl Joined {
    fn len(&self) -> u64 {
        match self {
            Self::One(bytes) => bytes.len() as u64,
            Self::Many(bytes) => bytes.len() as u64,
        }
    }

    fn with(self, part: &[u8], declared: u64) -> Self {
        let mut many = match self {
            Self::One(one) => {
                let room = (one.len() + part.len()).max(declared as usize);
                let mut many = BytesMut::with_capacity(room);
                many.extend_from_slice(&one);
                many
            }
            Self::Many(many) => many,
        };
        many.extend_from_slice(part);
        Self::Many(many)
    }
}

impl From<Joined> for Bytes {
    fn from(joined: Joined) -> Self {
        match joined {
            Joined::One(bytes) => bytes,
            Joined::Many(bytes) => bytes.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(parts: &[&'static str]) -> Upload {
        let parts = parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect();
        Upload::ready(parts, Clock::system())
    }

    #[tokio::test]
    async fn a_body_is_put_together_up_to_its_limit_and_no_further() {
        assert_eq!(upload(&[]).collect(0).await, Ok(Bytes::new()));
        assert_eq!(upload(&["ab", "", "cd"]).collect(4).await, Ok(Bytes::from_static(b"abcd")));
        let error = upload(&["ab", "cd"]).collect(3).await;
        assert_eq!(error, Err(UploadError::TooLarge { len: 4, limit: 3 }));
    }
}
