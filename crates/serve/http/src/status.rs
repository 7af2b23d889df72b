//! Headers that say where an answer came from: `Cache-Status` (RFC 9211) and `Server-Timing`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use littoral_peer::{HopReport, Outcome};
use littoral_types::LocationId;

pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The names of locations, by number. Clones share them.
#[derive(Clone, Debug)]
pub struct Places(Arc<[String]>);

impl Places {
    /// Characters that a header's token may not have become `-`.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let token = |name: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            let name: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
            if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                name
            } else {
                format!("x{name}")
            }
        };
        Self(names.into_iter().map(|name| token(name.as_ref())).collect())
    }

    pub fn name(&self, location: LocationId) -> &str {
        self.0.get(location.index()).map_or("unknown", String::as_str)
    }
}

/// What each hop did, the one nearest the origin first.
pub fn cache_status(hops: &[HopReport], places: &Places) -> HeaderValue {
    write(hops, |text, report| {
        let _ = write!(text, "{}-{}", places.name(report.location), report.hop.name());
        text.push_str(match report.outcome {
            Outcome::Hit | Outcome::Stale => "; hit",
            Outcome::Miss => "; fwd=miss",
            Outcome::Collapsed => "; fwd=miss; collapsed",
            Outcome::Suspect => "; fwd=stale; detail=suspect",
            Outcome::Bypass => "; fwd=bypass",
        });
        if report.stored {
            text.push_str("; stored");
        }
        if let Some(ttl) = report.ttl {
            let _ = write!(text, "; ttl={ttl}");
        }
        if report.outcome == Outcome::Stale {
            text.push_str("; detail=stale");
        }
    })
}

/// How long each hop took, in milliseconds, in the same order.
pub fn server_timing(hops: &[HopReport], places: &Places) -> HeaderValue {
    write(hops, |text, report| {
        let name = places.name(report.location);
        let micros = report.took.as_micros();
        let (whole, part) = (micros / 1000, micros % 1000);
        let _ = write!(text, "{name}-{};dur={whole}.{part:03}", report.hop.name());
    })
}

fn write(hops: &[HopReport], member: impl Fn(&mut String, &HopReport)) -> HeaderValue {
    let mut text = String::with_capacity(hops.len() * 40);
    for report in hops {
        if !text.is_empty() {
            text.push_str(", ");
        }
        member(&mut text, report);
    }
    HeaderValue::try_from(text).expect("tokens and numbers are plain ASCII")
}

/// `Age`, in whole seconds.
pub fn age(age: Duration) -> HeaderValue {
    HeaderValue::from(age.as_secs().min(i32::MAX as u64))
}

#[cfg(test)]
mod tests {
    use littoral_peer::Hop;

    use super::*;

    fn report(
        location: u16,
        hop: Hop,
        outcome: Outcome,
        stored: bool,
        ttl: Option<i64>,
    ) -> HopReport {
        let took = Duration::from_micros(12_345);
        HopReport { location: LocationId(location), hop, outcome, stored, ttl, took }
    }

    #[test]
    fn a_member_per_hop_says_what_it_did_nearest_the_origin_first() {
        let places = Places::new(["ams", "fra", "lhr"]);
        let hops = [
            report(0, Hop::Upper, Outcome::Hit, false, Some(42)),
            report(1, Hop::Regional, Outcome::Miss, true, None),
            report(2, Hop::Edge, Outcome::Collapsed, true, None),
        ];
        assert_eq!(
            cache_status(&hops, &places),
            "ams-upper; hit; ttl=42, fra-regional; fwd=miss; stored, \
             lhr-edge; fwd=miss; collapsed; stored"
        );
        assert_eq!(server_timing(&hops[..1], &places), "ams-upper;dur=12.345");
    }

    #[test]
    fn every_outcome_has_its_words() {
        let places = Places::new(["a"]);
        let of = |outcome, ttl| cache_status(&[report(0, Hop::Edge, outcome, false, ttl)], &places);
        assert_eq!(of(Outcome::Stale, Some(-3)), "a-edge; hit; ttl=-3; detail=stale");
        assert_eq!(of(Outcome::Suspect, None), "a-edge; fwd=stale; detail=suspect");
        assert_eq!(of(Outcome::Bypass, None), "a-edge; fwd=bypass");
        assert_eq!(cache_status(&[], &places), "");
    }

    #[test]
    fn a_place_with_an_odd_name_still_makes_a_token() {
        let places = Places::new(["1st, place", "ok"]);
        assert_eq!(places.name(LocationId(0)), "x1st--place");
        assert_eq!(places.name(LocationId(1)), "ok");
        assert_eq!(places.name(LocationId(2)), "unknown");
    }
}
