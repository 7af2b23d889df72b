//! A namespace and the rules that hold in it.

use std::time::Duration;

use littoral_types::{Space, SpaceId, Tenant};
use serde::{Deserialize, Serialize};

/// A namespace of keys: a space of the tiered cache.
#[derive(Clone, Debug)]
pub struct Namespace {
    pub id: SpaceId,
    pub account: Tenant,
    pub title: String,
    pub policy: Policy,
}

/// What a namespace asks of the cache and of its writers. The defaults are the documented limits
/// of Workers KV. Times are whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How often an edge asks upward for news of a key that is read. At least 1.
    pub refresh_s: u32,
    /// How long an edge may keep an answer when the reader does not say.
    pub cache_ttl_s: u32,
    /// The least a reader may ask for.
    pub cache_ttl_min_s: u32,
    /// The shortest time to live of a write. At least 1.
    pub expiration_ttl_min_s: u32,
    /// How long an edge may keep that a key is absent; never longer than `cache_ttl_s`.
    pub absent_s: u32,
    /// How long what is held may be served when nobody can be asked.
    pub stale_if_error_s: u32,
    /// Every write is decided by the key's home store: strict `If-Match`, at the price that a lost
    /// home store refuses writes.
    pub compare: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refresh_s: 60,
            cache_ttl_s: 60,
            cache_ttl_min_s: 30,
            expiration_ttl_min_s: 60,
            absent_s: 10,
            stale_if_error_s: 86_400,
            compare: false,
        }
    }
}

impl Namespace {
    /// A reserved space for records of our own. Every write is decided by its key's home store, so that
    /// what must be one is claimed once; a change is known everywhere within seconds even where no news
    /// of it came.
    pub fn of_records(id: SpaceId) -> Self {
        let policy = Policy {
            refresh_s: 1,
            cache_ttl_s: 5,
            cache_ttl_min_s: 0,
            expiration_ttl_min_s: 1,
            absent_s: 1,
            stale_if_error_s: 86_400,
            compare: true,
        };
        Self { id, account: Tenant(0), title: String::new(), policy }
    }
}

impl Policy {
    /// # Errors
    /// A sentence that names the field and its limit.
    pub fn check(&self) -> Result<(), String> {
        if self.refresh_s < 1 {
            return Err("refresh_s must be at least 1".into());
        }
        if self.expiration_ttl_min_s < 1 {
            return Err("expiration_ttl_min_s must be at least 1".into());
        }
        if self.cache_ttl_s < self.cache_ttl_min_s {
            return Err("cache_ttl_s must not be below cache_ttl_min_s".into());
        }
        Ok(())
    }

    pub fn cache_ttl(&self) -> Duration {
        Duration::from_secs(self.cache_ttl_s.into())
    }
}

impl Namespace {
    /// The engine's name for it.
    pub fn space(&self) -> Space {
        Space { id: self.id, kind: crate::KIND }
    }
}
