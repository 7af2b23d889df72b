//! The store on a real PostgreSQL, which each test starts for itself.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod bodies;
mod differential;
mod nodes;
mod outages;
mod relay;
mod schema;
mod tls;
mod world;
