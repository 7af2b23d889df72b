//! The walk, driven by an origin that is a map; streams come from two model stores.

mod dated;
mod freshness;
mod joining;
mod keepers;
mod limits;
mod publishing;
mod purges;
mod walk;
mod world;
