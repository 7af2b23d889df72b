//! All zones of a node, by their hosts: replaced as a whole, read without waiting.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use littoral_types::Tenant;

use crate::condition::Host;
use crate::zone::Zone;

/// Zones by account and name.
pub(crate) type ByName = BTreeMap<(Tenant, String), Arc<Zone>>;

/// What a request is looked up in.
#[derive(Clone, Default)]
pub(crate) struct Table {
    pub(crate) zones: ByName,
    exactly: HashMap<String, Arc<Zone>>,
    /// The longest first.
    below: Vec<(String, Arc<Zone>)>,
    any: Option<Arc<Zone>>,
}

impl Table {
    /// Of two zones with the same host the first one by account and name has it.
    pub(crate) fn new(zones: ByName) -> Self {
        let mut table = Self::default();
        for zone in zones.values() {
            for host in &zone.config.hosts {
                match host {
                    Host::Any => drop(table.any.get_or_insert_with(|| Arc::clone(zone))),
                    Host::Exactly(name) => {
                        table.exactly.entry(name.clone()).or_insert_with(|| Arc::clone(zone));
                    }
                    Host::Below(domain) => table.below.push((domain.clone(), Arc::clone(zone))),
                }
            }
        }
        // Stable: of two alike the first stays first.
        table.below.sort_by_key(|(domain, _)| std::cmp::Reverse(domain.len()));
        table.zones = zones;
        table
    }

    /// The zone of a host in lower case.
    pub(crate) fn of(&self, host: &str) -> Option<&Arc<Zone>> {
        let below = || {
            let mut below = self.below.iter();
            below.find(|(domain, _)| host.len() > domain.len() && host.ends_with(domain.as_str()))
        };
        let found = self.exactly.get(host).or_else(|| below().map(|(_, zone)| zone));
        found.or(self.any.as_ref())
    }

    /// A host of these that another zone has.
    pub(crate) fn taken<'a>(
        &self,
        account: Tenant,
        name: &str,
        hosts: &'a [Host],
    ) -> Option<(&'a Host, &Arc<Zone>)> {
        let others =
            self.zones.iter().filter(|((of, named), _)| (*of, named.as_str()) != (account, name));
        let mut taken = others.filter_map(|(_, zone)| {
            let host = hosts.iter().find(|host| zone.config.hosts.contains(host));
            host.map(|host| (host, zone))
        });
        taken.next()
    }
}
