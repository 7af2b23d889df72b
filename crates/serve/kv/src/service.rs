//! One node's key-value store: what the doors call.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use littoral_peer::Hops;
use littoral_types::{Body, Ctx, Position, StoreId, Version, Wall};

use crate::{Error, Namespace};

/// One node's key-value store. Cheap to clone.
#[derive(Clone)]
pub struct Kv {}

#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// How long this edge may keep the answer, counted from when it was vouched for; the
    /// namespace's default when `None`. The caller has checked it against the policy's minimum.
    pub cache_ttl: Option<Duration>,
}

/// The answer to a read. [`Body::Absent`]: no such key.
#[derive(Clone, Debug)]
pub struct Value {
    /// [`Version::ZERO`] when the key never existed.
    pub version: Version,
    pub body: Body,
    /// The metadata's JSON text as it was written; empty when none.
    pub metadata: Bytes,
    pub expires_at: Option<Wall>,
    /// Age of the answer: since a store, or a tier that covers the key, vouched for it.
    pub age: Duration,
    /// What each hop did, nearest the origin first, this edge last.
    pub hops: Hops,
}

#[derive(Clone, Debug, Default)]
pub struct Put {
    pub body: Body,
    /// JSON text; empty for none.
    pub metadata: Bytes,
    pub expires_at: Option<Wall>,
    pub precondition: Precondition,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    #[default]
    None,
    /// `If-Match: "version"`
    Version(Version),
    /// `If-Match: *`
    Present,
    /// `If-None-Match: *`
    Absent,
}

#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    pub prefix: Bytes,
    /// Exclusive start in the direction of the listing.
    pub after: Option<Bytes>,
    pub limit: usize,
    pub reverse: bool,
    pub values: bool,
}

#[derive(Clone, Debug)]
pub struct Page {
    pub keys: Vec<Listing>,
    /// Continue after this key; `None` on the last page. A page may be empty and have more.
    pub more_after: Option<Bytes>,
}

#[derive(Clone, Debug)]
pub struct Listing {
    pub key: Bytes,
    pub version: Version,
    pub metadata: Bytes,
    pub expires_at: Option<Wall>,
    /// Present when values were asked for.
    pub body: Option<Body>,
}

/// One change of a key, as a watcher sees it.
#[derive(Clone, Debug)]
pub struct Change {
    pub key: Bytes,
    pub version: Version,
    /// False: deleted.
    pub live: bool,
    /// Where to resume: pass it back as [`WatchFrom`].
    pub from: WatchFrom,
}

/// A place in both stores' streams. `None`: from now.
pub type WatchFrom = Vec<(StoreId, Position)>;

#[derive(Clone, Debug)]
pub enum PurgeScope {
    Key(Bytes),
    Prefix(Bytes),
    Everything,
}

impl Kv {
    /// A memory hit, answered without waiting; `None` means: [`Kv::get`] it.
    pub fn peek(&self, ctx: &Ctx, namespace: &Namespace, key: &[u8], options: ReadOptions) -> Option<Value> {
        let _ = (ctx, namespace, key, options);
        None
    }

    pub async fn get(&self, ctx: &Ctx, namespace: &Namespace, key: Bytes, options: ReadOptions) -> Result<Value, Error> {
        todo!("{ctx:?} {namespace:?} {key:?} {options:?}")
    }

    /// Acknowledged when durable; the new version.
    pub async fn put(&self, ctx: &Ctx, namespace: &Namespace, key: Bytes, put: Put) -> Result<Version, Error> {
        todo!("{ctx:?} {namespace:?} {key:?} {put:?}")
    }

    /// A tombstone; also when there is no such key.
    pub async fn delete(&self, ctx: &Ctx, namespace: &Namespace, key: Bytes, precondition: Precondition) -> Result<Version, Error> {
        todo!("{ctx:?} {namespace:?} {key:?} {precondition:?}")
    }

    pub async fn list(&self, ctx: &Ctx, namespace: &Namespace, options: ListOptions) -> Result<Page, Error> {
        todo!("{ctx:?} {namespace:?} {options:?}")
    }

    /// Makes every tier ask anew for what the scope covers.
    pub async fn purge(&self, ctx: &Ctx, namespace: &Namespace, scope: PurgeScope) -> Result<(), Error> {
        todo!("{ctx:?} {namespace:?} {scope:?}")
    }

    /// Changes under a prefix from now, or from a place seen before. Ends when the node drains.
    /// Each key's versions come in order, none twice.
    pub fn watch(&self, ctx: &Ctx, namespace: &Namespace, prefix: Bytes, from: Option<WatchFrom>) -> BoxStream<'static, Result<Change, Error>> {
        todo!("{ctx:?} {namespace:?} {prefix:?} {from:?}")
    }

    /// A place to collect a body that is larger than memory should hold.
    pub fn staging(&self) -> &littoral_store::Staging {
        todo!()
    }
}
