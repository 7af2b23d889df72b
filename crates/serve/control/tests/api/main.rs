//! The API and the doors as a client sees them, over a node alone in its world.

mod binding;
mod conditions;
mod keys;
mod lists;
mod many;
mod namespaces;
mod refusals;
mod tokens;
mod transfer;
mod watch;
mod world;
