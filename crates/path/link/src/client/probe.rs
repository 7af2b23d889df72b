//! Signs of life: every node is asked for one from time to time, used or not.

use std::sync::{Arc, Weak};

use littoral_tasks::TaskKind;

use super::dial::ping;
use super::node::Node;

/// Until the node leaves the address book.
pub(super) fn begin(node: &Arc<Node>) {
    let Some(every) = node.shared.options.probe_every else { return };
    let (weak, gone, shared) = (Arc::downgrade(node), node.gone.clone(), Arc::clone(&node.shared));
    node.shared.tasks.spawn(TaskKind::Probe, async move {
        loop {
            tokio::select! {
                () = gone.wait() => return,
                alive = once(&weak) => if !alive { return },
            }
            tokio::select! {
                () = gone.wait() => return,
                () = shared.clock.sleep(every) => {}
            }
        }
    });
}

/// Whether there is still anybody to ask for.
async fn once(node: &Weak<Node>) -> bool {
    let Some(node) = node.upgrade() else { return false };
    let Ok(link) = node.link().await else { return true };
    let (clock, began) = (&node.shared.clock, node.shared.clock.mono());
    match clock.timeout(node.shared.options.probe_time, ping(link.sender())).await {
        Ok(Ok(life)) => {
            node.answered(Some(clock.mono().since(began)));
            node.lives(life);
        }
        Ok(Err(why)) => {
            tracing::debug!(%why, node = %node.peer.identity, "no sign of life");
            node.missed();
            node.give_up(&link);
        }
        Err(_) => {
            tracing::debug!(node = %node.peer.identity, "no sign of life in time");
            node.missed();
            node.give_up(&link);
        }
    }
    true
}
