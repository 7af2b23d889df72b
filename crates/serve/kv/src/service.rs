//! One node's key-value store: what the doors call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use littoral_clock::{Clock, Hlc};
use littoral_peer::{Error as PeerError, Hops};
use littoral_store::{Debts, Scope, Staging};
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_tiers::{Policy as TierPolicy, Reach, Reached, Served, Tiers};
use littoral_types::{Body, Ctx, Position, Positions, Space, StoreId, Tag, Version, Wall};

use crate::origin::KvOrigin;
use crate::stores::Stores;
use crate::write::{Order, Writer};
use crate::{CrawlLimits, Error, KIND, Namespace, changes, crawl, debts, list};

/// One node's key-value store. Cheap to clone.
#[derive(Clone)]
pub struct Kv(Arc<Inner>);

struct Inner {
    clock: Clock,
    tasks: Tasks,
    stores: Stores,
    tiers: Tiers,
    writer: Writer,
    owed: Option<Arc<dyn Debts>>,
    staging: Staging,
}

/// What one node's key-value store is made of.
pub struct Parts {
    pub clock: Clock,
    pub tasks: Tasks,
    pub hlc: Arc<Hlc>,
    pub stores: Stores,
    pub tiers: Tiers,
    /// The node's durable queue of debts; without one, writes wait for both stores.
    pub owed: Option<Arc<dyn Debts>>,
    pub staging: Staging,
}

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

/// What a write was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The key has it, or a newer one, everywhere in the end.
    pub version: Version,
    /// Stamps of the same write that one store found too old, mostly none. The other store may have
    /// taken them, and readers may have seen the value under them.
    pub earlier: Vec<Version>,
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
    Tag(Tag),
    Everything,
}

impl Kv {
    /// Registers the key-value origin with the node's tiers and begins to pay debts.
    pub fn new(parts: Parts) -> Self {
        let Parts { clock, tasks, hlc, stores, tiers, owed, staging } = parts;
        let origin = Arc::new(KvOrigin::new(stores.clone(), tasks.clone()));
        tiers.register(KIND, origin, TierPolicy::default());
        if let Some(owed) = &owed {
            debts::pay(&stores, owed, &tasks);
        }
        let writer = Writer {
            stores: stores.clone(),
            tiers: tiers.clone(),
            tasks: tasks.clone(),
            hlc,
            owed: owed.clone(),
        };
        Self(Arc::new(Inner { clock, tasks, stores, tiers, writer, owed, staging }))
    }

