//! Changes under a prefix, from both stores' streams.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use littoral_peer::{Error as PeerError, Filter, Follow, Followed, Reply, Request};
use littoral_store::Purge;
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Ctx, Position, Positions, SpaceId, StoreId, Version};
use tokio::sync::mpsc;

use crate::stores::Stores;
use crate::{Change, Error, WatchFrom};

/// Stretches that wait for a slow watcher; then its streams wait.
const STRETCHES_WAITING: usize = 16;
/// Records in one stretch.
const STRETCH: usize = 1_024;
/// How long a publisher holds a question open.
const HOLD: std::time::Duration = std::time::Duration::from_secs(10);
const RETRY: std::time::Duration = std::time::Duration::from_millis(500);
/// Keys whose last version a watcher remembers, to show each version once.
const SEEN_MAX: usize = 65_536;

/// What the watch of one prefix asks for.
#[derive(Clone)]
struct Watch {
    ctx: Ctx,
    stores: Stores,
    space: SpaceId,
    prefix: Bytes,
}

struct Merge {
    stretches: mpsc::Receiver<(StoreId, Followed)>,
    ready: std::collections::VecDeque<Change>,
    at: Positions,
    seen: HashMap<Bytes, Version>,
}

/// Each key's versions in order, none twice; one that a newer overtook on the way may be left out. A
/// change is shown when the first store has it.
pub(crate) fn watch(
    ctx: &Ctx,
    stores: &Stores,
    tasks: &Tasks,
    space: SpaceId,
    prefix: Bytes,
    from: Option<WatchFrom>,
) -> BoxStream<'static, Result<Change, Error>> {
    let from = from.unwrap_or_default();
    let at = from.iter().fold(Positions::NONE, |all, (store, at)| all.with(*store, *at));
    let (sender, stretches) = mpsc::channel(STRETCHES_WAITING);
    let ctx = Ctx { minimum: None, ..ctx.clone() };
    let watch = Watch { ctx, stores: stores.clone(), space, prefix };
    for store in StoreId::all() {
        let task = watch.clone().follow(store, at.of(store), sender.clone());
        tasks.spawn(TaskKind::Follower, task);
    }
    let merge = Merge { stretches, ready: Default::default(), at, seen: HashMap::new() };
    stream::unfold(merge, |mut merge| async {
        let change = merge.next().await?;
        Some((Ok(change), merge))
    })
    .boxed()
}

impl Watch {
    /// Ends when nobody listens.
    async fn follow(
        self,
        store: StoreId,
        mut after: Position,
        to: mpsc::Sender<(StoreId, Followed)>,
    ) {
        loop {
            let asked = tokio::select! {
                biased;
                asked = self.stretch(store, after) => asked,
                () = to.closed() => return,
            };
            match asked {
                Ok(followed) => {
                    after = followed.through;
                    if to.send((store, followed)).await.is_err() {
                        return;
                    }
                }
                Err(_) => self.stores.clock.sleep(RETRY).await,
            }
        }
    }

    async fn stretch(&self, store: StoreId, after: Position) -> Result<Followed, PeerError> {
        let filter = Filter::Prefix { space: self.space, prefix: self.prefix.clone() };
        let follow = Follow { after, filter, hold: HOLD, limit: STRETCH, rows: false };
        let deadline = self.stores.clock.after(HOLD + self.stores.store_time);
        let ctx = Ctx { deadline, ..self.ctx.clone() };
        let site = self.stores.topology.now().site(store).location;
        match self.stores.carrier.call(site, ctx, Request::Follow(store, follow)).await? {
            Reply::Followed(followed) => Ok(followed),
            _ => Err(PeerError::Refused("not a stretch of a stream".into())),
        }
    }
}

impl Merge {
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(change);
            }
            let (store, followed) = self.stretches.recv().await?;
            let incarnation = followed.through.incarnation;
            for record in followed.records {
                let Purge::Write { key, version, live } = record.purge else { continue };
                self.at = self.at.with(store, Position::new(incarnation, record.number));
                if self.is_news(&key, version) {
                    let from = self.at.iter().collect();
                    self.ready.push_back(Change { key, version, live, from });
                }
            }
            self.at = self.at.with(store, followed.through);
        }
    }

    fn is_news(&mut self, key: &Bytes, version: Version) -> bool {
        if self.seen.get(key).is_some_and(|seen| *seen >= version) {
            return false;
        }
        if self.seen.len() >= SEEN_MAX {
            // Forgetting may show a version twice, never lose one.
            self.seen.clear();
        }
        self.seen.insert(key.clone(), version);
        true
    }
}
