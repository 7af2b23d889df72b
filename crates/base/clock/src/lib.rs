//! Time, stamps and chance. Nothing else in Littoral reads a clock or a random source.

mod chance;
mod clock;
mod hlc;

pub use chance::{Chance, secret};
pub use clock::{Clock, Elapsed};
pub use hlc::{Hlc, SkewError};
