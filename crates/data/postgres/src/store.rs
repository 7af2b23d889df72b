//! The store itself: what its parts share, and how they are asked.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_store::shared::{Claim, Group, Limits, Standing};
use littoral_store::{
    Applied, Collect, Error, Found, List, Listed, OutboxPage, Scan, Scanned, Scope, Staging, Store,
    Write,
};
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Position, SpaceId};
use tokio::sync::{oneshot, watch};

use crate::address::Address;
use crate::bodies::{Bodies, part_of};
use crate::failure::Failure;
use crate::options::Options;
use crate::pool::Pool;
use crate::stream::Stream;
use crate::writer::{Job, Lane, Put};

/// The truth on PostgreSQL. Closing it, by dropping the last handle, waits for the commits under
/// way, at most [`Options::call_time_max`].
pub struct Postgres {
    core: Arc<Core>,
    lanes: Vec<Group<Job>>,
}

/// What reads, writers and the follower share.
pub(crate) struct Core {
    pub(crate) pool: Pool,
    pub(crate) bodies: Bodies,
    pub(crate) stream: Stream,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
}

/// More than a key of the contract: a larger one would not fit the index and stop its whole batch.
const KEY_BYTES_MAX: usize = 1024;

impl Postgres {
    /// The store at `address`, whether it can be reached by now or not: until it can, and its schema
    /// is the one this binary knows, every call fails with what is wrong. Large bodies that are
    /// read become files of `staging`.
    ///
    /// # Errors
    /// When the threads that write cannot be started.
    pub fn open(
        address: &Address,
        staging: Arc<Staging>,
        options: Options,
        clock: Clock,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, Error> {
        let pool = Pool::new(address, &options, options.connections_max);
        let bodies = Bodies::new(pool.clone(), staging, clock.clone(), options);
        let core = Arc::new(Core { pool, bodies, stream: Stream::new(&options), clock, options });
        let limits = Limits {
            batch_max: options.write_batch_max,
            batch_bytes_max: options.write_batch_bytes_max,
            waiting_max: options.writes_waiting_max,
            waiting_bytes_max: options.writes_waiting_bytes_max,
        };
        let lane = |_| {
            let lane = Lane::new(core.clone(), address)?;
            Group::start("postgres-writer", limits, lane)
        };
        let lanes = (0..options.writers.max(1)).map(lane).collect::<Result<_, _>>();
        let lanes = lanes.map_err(|error| Error::Write(error.to_string()))?;
        tasks.spawn(TaskKind::Follower, follow(Arc::downgrade(&core)));
        tasks.spawn(TaskKind::Sweep, sweep(Arc::downgrade(&core)));
        Ok(Arc::new(Self { core, lanes }))
    }

    /// Forgets outbox records older than `older`, or more than are kept; the number up to which all
    /// are forgotten.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn trim_outbox(&self, older: Duration) -> Result<u64, Error> {
        while self.core.trim(older).await.map_err(Failure::write)? {}
        Ok(self.core.stream.forgotten())
    }

    /// Removes large bodies that no row has named for the grace; how many. A task does so now and
    /// then.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn sweep(&self) -> Result<u64, Error> {
        self.core.bodies.sweep().await.map_err(Failure::write)
    }

    async fn ask<T>(
        &self,
        lane: usize,
        job: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Job,
        bytes: u64,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.lanes[lane].submit(job(answer), bytes)?;
        let limit = self.core.options.write_time_max;
        match self.core.clock.timeout(limit, answered).await {
            Ok(answer) => answer.map_err(|_| Error::Closed)?,
            Err(_) => Err(Failure::Time("a write, which may still be applied").write()),
        }
    }

    async fn prepare(&self, write: Write) -> Result<Put, Error> {
        let Write { space, key, row, .. } = &write;
        if key.len() > KEY_BYTES_MAX {
            return Err(Error::Write(format!("a key of {} bytes is too long", key.len())));
        }
        let body = self.core.bodies.prepare(&row.body).await?;
        let (space, key) = (*space, key.clone());
        let (claim, standing) = (Claim::of(&write), Standing::of(&write.row));
        let (meta, tags) = (write.row.meta, write.row.tags);
        Ok(Put { space, key, claim, standing, meta, tags, body })
    }
}

impl Core {
    /// Waits for work on the database, but not for ever.
    pub(crate) async fn limited<T>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limited = self.clock.timeout(self.options.call_time_max, work).await;
        limited.unwrap_or(Err(Failure::Time(what)))
    }
}

/// Follows the stream for as long as the store is open.
async fn follow(core: Weak<Core>) {
    while let Some(core) = core.upgrade() {
        core.stream.turn(&core.pool, &core.clock, &core.options).await;
    }
}

async fn sweep(core: Weak<Core>) {
    loop {
        let Some((clock, every)) = core.upgrade().map(|core| (core.clock.clone(), core.options))
        else {
            return;
        };
        clock.sleep(every.sweep_every).await;
        let Some(core) = core.upgrade() else { return };
        match core.bodies.sweep().await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "large bodies that no row named"),
            Err(failure) => tracing::debug!(error = failure.text(), "cannot sweep the database"),
        }
    }
}

impl Store for Postgres {
    fn get(&self, space: SpaceId, key: Bytes) -> BoxFuture<'_, Result<Found, Error>> {
        Box::pin(async move { self.core.get(space, &key).await.map_err(Failure::read) })
    }

    fn apply(&self, write: Write) -> BoxFuture<'_, Result<Applied, Error>> {
        Box::pin(async move {
            let put = self.prepare(write).await?;
            let lane = part_of(&put.space.to_bytes(), &put.key, self.lanes.len());
            let bytes = put.bytes();
            self.ask(lane, |answer| Job::Apply { put, answer }, bytes).await
        })
    }

    fn list(&self, list: List) -> BoxFuture<'_, Result<Listed, Error>> {
        Box::pin(async move { self.core.list(&list).await.map_err(Failure::read) })
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Scanned, Error>> {
        Box::pin(async move { self.core.scan(&scan).await.map_err(Failure::read) })
    }

    fn collect(&self, collect: Collect) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move { self.core.collect(&collect).await.map_err(Failure::write) })
    }

    fn purge(&self, space: SpaceId, scope: Scope) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(self.ask(0, move |answer| Job::Purge { space, scope, answer }, 0))
    }

    fn outbox(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<OutboxPage, Error>> {
        Box::pin(async move { self.core.outbox(after, limit).await.map_err(Failure::read) })
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.core.stream.committed.subscribe()
    }
}
