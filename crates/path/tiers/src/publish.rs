//! A store's side of its purge stream: who is owed which records, and the heartbeat.
//!
//! A follower asks for what comes after its position; the answer is complete up to the position it
//! states, read after the question came. So one message is acknowledgement, replay and heartbeat,
//! and it may be lost, late or repeated without harm.

use std::sync::Arc;
use std::time::Duration;

use littoral_clock::Clock;
use littoral_peer::{Error, Filter, Follow, Followed};
use littoral_store::{Purge, Record, Store, Write};
use littoral_topology::{Known, Topology, key_hash};
use littoral_types::Position;

use crate::news::News;

/// Publishes one store's outbox.
pub struct Publisher {
    store: Arc<dyn Store>,
    topology: Known,
    clock: Clock,
    news: News,
}

/// A follower may not hold a question open longer than this.
const HOLD_MAX: Duration = Duration::from_secs(30);

/// Nor ask for more records at once than this.
const LIMIT_MAX: usize = 65_536;

/// How long news may wait for more of its kind. A store's followers wake together at each commit,
/// on the cores that the writer's answer needs; a moment later they wake once for several.
const LINGER: Duration = Duration::from_millis(2);

impl Publisher {
    pub fn new(store: Arc<dyn Store>, topology: Known, clock: Clock) -> Self {
        Self { store, topology, clock, news: News::default() }
    }

    /// The store is about to be given a write. A small one goes along with its purge, which may be
    /// asked for before the store has answered.
    pub fn coming(&self, write: &Write) {
        self.news.coming(write);
    }

    /// Answers one question of a follower: at once when there is news for it, else with a
    /// heartbeat when its time is up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outbox cannot be read.
    pub async fn follow(&self, follow: Follow) -> Result<Followed, Error> {
        let Follow { after, filter, hold, limit, rows } = follow;
        // One answer is routed by one epoch, which it states.
        let topology = &*self.topology.now();
        let mut committed = self.store.committed();
        let beat_at = self.clock.after(hold.min(HOLD_MAX));
        let mut through = after;
        loop {
            let now = *committed.borrow_and_update();
            if now == Position::NONE {
                return Err(Error::Unavailable("the store has not been read yet".into()));
            }
            if after.incarnation != now.incarnation {
                return Ok(followed(topology, Vec::new(), now, true));
            }
            while through.number < now.number {
                let page = self.store.outbox(through.number, limit.clamp(1, LIMIT_MAX)).await;
                let page = page.map_err(|error| Error::Unavailable(error.to_string()))?;
                if through.number < page.forgotten {
                    return Ok(followed(topology, Vec::new(), now, true));
                }
                if page.through.number <= through.number {
                    break;
                }
                through = page.through;
                let owed =
                    page.records.into_iter().filter(|record| owes(topology, &filter, record));
                let records: Vec<_> = owed.collect();
                if !records.is_empty() {
                    let rows = if rows { self.news.of(&records) } else { Vec::new() };
                    let followed = followed(topology, records, through, false);
                    return Ok(Followed { rows, ..followed });
                }
            }
            let news = self.clock.until(beat_at, committed.changed()).await;
            match news {
                Ok(Ok(())) => self.clock.sleep(LINGER).await,
                Ok(Err(_)) => return Err(Error::Unavailable("store is closed".into())),
                // A heartbeat says what was read since the question came: from a store that cannot
                // be read there is none.
                Err(_) => {
                    let page = self.store.outbox(through.number, 1).await;
                    let page = page.map_err(|error| Error::Unavailable(error.to_string()))?;
                    let same = page.through.incarnation == through.incarnation;
                    if same && page.through.number <= through.number {
                        return Ok(followed(topology, Vec::new(), through, false));
                    }
                }
            }
        }
    }
}

fn followed(topology: &Topology, records: Vec<Record>, through: Position, gap: bool) -> Followed {
    Followed { epoch: topology.epoch(), records, through, rows: Vec::new(), gap }
}

fn owes(topology: &Topology, filter: &Filter, record: &Record) -> bool {
    match (filter, &record.purge) {
        (Filter::Location(location), Purge::Write { key, .. }) => {
            topology.holds(*location, key_hash(record.space, key))
        }
        (Filter::Location(_), Purge::Hand(_)) => true,
        (Filter::Prefix { space, prefix }, Purge::Write { key, .. }) => {
            record.space == *space && key.starts_with(prefix)
        }
        (Filter::Prefix { .. }, Purge::Hand(_)) => false,
    }
}
