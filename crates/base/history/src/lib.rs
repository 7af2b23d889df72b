//! Judges a recorded history of operations against what is promised.
//!
//! A history is what clients of several locations did and saw, on one clock: who asked where for
//! which key, from when to when, and how it ended ([`Operation`], a JSON line each). It says nothing
//! of how it came to be, so one made by the simulation and one made by real processes are judged by
//! the same code. [`check()`] takes no samples: every operation is judged against every promise.
//!
//! ```
//! use littoral_history::{Bounds, History, Promise, check};
//!
//! let lines = r#"
//! {"process":1,"location":"fra","op":"put","key":"k","version":"1","start_ns":0,"end_ns":10,"outcome":"ok"}
//! {"process":1,"location":"fra","op":"get","key":"k","version":null,"start_ns":20,"end_ns":30,"outcome":"absent"}
//! "#;
//! let report = check(&History::read(lines.as_bytes())?, &Bounds::default());
//! assert_eq!(report.violations[0].promise, Promise::ReadYourWrites);
//! assert_eq!(report.violations[0].lines, [2, 3]);
//! # Ok::<(), littoral_history::Error>(())
//! ```
//!
//! # The promises
//! [`Promise`] names each, with the sentence that it stands for. Those about time are judged within
//! [`Bounds`]. What could have been otherwise is never held against anyone:
//! - an operation that began before another ended may have come before or after it;
//! - a write whose outcome is *unknown* may have happened, at any time after it began, or not;
//! - a write without a version may have any version that the order in time leaves it;
//! - *absent* without a version may be any delete that had begun, or, if the reader could not know
//!   better, the time before the first write. It is taken for the newest where it must be new enough,
//!   and for the oldest that all it must be new enough for allows, where something later must be.
//!
//! # What a history must be
//! Whole: every write of its keys is in it, even those that failed, and no key had a value before it.
//! Its keys do not expire, for an expiry is nobody's operation. Versions are opaque: their order is
//! that of their text.
//!
//! # Costs
//! O(n log n) in time. In memory about 50 bytes an operation and 100 for each different key and
//! version while it is read, and another 100 for each operation of one key while that key is judged:
//! under 300 bytes an operation in the worst case, in which all are of one key. A report keeps the
//! first [`PROOFS_MAX`] violations of each promise, and counts all.

mod operation;
mod names;
mod history;
mod promise;
mod report;
mod rank;
mod facts;
mod story;
mod check;

pub use check::check;
pub use history::{Error, History, LINE_BYTES_MAX, OPERATIONS_MAX};
pub use operation::{Defect, Op, Operation, Outcome, VERSION_BYTES_MAX};
pub use promise::{Bounds, Promise};
pub use report::{PROOFS_MAX, Report, Violation};

#[cfg(test)]
mod tests;
