//! A target for every parser of bytes that come from outside: clients, files, disks, other nodes.
//!
//! A [`Target`] is a plain function that may be given any bytes. It fails by panicking: because the
//! parser did, or because something that must hold of what was taken does not. The test command
//! [runs](run()) each over its corpus and what a seeded mutator makes of it; `cargo fuzz` runs the
//! same functions where there is a nightly compiler.

mod targets;
mod doors;
mod inside;
mod samples;
mod config;
mod canary;
mod mutate;
mod run;
mod shrink;

pub use canary::{CANARY, WELL};
pub use run::{Bound, Failure, Ran, corpus, run};
pub use targets::{TARGETS, Target, target};
