//! Nodes on loopback sockets, with certificates of a network made for the test.

mod bodies;
mod calls;
mod drain;
mod limits;
mod nodes;
mod relay;
mod rotation;
mod siblings;
mod strangers;
mod trailers;
pub(crate) mod world;
