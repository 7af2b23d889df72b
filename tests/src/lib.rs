//! Black box: the real binary as several locations, and real clients; one file per promise.
//!
//! [`Dev`] is a network that runs; [`Namespace`] speaks the REST API to it, [`Request`] speaks bare
//! HTTP/1.1, and [`Clients`] are the programs that users bring. What a fixture can't do it says in a
//! panic, and a network that saw its test fail shows its log.

mod binary;
mod body;
mod cases;
mod clients;
mod dev;
mod escape;
mod namespace;
mod program;
mod wait;
mod wire;

pub use binary::{littoral, littoral_at};
pub use cases::{ANY, Case, check};
pub use clients::{Clients, cldr};
pub use dev::{ACCOUNT, Dev, Location, Options, TOKEN};
pub use escape::{form, percent};
pub use namespace::Namespace;
pub use program::{Ended, run};
pub use wait::{Stopwatch, until, wall_ms};
pub use wire::{Connection, Request, Response};
