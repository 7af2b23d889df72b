//! Upstreams by a name that every location knows: a question about a zone's answers may be put to its
//! upstream from any of them, if it serves the same version.

use std::sync::Weak;

use littoral_gateway::{Finder, Via};

use crate::service::Inner;

/// The name of a route of one version of a zone.
pub(crate) fn of(zone: &str, version: u32, route: usize) -> String {
    format!("{zone}/{version}/{route}")
}

fn parts(name: &[u8]) -> Option<(&str, u32, usize)> {
    let (zone, rest) = std::str::from_utf8(name).ok()?.split_once('/')?;
    let (version, route) = rest.split_once('/')?;
    Some((zone, version.parse().ok()?, route.parse().ok()?))
}

/// Finds them among the zones of a node.
pub(crate) struct Named(pub(crate) Weak<Inner>);

impl Finder for Named {
    fn find(&self, name: &[u8]) -> Option<Via> {
        let (id, version, route) = parts(name)?;
        let inner = self.0.upgrade()?;
        let table = inner.table.load();
        let mut zones = table.zones.values();
        let zone = zones.find(|zone| *zone.id == *id && zone.version == version)?;
        zone.via(route).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_again_and_nothing_else_is() {
        assert_eq!(parts(of("ab", 7, 3).as_bytes()), Some(("ab", 7, 3)));
        for bad in [&b"ab/7"[..], b"ab/7/x", b"ab/-1/3", b"", b"\xff/1/2", b"ab/7/3/1"] {
            assert_eq!(parts(bad), None, "{bad:?}");
        }
    }
}
