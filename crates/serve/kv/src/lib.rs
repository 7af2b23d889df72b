//! The key-value store: namespaces of keys, served through every tier.
//!
//! [`Kv`] is one node's store: reads take the walk of `tiers` with [`origin`] at its end; writes go
//! to both stores. The doors parse, authorise and answer: [`rest`] for the Workers KV REST API,
//! [`binding`] for the protocol `workerd` speaks.

mod changes;
mod crawl;
mod debts;
pub mod doors;
mod error;
mod insist;
mod list;
mod metrics;
mod namespace;
mod origin;
mod patience;
mod refill;
mod service;
mod site;
mod stores;
#[cfg(feature = "testing")]
pub mod testing;
mod write;

use littoral_types::Kind;

/// The number by which `tiers` knows the key-value origin.
pub const KIND: Kind = Kind(1);

pub use crawl::CrawlLimits;
pub use error::Error;
pub use namespace::{Namespace, Policy};
pub use origin::KvOrigin;
pub use refill::RefillLimits;
pub use service::{
    Change, Kv, ListOptions, Listing, Page, Parts, Precondition, PurgeScope, Put, ReadOptions,
    Value, WatchFrom, Written,
};
pub use site::Site;
pub use stores::Stores;

#[cfg(test)]
mod tests;
