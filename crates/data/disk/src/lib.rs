//! The disk tier of one node's cache, over restarts.

use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{Mono, Positions, SpaceId, Tag, Version, Wall};

/// An entry as it is kept on disk.
#[derive(Clone, Debug)]
pub struct Kept {
    pub version: Version,
    /// `None`: absent.
    pub body: Option<Bytes>,
    pub meta: Bytes,
    pub tags: Option<Arc<[Tag]>>,
    pub expires_at: Option<Wall>,
    /// [`Mono::LONG_AGO`] when read back after a restart; then nothing is confirmed.
    pub vouched_at: Mono,
    pub positions: Positions,
    pub confirmed: bool,
}

pub struct Disk {}

impl Disk {
    pub fn get(&self, _space: SpaceId, _key: &[u8]) -> Option<Kept> {
        None
    }
    pub fn keep(&self, _space: SpaceId, _key: Bytes, _kept: Kept) {}
    pub fn forget(&self, _space: SpaceId, _key: &[u8]) {}
    pub fn each(&self, _keep: impl Fn(SpaceId, &[u8], &Kept) -> bool) {}
}
