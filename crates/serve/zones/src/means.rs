//! What rules and routes work with: the store, the upstreams, time.

use std::collections::HashMap;
use std::sync::Arc;

use littoral_clock::Clock;
use littoral_gateway::Gateway;
use littoral_kv::{Kv, Namespace, ReadOptions, Value};
use littoral_types::Ctx;

use crate::pool::Pool;

/// What one version of a zone works with.
pub struct Means {
    /// Whose: the zone's id.
    pub zone: Arc<str>,
    pub clock: Clock,
    /// Missing where rules are only tried.
    pub kv: Option<Kv>,
    pub gateway: Option<Gateway>,
    /// By the names that the zone's rules and routes use.
    pub namespaces: HashMap<String, Arc<Namespace>>,
    pub pools: HashMap<String, Arc<Pool>>,
}

impl Means {
    /// A key's value from memory, if it is there.
    pub fn peek(&self, ctx: &Ctx, namespace: &str, key: &str) -> Option<Value> {
        let (kv, namespace) = (self.kv.as_ref()?, self.namespaces.get(namespace)?);
        kv.peek(ctx, namespace, key.as_bytes(), ReadOptions::default())
    }

    /// A key's value.
    ///
    /// # Errors
    /// When the namespace is not there, or nobody can be asked.
    pub async fn get(&self, ctx: &Ctx, namespace: &str, key: String) -> Result<Value, String> {
        let kv = self.kv.as_ref().ok_or("there is no store here")?;
        let found = self.namespaces.get(namespace);
        let found = found.ok_or_else(|| format!("there is no namespace {namespace}"))?;
        let value = kv.get(ctx, found, key.into(), ReadOptions::default()).await;
        value.map_err(|error| error.to_string())
    }

    pub fn pool(&self, name: &str) -> Result<&Arc<Pool>, String> {
        self.pools.get(name).ok_or_else(|| format!("there is no upstream {name}"))
    }
}

#[cfg(test)]
impl Means {
    /// Of nothing but time.
    pub(crate) fn bare() -> Arc<Self> {
        Arc::new(Self {
            zone: "".into(),
            clock: Clock::system(),
            kv: None,
            gateway: None,
            namespaces: HashMap::new(),
            pools: HashMap::new(),
        })
    }
}
