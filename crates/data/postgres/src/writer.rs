//! A writer: takes what waits, decides it in one transaction, and answers when that is committed.

mod batch;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Chance;
use littoral_store::shared::{Claim, Commit, Standing};
use littoral_store::{Applied, Error, Scope};
use littoral_types::{Position, SpaceId, Tag};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::address::Address;
use crate::bodies::Prepared;
use crate::failure::Failure;
use crate::pool::Pool;
use crate::store::Core;
use batch::Outcome;

type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(crate) enum Job {
    Apply { put: Put, answer: Answer<Applied> },
    Purge { space: SpaceId, scope: Scope, answer: Answer<Position> },
}

/// A write ready to be decided.
pub(crate) struct Put {
    pub(crate) space: SpaceId,
    pub(crate) key: Bytes,
    pub(crate) claim: Claim,
    pub(crate) standing: Standing,
    pub(crate) meta: Bytes,
    pub(crate) tags: Option<Arc<[Tag]>>,
    pub(crate) body: Prepared,
}

/// One writer, with a thread, a runtime and a connection of its own: it ends what it has begun
/// whatever becomes of the node's runtime.
pub(crate) struct Lane {
    core: Arc<Core>,
    pool: Pool,
    runtime: Runtime,
    chance: Chance,
    /// Whether the transaction under way may have been committed.
    sent: AtomicBool,
}

/// Between attempts: as much again, and by chance up to as much more.
const PAUSE: Duration = Duration::from_millis(2);

const UNKNOWN: &str = "the connection was lost while it committed: whether this write was applied \
    is not known; ask again with the same version";

impl Lane {
    pub(crate) fn new(core: Arc<Core>, address: &Address) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let pool = Pool::new(address, &core.options, 1);
        let (chance, sent) = (Chance::from_machine(), AtomicBool::new(false));
        Ok(Self { core, pool, runtime, chance, sent })
    }

    /// Tries until it is committed, or cannot be. A lost connection leaves open whether it was, so
    /// the same is tried again, which finds its own writes if so: a version is applied once.
    async fn commit_all(&self, jobs: &[Job], chance: &mut Chance) -> Result<Vec<Outcome>, Failure> {
        let options = &self.core.options;
        let give_up = self.core.clock.after(options.call_time_max);
        let mut unsure = false;
        let mut attempt = 1;
        loop {
            self.sent.store(false, Ordering::Relaxed);
            let trying = self.core.clock.until(give_up, self.attempt(jobs, unsure));
            let failure = match trying.await.unwrap_or(Err(Failure::Time("a commit"))) {
                Ok(outcomes) => return Ok(outcomes),
                Err(failure) => failure,
            };
            unsure |= self.sent.load(Ordering::Relaxed) && !failure.is_answer();
            let again = failure.is_conflict() || matches!(failure, Failure::Database(_));
            if !again || attempt >= options.commit_attempts_max {
                return Err(failure);
            }
            let pause = PAUSE * attempt as u32;
            let by_chance = Duration::from_micros(chance.below(pause.as_micros() as u64));
            self.core.clock.sleep(pause + by_chance).await;
            attempt += 1;
        }
    }
}

impl Commit for Lane {
    type Job = Job;

    fn commit(&mut self, mut jobs: Vec<Job>) {
        // Nobody waits for these any more.
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return;
        }
        let mut chance = self.chance.fork();
        let committed = self.runtime.block_on(Self::commit_all(self, &jobs, &mut chance));
        match committed {
            Ok(outcomes) => {
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    job.answer(outcome);
                }
            }
            Err(failure) => {
                let why = failure.text();
                tracing::debug!(error = why, writes = jobs.len(), "not committed");
                jobs.into_iter().for_each(|job| job.refuse(&why));
            }
        }
    }
}

impl Put {
    /// Bytes in memory until it is committed.
    pub(crate) fn bytes(&self) -> u64 {
        let body = match &self.body {
            Prepared::Bytes(bytes) => bytes.len(),
            Prepared::Absent | Prepared::Chunks(_) => 0,
        };
        (self.key.len() + self.meta.len() + body) as u64
    }
}

// Whoever asked may have gone: what an answer's sender says is dropped.
impl Job {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Apply { answer, .. } => answer.is_closed(),
            Self::Purge { answer, .. } => answer.is_closed(),
        }
    }

    fn answer(self, outcome: Outcome) {
        match (self, outcome) {
            (Self::Apply { answer, .. }, Outcome::Applied(applied)) => {
                drop(answer.send(Ok(applied)));
            }
            (Self::Purge { answer, .. }, Outcome::Purged(position)) => {
                drop(answer.send(Ok(position)));
            }
            (job, _) => job.refuse(UNKNOWN),
        }
    }

    fn refuse(self, why: &str) {
        match self {
            Self::Apply { answer, .. } => drop(answer.send(Err(Error::Write(why.into())))),
            Self::Purge { answer, .. } => drop(answer.send(Err(Error::Write(why.into())))),
        }
    }
}
