//! The doors of the key-value store: they parse, authorise, call [`Kv`] and answer.
//!
//! Two of them, [`rest`] and [`binding`], lead to the same keys and share everything but the words
//! they speak. What both do stands in the files beside them: keys, expiry, metadata, values coming
//! in and going out, lists, many keys at once.

mod access;
mod answer;
mod binding;
mod bulk;
mod conditions;
mod credentials;
mod cursor;
mod directory;
mod expiry;
mod export;
pub mod fuzzing;
mod import;
mod key;
mod listing;
mod member;
mod metadata;
mod multipart;
mod read;
mod refuse;
mod rest;
mod sweep;
mod value;
mod wait;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use littoral_clock::Clock;
use littoral_http::Places;
use littoral_types::Ctx;
use tokio::sync::Semaphore;

pub use access::account;
pub use binding::NAMESPACE;
pub use credentials::{Credentials, unknown_token};
pub use directory::{Access, Directory, Grant, Scope};
pub use key::{KEY_BYTES_MAX, Key, KeyError};
pub use metadata::METADATA_BYTES_MAX;
pub use sweep::delete_everything;
pub use value::VALUE_BYTES_MAX;

use crate::Kv;

/// Limits of the doors.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The binding asks no token of this machine. For development.
    pub open_on_loopback: bool,
    /// How long one operation may take, once its body has been read.
    pub request_time: Duration,
    /// Keys of one bulk request that are under way at once.
    pub bulk_concurrency: usize,
    /// Bulk requests held in memory at once; further ones wait.
    pub bulk_bodies_max: usize,
    /// Watches at once.
    pub watches_max: usize,
    /// Exports and imports at once.
    pub transfers_max: usize,
    /// How often a silent watch says that it is alive.
    pub heartbeat: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            open_on_loopback: false,
            request_time: Duration::from_secs(15),
            bulk_concurrency: 64,
            bulk_bodies_max: 4,
            watches_max: 1_024,
            transfers_max: 8,
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// One node's doors. Cheap to clone.
#[derive(Clone)]
pub struct Doors(Arc<Inner>);

struct Inner {
    kv: Kv,
    directory: Arc<dyn Directory>,
    places: Places,
    options: Options,
    bulk_bodies: Semaphore,
    watches: Arc<Semaphore>,
    transfers: Arc<Semaphore>,
}

impl Doors {
    pub fn new(kv: Kv, directory: Arc<dyn Directory>, places: Places, options: Options) -> Self {
        Self(Arc::new(Inner {
            kv,
            directory,
            places,
            options,
            bulk_bodies: Semaphore::new(options.bulk_bodies_max),
            watches: Arc::new(Semaphore::new(options.watches_max)),
            transfers: Arc::new(Semaphore::new(options.transfers_max)),
        }))
    }

    pub(crate) fn kv(&self) -> &Kv {
        &self.0.kv
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.0.kv.clock()
    }

    pub(crate) fn places(&self) -> &Places {
        &self.0.places
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn directory(&self) -> &dyn Directory {
        &*self.0.directory
    }

    /// The same context with its time beginning now: one of many operations, or one whose body was
    /// long in coming.
    pub(crate) fn renewed(&self, ctx: &Ctx) -> Ctx {
        Ctx { deadline: self.clock().after(self.options().request_time), ..ctx.clone() }
    }
}
