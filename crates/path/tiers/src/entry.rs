//! What a tier keeps of one key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_memory::Weigh;
use littoral_store::Row;
use littoral_types::{Body, Mono, Positions, Tag, Version, Wall};

/// One key's answer as a tier holds it. Immutable: a refresh replaces it, sharing the body.
#[derive(Clone, Debug)]
pub struct Entry {
    /// [`Version::ZERO`] when no store has a row.
    pub version: Version,
    pub body: Body,
    /// Opaque here; read only by the space's front.
    pub meta: Bytes,
    pub tags: Option<Arc<[Tag]>>,
    /// From here on the entry reads as absent, with its version.
    pub expires_at: Option<Wall>,
    /// When a store, or a tier that covers the key, vouched for it, on this node's clock: the time
    /// the question was sent, less the age that came with the answer.
    pub vouched_at: Mono,
    /// When this node asked for it, or took it as a write. Of another life: as long ago as it was
    /// vouched for.
    pub copied_at: Mono,
    /// What each store's stream had surely said by then.
    pub positions: Positions,
    /// Whether every store in service agreed.
    pub confirmed: bool,
    /// Since when it is stale by a purge by hand that a sweep has passed; for one that none has, see
    /// [`Tiers::stale_since`](crate::Tiers::stale_since).
    pub stale_since: Option<Mono>,
}

impl Entry {
    /// A write's row, which only one store has surely taken.
    pub fn of(row: Row, vouched_at: Mono, copied_at: Mono, positions: Positions) -> Self {
        let Row { version, body, meta, tags, expires_at } = row;
        Self {
            version,
            body,
            meta,
            tags,
            expires_at,
            vouched_at,
            copied_at,
            positions,
            confirmed: false,
            stale_since: None,
        }
    }

    pub fn age(&self, now: Mono) -> Duration {
        now.since(self.vouched_at)
    }

    pub fn expired(&self, wall: Wall) -> bool {
        self.expires_at.is_some_and(|at| at <= wall)
    }

    /// Whether a reader finds nothing: never written, deleted, or expired.
    pub fn absent(&self, wall: Wall) -> bool {
        self.body.is_absent() || self.expired(wall)
    }
}

impl Weigh for Entry {
    fn weight(&self) -> u64 {
        let tags = self.tags.as_ref().map_or(0, |tags| size_of_val(&**tags));
        size_of::<Self>() as u64 + self.body.weight() + self.meta.len() as u64 + tags as u64
    }
}
