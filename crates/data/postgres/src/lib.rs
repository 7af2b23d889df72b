//! The durable truth of one origin region on PostgreSQL: a [`Store`] that any node of the region
//! may use at the same time as others.
//!
//! # Numbers follow commit order
//! A purge stream must be numbered in the order in which commits become visible; a sequence is not.
//! So the stream's next number stands in one row, and a transaction takes its numbers from there
//! last, just before it commits: the row's lock lets one transaction at a time be between the two.
//! The lock is the fence of a publisher that holds office for one commit: whoever is cut off
//! while it holds the lock has its transaction ended by the server, and with it the numbers, which
//! nobody has seen. So there is never a gap, a number given twice, or something committed and
//! unnumbered, and no node waits for another one's lease to run out. What this costs, one commit
//! at a time, grouping pays for: a node commits what waits together, as the embedded store does.
//!
//! An answer's position is read in the same snapshot as its row or before it, so that every later
//! write has a higher number. `committed` is what this node has read of the row, or added to it;
//! [`Store::outbox`] reads it anew whenever it would say that there is nothing more.
//!
//! # The SQL
//! is plain: rows, unique keys, row locks, arrays. No advisory locks, triggers, sequences,
//! notifications. What a server does not know (a setting) is left out.
//!
//! [`Store`]: littoral_store::Store
//! [`Store::outbox`]: littoral_store::Store::outbox

mod address;
mod bodies;
mod collect;
mod columns;
mod examine;
mod failure;
mod list;
mod migrate;
mod options;
mod pool;
mod read;
mod status;
mod store;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod writer;

pub use address::{Address, AddressError, AuthorityError};
pub use examine::{Examined, examine};
pub use migrate::{Migrated, SCHEMA, migrate, renew};
pub use options::Options;
pub use status::{Status, status};
pub use store::Postgres;
