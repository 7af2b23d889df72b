//! Collects a value as it comes in: small ones in memory, large ones in a file.

use std::io;

use bytes::{Bytes, BytesMut};
use littoral_http::{Refusal, Upload};
use littoral_store::{FILE_BYTES_MIN, Staged};
use littoral_types::Body;
use tokio::task::spawn_blocking;

use super::refuse;

/// Bytes of a value.
pub const VALUE_BYTES_MAX: u64 = 25 * 1024 * 1024;

/// Makes the file for a large value.
pub(crate) trait Stage: Clone + Send + 'static {
    fn stage(&self) -> io::Result<Staged>;
}

impl Stage for crate::Kv {
    fn stage(&self) -> io::Result<Staged> {
        self.staging().create()
    }
}

/// A value that is coming in.
pub(crate) struct Collector<S> {
    stage: S,
    /// Not yet in the file.
    held: BytesMut,
    file: Option<Staged>,
    len: u64,
}

impl<S: Stage> Collector<S> {
    /// `declared`: how long the client says it is.
    pub(crate) fn new(stage: S, declared: Option<u64>) -> Self {
        let room = declared.unwrap_or(0).min(FILE_BYTES_MIN as u64) as usize;
        Self { stage, held: BytesMut::with_capacity(room), file: None, len: 0 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Takes a part; past the limit it is only counted.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) async fn push(&mut self, part: &[u8]) -> Result<(), Refusal> {
        self.len += part.len() as u64;
        if self.len > VALUE_BYTES_MAX {
            self.held = BytesMut::new();
            self.file = None;
            return Ok(());
        }
        self.held.extend_from_slice(part);
        if self.held.len() >= FILE_BYTES_MIN {
            self.spill().await?;
        }
        Ok(())
    }

    async fn spill(&mut self) -> Result<(), Refusal> {
        let (stage, held, file) = (self.stage.clone(), self.held.split(), self.file.take());
        let written = spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => stage.stage()?,
            };
            file.write(&held)?;
            Ok(file)
        });
        let written = written.await.map_err(io::Error::other).flatten();
        self.file = Some(written.map_err(|error| refuse::disk(&error))?);
        Ok(())
    }

    /// The whole value.
    ///
    /// # Errors
    /// When it is too large, or the disk refuses.
    pub(crate) async fn finish(mut self) -> Result<Body, Refusal> {
        if self.len > VALUE_BYTES_MAX {
            return Err(refuse::value_too_large(self.len));
        }
        if self.file.is_some() && !self.held.is_empty() {
            self.spill().await?;
        }
        Ok(match self.file {
            Some(file) => Body::File(file.finish()),
            // A buffer of its own size: what is kept is counted by its length.
            None => Body::Bytes(Bytes::copy_from_slice(&self.held)),
        })
    }
}

/// The raw body of a request, as a value.
pub(crate) async fn upload<S: Stage>(upload: &mut Upload, stage: S) -> Result<Body, Refusal> {
    let declared = upload.declared();
    if let Some(len) = declared.filter(|len| *len > VALUE_BYTES_MAX) {
        return Err(refuse::value_too_large(len));
    }
    let mut value = Collector::new(stage, declared);
    while let Some(part) = upload.next().await {
        value.push(&part.map_err(refuse::upload)?).await?;
        if value.len() > VALUE_BYTES_MAX {
            let error = upload.too_large(value.len(), VALUE_BYTES_MAX).await;
            let littoral_http::UploadError::TooLarge { len, .. } = error else { break };
            return Err(refuse::value_too_large(len));
        }
    }
    value.finish().await
}

/// Bytes that are already here, as a value.
pub(crate) async fn bytes<S: Stage>(bytes: &[u8], stage: S) -> Result<Body, Refusal> {
    let mut value = Collector::new(stage, Some(bytes.len() as u64));
    value.push(bytes).await?;
    value.finish().await
}

/// All of a value in memory.
pub(crate) async fn load(body: Body) -> Result<Bytes, Refusal> {
    let blob = match body {
        Body::Absent => return Ok(Bytes::new()),
        Body::Bytes(bytes) => return Ok(bytes),
        Body::File(blob) => blob,
    };
    let read = spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(blob.len() as usize);
        io::Read::read_to_end(&mut blob.open()?, &mut bytes)?;
        Ok(Bytes::from(bytes))
    });
    read.await.map_err(io::Error::other).flatten().map_err(|error| refuse::disk(&error))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use littoral_clock::Clock;
    use littoral_store::Staging;

    use super::*;

    #[derive(Clone)]
    pub(in super::super) struct Folder(Arc<(Staging, tempfile::TempDir)>);

    impl Stage for Folder {
        fn stage(&self) -> io::Result<Staged> {
            self.0.0.create()
        }
    }

    pub(in super::super) fn folder() -> Folder {
        let dir = tempfile::tempdir().expect("a folder");
        let staging = Staging::open(&dir.path().join("staging")).expect("a folder");
        Folder(Arc::new((staging, dir)))
    }

    fn parts(total: usize) -> (Vec<Bytes>, Vec<u8>) {
        let whole: Vec<u8> = (0..total).map(|i| (i % 251) as u8).collect();
        (whole.chunks(100_003).map(Bytes::copy_from_slice).collect(), whole)
    }

    async fn collect(total: usize, folder: &Folder) -> Result<(Body, Vec<u8>), Refusal> {
        let (parts, whole) = parts(total);
        let mut sent = Upload::ready(parts, Clock::system());
        Ok((upload(&mut sent, folder.clone()).await?, whole))
    }

    #[tokio::test]
    async fn a_small_value_stays_in_memory_and_a_large_one_goes_to_a_file() {
        let folder = folder();
        for (total, in_file) in [
            (0, false),
            (5, false),
            (FILE_BYTES_MIN - 1, false),
            (FILE_BYTES_MIN, true),
            (1_000_001, true),
        ] {
            let (body, whole) = collect(total, &folder).await.expect("collected");
            assert_eq!(matches!(body, Body::File(_)), in_file, "{total}");
            assert_eq!(body.len(), total as u64);
            assert!(load(body).await.expect("readable") == whole, "{total}");
        }
    }

    #[tokio::test]
    async fn a_value_may_have_the_limit_but_not_one_byte_more() {
        let folder = folder();
        let (body, _) = collect(VALUE_BYTES_MAX as usize, &folder).await.expect("at the limit");
        assert_eq!(body.len(), VALUE_BYTES_MAX);
        let refusal = collect(VALUE_BYTES_MAX as usize + 1, &folder).await.expect_err("one over");
        assert_eq!(refusal.message, "Value length of 26214401 exceeds limit of 26214400.");
        let mut value = Collector::new(folder, None);
        value.push(&vec![0; VALUE_BYTES_MAX as usize]).await.expect("at the limit");
        value.push(b"1").await.expect("counted");
        let refusal = value.finish().await.expect_err("one over");
        assert_eq!(refusal.message, "Value length of 26214401 exceeds limit of 26214400.");
    }
}
