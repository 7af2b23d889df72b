//! What purge clients send and read, whoever answers them: the API of one site, or of all zones.

use http::{HeaderMap, HeaderName};
use serde::Serialize;

/// Under it stand the zones.
pub const ZONES_PATH: &str = "/client/v4/zones";
/// Bytes of what a call names.
pub const CALL_BYTES_MAX: u64 = 1024 * 1024;
/// Makes a `PURGE` a soft one.
const SOFT_PURGE: [HeaderName; 2] =
    [HeaderName::from_static("soft-purge"), HeaderName::from_static("fastly-soft-purge")];

/// Whether a `PURGE` asks for what is named to be stale, not old.
pub fn is_soft(headers: &HeaderMap) -> bool {
    let says = |name: &HeaderName| headers.get(name).is_some_and(|value| value == "1");
    SOFT_PURGE.iter().any(says)
}

/// Of a list of zones: which page it is. All zones stand on one.
#[derive(Debug, Serialize)]
pub struct ListInfo {
    page: usize,
    per_page: usize,
    total_pages: usize,
    count: usize,
    total_count: usize,
}

impl ListInfo {
    pub fn of_all(count: usize) -> Self {
        Self { page: 1, per_page: count.max(20), total_pages: 1, count, total_count: count }
    }
}
