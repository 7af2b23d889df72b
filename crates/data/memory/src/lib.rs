//! What one node holds in memory: entries, bounded by bytes, and the versions it remembers.

mod cache;
mod remembered;

pub use cache::{Evicted, Memory, Weigh};
pub use remembered::{Memo, Remembered, RememberedLimits};
