//! What this node knows of the purge stream: read by one task, added to by its own commits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use littoral_clock::Clock;
use littoral_store::Record;
use littoral_store::shared::Recent;
use littoral_types::Position;
use tokio::sync::{Notify, watch};

use crate::columns::{self, STREAM, StreamRow, signed};
use crate::failure::Failure;
use crate::migrate::incarnation;
use crate::options::Options;
use crate::pool::Pool;

pub(crate) struct Stream {
    pub(crate) committed: watch::Sender<Position>,
    pub(crate) recent: Recent,
    /// Held while `committed` and `recent` change, so that they say the same.
    changing: Mutex<()>,
    forgotten: AtomicU64,
    /// Reads of the stream's row that have begun, by number.
    begun: AtomicU64,
    finished: watch::Sender<Finished>,
    wanted: Notify,
    recent_max: u64,
}

/// The last read of the stream's row that has ended.
#[derive(Clone, Debug, Default)]
struct Finished {
    number: u64,
    error: Option<String>,
}

/// Records that one query reads.
pub(crate) const PAGE: i64 = 1000;

pub(crate) const RECORDS: &str = "SELECT number, space, kind, key, version FROM littoral_outbox \
    WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3";

const RENEW: &str = "UPDATE littoral_stream SET incarnation = $1 \
    WHERE id = 1 AND incarnation = $2 AND number < $3";

impl Stream {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            committed: watch::Sender::new(Position::NONE),
            recent: Recent::new(options.outbox_recent_max),
            changing: Mutex::default(),
            forgotten: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            finished: watch::Sender::default(),
            wanted: Notify::new(),
            recent_max: options.outbox_recent_max as u64,
        }
    }

    pub(crate) fn position(&self) -> Position {
        *self.committed.borrow()
    }

    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    pub(crate) fn forget(&self, through: u64) {
        self.forgotten.fetch_max(through, Ordering::AcqRel);
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a position that a transaction read goes on from what this node knew before it. A
    /// failover that lost commits goes back: nothing may be added before the stream has begun anew.
    pub(crate) fn check(&self, known: Position, found: Position) -> Result<(), Failure> {
        if found.incarnation == known.incarnation && found.number < known.number {
            self.wanted.notify_one();
            return Err(Failure::Lost);
        }
        Ok(())
    }

    /// Records with consecutive numbers up to `through`, committed or read. When others are
    /// missing before them, all are read by the task.
    pub(crate) fn advance(&self, through: Position, records: Vec<Record>) {
        let changing = self.changing();
        let known = self.position();
        let follows = records.first().is_none_or(|first| first.number <= known.number + 1);
        if known.incarnation != through.incarnation || !follows {
            drop(changing);
            self.wanted.notify_one();
            return;
        }
        if through.number > known.number {
            self.recent.push(records.into_iter().filter(|record| record.number > known.number));
            self.committed.send_replace(through);
        }
    }

    /// Waits for a read of the stream's row that begins after this call. One read serves all who
    /// wait for it.
    pub(crate) async fn fresh(&self) -> Result<(), Failure> {
        let mut finished = self.finished.subscribe();
        let wanted = self.begun.load(Ordering::Acquire) + 1;
        self.wanted.notify_one();
        let read = finished.wait_for(|finished| finished.number >= wanted).await;
        match read.map(|finished| finished.error.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(Failure::Connect(why)),
            Err(_) => Err(Failure::Connect("the store is closed".into())),
        }
    }

    /// Reads the stream's row, and what is new since, once; then waits until somebody wants it
    /// again, or for the next time.
    pub(crate) async fn turn(&self, pool: &Pool, clock: &Clock, options: &Options) {
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let read = clock.timeout(options.call_time_max, self.read(pool)).await;
        let error = read.unwrap_or(Err(Failure::Time("its purge stream"))).err();
        let error = error.map(|failure| failure.text());
        let failed_before = self.finished.borrow().error.is_some();
        match &error {
            Some(error) if !failed_before => tracing::warn!(error, "cannot follow the database"),
            None if failed_before => tracing::info!("the database is followed again"),
            _ => {}
        }
        self.finished.send_replace(Finished { number, error });
        // Time that has passed is a reason to go on like any other.
        let _ = clock.timeout(options.poll_every, self.wanted.notified()).await;
    }

    async fn read(&self, pool: &Pool) -> Result<(), Failure> {
        let client = pool.get().await?;
        let stream = client.prepare(STREAM).await?;
        // Before the row is read: this node's own commits go on meanwhile.
        let known = self.position();
        let found = columns::stream(&client.query_one(&stream, &[]).await?)?;
        let StreamRow { position, forgotten, .. } = found;
        if position.incarnation != known.incarnation {
            self.begin(found);
        } else if position.number < known.number {
            tracing::error!(
                missing = known.number - position.number,
                "acknowledged writes are gone from this database; its purge stream begins anew"
            );
            let [new, old] = [incarnation(), known.incarnation].map(i64::from);
            client.execute(RENEW, &[&new, &old, &signed(known.number)]).await?;
            self.wanted.notify_one();
        } else {
            self.forget(forgotten);
            let mut after = self.position().number;
            if position.number.saturating_sub(after) > self.recent_max {
                after = position.number - self.recent_max;
                self.skip(Position::new(position.incarnation, after));
            }
            let records = client.prepare(RECORDS).await?;
            while after < position.number {
                let (first, last) = (signed(after), signed(position.number));
                let rows = client.query(&records, &[&first, &last, &PAGE]).await?;
                let page = rows.iter().map(columns::record).collect::<Result<Vec<_>, _>>()?;
                // What is missing was trimmed: there is nothing to wait for.
                let before = page.first().map_or(position.number, |first| first.number - 1);
                if before > after {
                    self.skip(Position::new(position.incarnation, before));
                }
                let Some(last) = page.last() else { break };
                after = last.number;
                self.advance(Position::new(position.incarnation, after), page);
            }
        }
        client.done();
        Ok(())
    }

    /// Another incarnation: nothing known goes on.
    fn begin(&self, found: StreamRow) {
        let _changing = self.changing();
        self.recent.clear();
        self.forgotten.store(found.forgotten, Ordering::Release);
        self.committed.send_replace(found.position);
    }

    /// More is new than is held in memory: those who need the rest read it from the database.
    fn skip(&self, to: Position) {
        let _changing = self.changing();
        if to.number > self.position().number {
            self.recent.clear();
            self.committed.send_replace(to);
        }
    }
}
