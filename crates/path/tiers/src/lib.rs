//! The tiered cache: the walk edge → regional → upper → origin, and the way back.
//!
//! A miss travels up, a purge travels down. It knows no protocol: whoever holds the truth of a
//! space is an [`Origin`], and what differs between spaces is that and their [`Policy`].
//!
//! Read in this order: `lookup` (the walk), `hop` (what every hop does), `receive` (what comes back), `edge` and `regional`
//! (what differs at each), `keeper` (the nodes of a location), `invalidate` (the way back), `shelf` (where keeping and purging meet).

mod lookup;
mod hop;
mod receive;
mod route;
mod edge;
mod keeper;
mod regional;
mod origin;
mod flight;
mod shelf;
mod entry;
mod hand;
mod streams;
mod interest;
mod spread;
mod share;
mod invalidate;
mod news;
mod publish;
mod policy;
mod measured;
mod metrics;

pub use entry::Entry;
pub use hand::stale_in;
pub use littoral_store::Scope;
pub use lookup::{Manner, Parts, Served, State, Tiers};
pub use metrics::Metrics;
pub use origin::{Asked, Origin};
pub use policy::{Limits, Policy};
pub use publish::Publisher;
pub use spread::{Reach, Reached};

#[cfg(test)]
mod tests;
