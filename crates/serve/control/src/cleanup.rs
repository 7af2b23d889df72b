//! Empties removed namespaces. A record remembers each until it is empty, so that a node that ends
//! half-way leaves the rest to the next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_kv::doors::delete_everything;
use littoral_kv::{Error, Namespace, Policy, Precondition, PurgeScope};
use littoral_tasks::TaskKind;
use littoral_types::{Ctx, SpaceId, Tenant};
use serde::{Deserialize, Serialize};

use crate::{Control, Result, text};

/// Until every edge has noticed that a namespace is gone, somebody may still write into it.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// How often what others left is looked for.
const SWEEP: Duration = Duration::from_secs(600);

/// A namespace that is to be emptied.
#[derive(Debug, Deserialize, Serialize)]
struct Doomed {
    account: String,
    policy: Policy,
}

fn key(id: SpaceId) -> Vec<u8> {
    let mut key = vec![b'd'];
    key.extend_from_slice(&id.to_bytes());
    key
}

impl Control {
    /// Writes down that a namespace is to be emptied.
    pub(crate) async fn doom(&self, ctx: &Ctx, namespace: &Namespace) -> Result<()> {
        let account = text(namespace.account);
        let doomed = Doomed { account, policy: namespace.policy };
        let written =
            self.0.namespaces.write(ctx, key(namespace.id), &doomed, Precondition::None).await;
        Ok(written.map(drop)?)
    }

    pub(crate) fn empty_in_background(&self, namespace: Arc<Namespace>) {
        let control = self.clone();
        self.0.kv.tasks().spawn(TaskKind::Cleanup, async move {
            if let Err(error) = control.empty(&namespace).await {
                tracing::warn!(%error, id = %namespace.id, "a removed namespace is not yet empty");
            }
        });
    }

    async fn empty(&self, namespace: &Namespace) -> std::result::Result<(), Error> {
        let kv = &self.0.kv;
        let mut count = delete_everything(kv, namespace, Bytes::new(), &self.0.doors).await?;
        self.clock().sleep(LAST_WRITES).await;
        count += delete_everything(kv, namespace, Bytes::new(), &self.0.doors).await?;
        kv.purge(&self.fresh(), namespace, PurgeScope::Everything).await?;
        self.0.namespaces.delete(&self.fresh(), key(namespace.id), Precondition::None).await?;
        tracing::info!(id = %namespace.id, count, "a removed namespace is empty");
        Ok(())
    }

    /// Empties what other nodes left, now and from time to time. Run it on one node.
    pub async fn sweep(self) {
        loop {
            match self.left().await {
                Ok(left) => {
                    for namespace in left {
                        if let Err(error) = self.empty(&namespace).await {
                            tracing::warn!(%error, id = %namespace.id, "cannot empty a namespace");
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot look for removed namespaces"),
            }
            self.clock().sleep(SWEEP).await;
        }
    }

    async fn left(&self) -> std::result::Result<Vec<Namespace>, Error> {
        let all = self.0.namespaces.all::<Doomed>(&self.fresh(), vec![b'd']).await?;
        let namespace = |(rest, doomed): (Bytes, Doomed)| {
            let id = SpaceId::from_bytes(rest.as_ref().try_into().ok()?);
            let account = Tenant(doomed.account.parse::<SpaceId>().ok()?.0);
            Some(Namespace { id, account, title: String::new(), policy: doomed.policy })
        };
        Ok(all.into_iter().filter_map(namespace).collect())
    }

    fn fresh(&self) -> Ctx {
        Ctx { deadline: self.clock().after(self.0.doors.request_time), ..Ctx::default() }
    }
}