    /// Begins to walk both stores side by side, bringing together what differs and collecting what
    /// nobody needs, until the node drains. One node of the network does: where store 0 stands.
    pub fn crawl(&self, limits: CrawlLimits, metrics: &Registry) {
        crawl::start(&self.0.stores, &self.0.tasks, limits, metrics);
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn stores(&self) -> &Stores {
        &self.0.stores
    }

    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// A memory hit, answered without waiting; `None` means: [`Kv::get`] it.
    pub fn peek(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        key: &[u8],
        options: ReadOptions,
    ) -> Option<Value> {
        let policy = policy(namespace, options);
        self.0.tiers.peek(ctx, namespace.space(), key, &policy).map(value)
    }

    /// The newest value as this edge may serve it; `ctx.minimum` is met or it is an error.
    ///
    /// # Errors
    /// [`Error::MinimumUnmet`], [`Error::Unavailable`], [`Error::Overloaded`], [`Error::Deadline`].
    pub async fn get(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        key: Bytes,
        options: ReadOptions,
    ) -> Result<Value, Error> {
        let policy = policy(namespace, options);
        let served = self.0.tiers.get(ctx, namespace.space(), key, &policy).await;
        served.map(value).map_err(|error| read_error(error, ctx))
    }

    /// Acknowledged when durable: what it was given.
    ///
    /// # Errors
    /// [`Error::Precondition`]; [`Error::WriteUnavailable`] when no store takes it;
    /// [`Error::StoreNeeded`] when a condition needs a store that does not answer.
    pub async fn put(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        key: Bytes,
        put: Put,
    ) -> Result<Written, Error> {
        let order = Order {
            space: namespace.id,
            key,
            body: put.body,
            meta: put.metadata,
            expires_at: put.expires_at,
            precondition: put.precondition,
            compare: namespace.policy.compare,
        };
        self.write(ctx, order).await
    }

    /// A tombstone; also when there is no such key.
    ///
    /// # Errors
    /// As [`Kv::put`].
    pub async fn delete(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        key: Bytes,
        precondition: Precondition,
    ) -> Result<Written, Error> {
        let order = Order {
            space: namespace.id,
            key,
            body: Body::Absent,
            meta: Bytes::new(),
            expires_at: None,
            precondition,
            compare: namespace.policy.compare,
        };
        self.write(ctx, order).await
    }

    /// Tells the places that may hold a key about a write of it, beside the streams, and who has
    /// answered by the context's deadline.
    pub async fn spread(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        key: &Bytes,
        version: Version,
        reach: Reach,
    ) -> Reached {
        let space = Space { id: namespace.id, kind: KIND };
        self.0.tiers.spread(ctx, space, key, version, reach).await
    }

    async fn write(&self, ctx: &Ctx, order: Order) -> Result<Written, Error> {
        let inner = &self.0;
        let written = inner.clock.until(ctx.deadline, inner.writer.write(ctx, order)).await;
        written.unwrap_or(Err(Error::Deadline))
    }

    /// A page in key order, merged from both stores.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when neither answers; [`Error::Deadline`].
    pub async fn list(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        options: ListOptions,
    ) -> Result<Page, Error> {
        list::list(&self.0.stores, ctx, namespace.id, options).await
    }

    /// Makes every tier ask anew for what the scope covers. Numbered by one store at least, and
    /// owed to the other, before it returns: the numbers.
    ///
    /// # Errors
    /// [`Error::WriteUnavailable`] when no store takes it.
    pub async fn purge(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        scope: PurgeScope,
    ) -> Result<Positions, Error> {
        let scope = match scope {
            PurgeScope::Key(key) => Scope::Key(key),
            PurgeScope::Prefix(prefix) => Scope::Prefix(prefix),
            PurgeScope::Tag(tag) => Scope::Tag(tag),
            PurgeScope::Everything => Scope::Everything,
        };
        let purge = |store| self.0.stores.purge(ctx, store, namespace.id, scope.clone());
        let (a, b) = futures_util::future::join(purge(StoreId(0)), purge(StoreId(1))).await;
        let at = |store, position| Positions::NONE.with(store, position);
        let (numbered, missed, error) = match (a, b) {
            (Ok(a), Ok(b)) => return Ok(at(StoreId(0), a).with(StoreId(1), b)),
            (Err(error), Err(_)) => return Err(Error::WriteUnavailable(error.to_string())),
            (Err(error), Ok(b)) => (at(StoreId(1), b), StoreId(0), error),
            (Ok(a), Err(error)) => (at(StoreId(0), a), StoreId(1), error),
        };
        let why = error.to_string();
        let Some(owed) = &self.0.owed else {
            return Err(Error::StoreNeeded { store: missed.0, why });
        };
        let added = owed.add_purge(missed, namespace.id, scope).await;
        added.map(|_| numbered).map_err(|error| Error::Disk(error.to_string()))
    }

    /// Changes under a prefix from now, or from a place seen before. Ends when the node drains.
    /// Each key's versions come in order, none twice.
    pub fn watch(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        prefix: Bytes,
        from: Option<WatchFrom>,
    ) -> BoxStream<'static, Result<Change, Error>> {
        changes::watch(ctx, &self.0.stores, &self.0.tasks, namespace.id, prefix, from)
    }

    /// A place to collect a body that is larger than memory should hold.
    pub fn staging(&self) -> &Staging {
        &self.0.staging
    }
}

fn policy(namespace: &Namespace, options: ReadOptions) -> TierPolicy {
    let policy = &namespace.policy;
    let seconds = |n: u32| Duration::from_secs(n.into());
    TierPolicy {
        refresh: seconds(policy.refresh_s),
        cache_ttl: options.cache_ttl.unwrap_or_else(|| policy.cache_ttl()),
        absent: seconds(policy.absent_s),
        stale_if_error: seconds(policy.stale_if_error_s),
    }
}

fn value(served: Served) -> Value {
    let Served { entry, absent, age, hops } = served;
    Value {
        version: entry.version,
        body: if absent { Body::Absent } else { entry.body.clone() },
        metadata: entry.meta.clone(),
        expires_at: entry.expires_at,
        age,
        hops,
    }
}

fn read_error(error: PeerError, ctx: &Ctx) -> Error {
    match error {
        PeerError::MinimumUnmet => Error::MinimumUnmet { minimum: ctx.minimum.unwrap_or_default() },
        PeerError::Deadline => Error::Deadline,
        PeerError::Overloaded => {
            Error::Overloaded { what: "reads", retry_after: Duration::from_secs(1) }
        }
        PeerError::Skew(why) => Error::Skew(why),
        PeerError::Damaged(what) => Error::Damaged(what),
        error => Error::Unavailable(error.to_string()),
    }
}
