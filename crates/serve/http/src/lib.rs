//! Listeners, the connection loop, request context.
//!
//! A [`Server`] accepts connections and hands each request, as a [`Call`], to a [`Front`]. A front
//! that needs no waiting answers where the connection is read; any other returns a future. What
//! fronts have in common stands here too: bodies, paths, ranges, preconditions, the envelope of
//! the v4 API and the headers that say where an answer came from.

mod api;
mod body;
mod call;
mod condition;
mod connection;
mod context;
mod framing;
pub mod fuzzing;
mod interim;
mod listener;
mod metrics;
mod object;
mod path;
mod range;
mod refusal;
mod spans;
mod status;
mod tls;
mod upload;
mod watch;

pub use api::{page, success};
pub use body::Body;
pub use call::{Answer, Call, Front, Res, Secure};
pub use condition::{EntityTags, entity_tag};
pub use context::{TRACEPARENT, parse as parse_traceparent, traceparent};
pub use interim::Interim;
pub use listener::{Error, Options, Server};
pub use littoral_telemetry::traces::{Kind, Value};
pub use object::Object;
pub use path::{BadText, Query, decode, segments};
pub use range::{Range, range};
pub use refusal::{Refusal, code};
pub use spans::{OpenSpan, Spans};
pub use status::{CACHE_STATUS, Places, SERVER_TIMING, age, cache_status, server_timing};
pub use tls::{ClientCertificate, Handshake, Hosts, Tls, TlsError};
pub use upload::{Upload, UploadError};
pub use watch::Watching;

pub use hyper::ext::ReasonPhrase;
