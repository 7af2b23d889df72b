//! The epochs of a network while it runs: signed documents that nodes pass on to each other.
//!
//! A document lists all locations, as a configuration does. The network's authority signs it, so it
//! does not matter who brings it. A node that takes a newer one writes it down, offers it to every
//! location at once, and now and then asks one of them whether there is a newer still.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use littoral_clock::{Chance, Clock};
use littoral_link::{Certificates, Client, Members};
use littoral_peer::{Carrier as _, Gossip, Reply, Request};
use littoral_topology::{Known, Topology};
use littoral_types::{Ctx, Epoch, LocationId};
use tokio::sync::watch;

use super::{Place, member, places};
use crate::config::Document;

/// Where a node keeps the newest document, in its data directory.
pub const KEPT: &str = "epoch.signed";
/// How often one location is asked for a newer epoch.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long it may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Locations that a new document is offered to at once.
const OFFERS_AT_ONCE: usize = 16;

/// One node's knowledge of epochs, and how it spreads.
pub struct Epochs {
    pub(super) known: Known,
    pub(super) members: Arc<Members>,
    pub(super) certificates: Arc<Certificates>,
    pub(super) client: Client,
    pub(super) clock: Clock,
    /// Where the newest document is kept.
    pub(super) file: PathBuf,
    pub(super) newest: Mutex<Option<Bytes>>,
    pub(super) changed: watch::Sender<Epoch>,
}

/// A document that is believed.
pub struct Read {
    pub topology: Topology,
    pub places: Vec<Place>,
}

/// Why a document is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("it is no text")]
    Text,
    #[error(transparent)]
    Unsigned(#[from] littoral_link::SignedError),
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    #[error("it is of network {0}")]
    Network(String),
    #[error("{0}")]
    Unfit(String),
}

/// Checks a document's signature, and reads it.
///
/// # Errors
/// When it is not signed, of another network, or lists no sound topology.
pub fn read(document: &[u8], certificates: &Certificates) -> Result<Read, Refused> {
    let signed = std::str::from_utf8(document).map_err(|_| Refused::Text)?;
    let text = certificates.open_signed(signed)?;
    let parsed = littoral_config::parse::<Document>("the epoch", text);
    let document = parsed.map_err(|error| Refused::Unreadable(error.to_string()))?;
    if document.network != certificates.identity().network {
        return Err(Refused::Network(document.network));
    }
    let unfit = |error: &dyn std::fmt::Display| Refused::Unfit(error.to_string());
    let Document { locations, stores, upper_weights, .. } = &document;
    let listed = crate::commands::serve::listed(locations, stores, upper_weights.as_deref());
    let (locations, stores) = listed.map_err(|error| unfit(&error))?;
    let topology = places::topology(&locations, stores, Epoch(document.epoch));
    Ok(Read { topology: topology.map_err(|error| unfit(&error))?, places: locations })
}

impl Epochs {
    /// Takes what an earlier run wrote down, if it is newer than the configuration.
    pub(super) fn resume(&self) {
        let Ok(document) = std::fs::read(&self.file) else { return };
        match self.take(&document.into()) {
            Ok(true) => tracing::info!(epoch = self.known.now().epoch().0, "epoch of the last run"),
            Ok(false) => {}
            Err(why) => tracing::error!(%why, file = %self.file.display(), "kept epoch not taken"),
        }
    }

    /// Whether the document was newer, and is now in force here.
    fn take(&self, document: &Bytes) -> Result<bool, Refused> {
        let Read { topology, places } = read(document, &self.certificates)?;
        let epoch = topology.epoch();
        // One at a time: what is written down is what is known.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.known.learn(topology.clone());
        if !taken.map_err(|error| Refused::Unfit(error.to_string()))? {
            return Ok(false);
        }
        self.members.set(&topology);
        let peers = member::peers(&self.certificates.identity(), &topology, &places);
        self.client.set_peers(peers.map_err(|error| Refused::Unfit(error.to_string()))?);
        let draft = self.file.with_extension("new");
        let written =
            std::fs::write(&draft, document).and_then(|()| std::fs::rename(&draft, &self.file));
        if let Err(error) = written {
            tracing::error!(%error, "the epoch is not written down; it is asked for after a restart");
        }
        *newest = Some(document.clone());
        self.changed.send_replace(epoch);
        Ok(true)
    }

    /// Another node says which epoch it knows: a newer one is taken, an older one is answered with
    /// what is known here.
    pub fn heard(&self, gossip: Gossip) -> Gossip {
        let known = self.known.now().epoch();
        if gossip.epoch > known
            && let Some(document) = &gossip.document
        {
            match self.take(document) {
                Ok(true) => tracing::info!(epoch = gossip.epoch.0, "a new epoch is in force"),
                Ok(false) => {}
                Err(why) => tracing::warn!(%why, epoch = gossip.epoch.0, "epoch refused"),
            }
        }
        self.said(gossip.epoch)
    }

    /// What is known here, for one who knows `theirs`.
    fn said(&self, theirs: Epoch) -> Gossip {
        let epoch = self.known.now().epoch();
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        Gossip { epoch, document: newest.clone().filter(|_| theirs < epoch) }
    }

    /// Spreads and asks, until the node drains.
    pub(super) async fn spread(self: Arc<Self>, mut chance: Chance) {
        let mut changed = self.changed.subscribe();
        loop {
            match self.clock.timeout(ASK_EVERY, changed.changed()).await {
                Ok(Ok(())) => self.offer().await,
                Ok(Err(_)) => return,
                Err(_) => {
                    let count = self.known.now().locations().count() as u64;
                    let to = LocationId(chance.below(count) as u16);
                    self.ask(to, Gossip { epoch: self.known.now().epoch(), document: None }).await;
                }
            }
        }
    }

    /// To every location at once: to who is away it comes when that asks.
    async fn offer(&self) {
        let all: Vec<LocationId> = self.known.now().locations().map(|(to, _)| to).collect();
        let offers = all.into_iter().map(|to| self.ask(to, self.said(Epoch::default())));
        stream::iter(offers).buffer_unordered(OFFERS_AT_ONCE).collect::<Vec<()>>().await;
    }

    async fn ask(&self, to: LocationId, gossip: Gossip) {
        let ctx = Ctx { deadline: self.clock.after(ANSWER_TIME), ..Ctx::default() };
        if let Ok(Reply::Epoch(theirs)) = self.client.call(to, ctx, Request::Epoch(gossip)).await
            && theirs.document.is_some()
        {
            self.heard(theirs);
        }
    }
}
