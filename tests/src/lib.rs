//! Black box: the real binary as several locations, and real clients; one file per promise.
//!
//! [`Dev`] is a network that runs; [`Namespace`] speaks the REST API to it, [`Request`] speaks bare
//! HTTP/1.1, and [`Clients`] are the programs that users bring. What a fixture can't do it says in a
//! panic, and a network that saw its test fail shows its log.

mod binary;
mod body;
mod cases;
mod chance;
mod clients;
mod dev;
mod escape;
mod load;
mod marked;
mod mount;
mod namespace;
mod network;
mod program;
mod proxy;
mod recorder;
mod relay;
mod secure;
mod site;
mod told;
mod wait;
mod wire;
mod zoned;

pub use binary::{littoral, littoral_at};
pub use cases::{ANY, Case, check};
pub use chance::Chance;
pub use clients::{Clients, cldr, slides};
pub use dev::{ACCOUNT, Dev, Location, Options, TOKEN};
pub use escape::{form, percent};
pub use load::Writer;
pub use marked::{marked, number_of};
pub use mount::Mount;
pub use namespace::Namespace;
pub use network::{LINKS_BETWEEN_REGIONS, Network, NetworkOptions, Node};
pub use program::{Ended, run};
pub use proxy::{Proxy, ZONE_TOKEN};
pub use recorder::{Client, Counts, Habits, Kind, Load, Presence, Recorder, Seen, Verdict};
pub use relay::{Relay, Relays, Way, Weather};
pub use secure::{Pair, SECURE_SITE, Script};
pub use site::{Asked, Site, answer};
pub use told::{Told, Tried};
pub use wait::{Stopwatch, until, wall_ms};
pub use wire::{Connection, Request, Response};
pub use zoned::{ZONE_HOST, Zoned};
