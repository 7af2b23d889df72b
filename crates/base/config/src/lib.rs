//! TOML files into plain structs: unknown keys refused, units by type, every key explained.
//!
//! A component's settings are declared once with [`settings!`]: the doc comment of a key is what
//! a user reads in `--dump-config`, and its default is what an absent key means.
//!
//! ```
//! use littoral_config::{ByteCount, TimeSpan, settings};
//!
//! settings! {
//!     /// What a cache may hold.
//!     pub struct Cache {
//!         /// Memory it may fill.
//!         memory: ByteCount = ByteCount::mib(256),
//!         /// How long an idle entry stays.
//!         idle_time_max: TimeSpan = TimeSpan::seconds(30),
//!     }
//! }
//!
//! let cache: Cache = littoral_config::parse("cache.toml", "memory = \"1GiB\"").expect("valid");
//! assert_eq!((cache.memory.0, cache.idle_time_max), (1 << 30, TimeSpan::seconds(30)));
//! assert!(littoral_config::parse::<Cache>("cache.toml", "memroy = 3").is_err());
//! assert!(littoral_config::dump(&cache).contains("# Memory it may fill.\nmemory = \"1GiB\""));
//! ```

// The macro names this crate as its users do.
extern crate self as littoral_config;

mod dump;
mod error;
mod setting;
mod units;

pub use dump::dump;
pub use error::{Error, parse, read};
pub use setting::{Key, Setting};
pub use units::{ByteCount, TimeSpan, UnitError};

#[doc(hidden)]
pub use serde;
