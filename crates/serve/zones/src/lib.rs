//! Zones: hosts, their routes and their rules, as versioned records that every node follows.
//!
//! Read [`config`] for what a `zone.toml` says, [`plan`] for how its rules run, `front` for the way
//! of one request, and `service` for how a version comes to be served. [`rule::Rule`] is what a rule
//! is; those there are stand in `rules`.

pub mod path;
pub mod pattern;
pub mod addresses;
pub mod template;
pub mod condition;
pub mod rule;
pub mod plan;
mod rules;
pub mod config;
mod error;
mod fetch;
pub mod means;
pub mod pool;
mod secure;
pub mod zone;
mod table;
mod records;
mod service;
mod named;
mod targets;
mod front;
pub mod explain;
mod api;
mod purge;
mod warm;
pub mod fuzzing;

pub use error::{Error, code};
pub use front::Front;
pub use records::{Entry, Pointer};
pub use service::{Names, Parts, Zones};
