//! The key-value store: namespaces of keys, served through every tier.
//!
//! [`Kv`] is one node's store: reads take the walk of `tiers` with [`origin`] at its end; writes go
//! to both stores. The doors parse, authorise and answer: [`rest`] for the Workers KV REST API,
//! [`binding`] for the protocol `workerd` speaks.

mod error;
mod namespace;
mod service;

use littoral_types::Kind;

/// The number by which `tiers` knows the key-value origin.
pub const KIND: Kind = Kind(1);

pub use error::Error;
pub use namespace::{Namespace, Policy};
pub use service::{
    Change, Kv, ListOptions, Listing, Page, Precondition, Put, PurgeScope, ReadOptions, Value,
    WatchFrom,
};
