//! Headers that say where an answer came from: `Cache-Status` (RFC 9211) and `Server-Timing`.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use littoral_peer::{Hop, HopReport, Outcome};
use littoral_types::LocationId;

pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The names of locations, by number. Clones share them.
#[derive(Clone, Debug)]
pub struct Places(Arc<[Place]>);

#[derive(Debug)]
struct Place {
    name: String,
    /// Made when the first hit at this place is answered: of all the places a node knows, that is
    /// its own.
    hits: OnceLock<Hits>,
}

/// What is said of a hit at an edge, by far the most frequent answer, ready to be sent.
#[derive(Debug)]
struct Hits {
    /// By the seconds left.
    status: Vec<HeaderValue>,
    /// Of one that took less than a microsecond.
    timing: HeaderValue,
}

/// Seconds left, and of age, of which the header is ready.
const READY_S: u64 = 61;

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
        let place = |name: &str| Place { name: token(name), hits: OnceLock::new() };
        Self(names.into_iter().map(|name| place(name.as_ref())).collect())
    }

    pub fn name(&self, location: LocationId) -> &str {
        self.0.get(location.index()).map_or("unknown", |place| &place.name)
    }

    /// What is ready for these hops, if they are one hit at an edge.
    fn hits(&self, hops: &[HopReport]) -> Option<&Hits> {
        let [report] = hops else { return None };
        let plain = report.hop == Hop::Edge && report.outcome == Outcome::Hit && !report.stored;
        let place = self.0.get(report.location.index()).filter(|_| plain)?;
        Some(place.hits.get_or_init(|| self.ready(*report)))
    }

    fn ready(&self, report: HopReport) -> Hits {
        let status = |ttl: u64| describe(&[HopReport { ttl: Some(ttl as i64), ..report }], self);
        let timing = time(&[HopReport { took: Duration::ZERO, ..report }], self);
        Hits { status: (0..READY_S).map(status).collect(), timing }
    }
}

/// What each hop did, the one nearest the origin first.
pub fn cache_status(hops: &[HopReport], places: &Places) -> HeaderValue {
    let ready = || {
        let ttl = hops.first()?.ttl.and_then(|ttl| usize::try_from(ttl).ok())?;
        places.hits(hops)?.status.get(ttl).cloned()
    };
    ready().unwrap_or_else(|| describe(hops, places))
}

fn describe(hops: &[HopReport], places: &Places) -> HeaderValue {
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
    let at_once = hops.first().is_some_and(|report| report.took.as_micros() == 0);
    let ready = places.hits(hops).filter(|_| at_once).map(|hits| hits.timing.clone());
    ready.unwrap_or_else(|| time(hops, places))
}

fn time(hops: &[HopReport], places: &Places) -> HeaderValue {
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
    static READY: LazyLock<Vec<HeaderValue>> =
        LazyLock::new(|| (0..READY_S).map(HeaderValue::from).collect());
    let seconds = age.as_secs().min(i32::MAX as u64);
    let ready = READY.get(seconds as usize).cloned();
    ready.unwrap_or_else(|| HeaderValue::from(seconds))
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
    fn what_is_ready_says_the_same_as_what_is_written_anew() {
        let places = Places::new(["ams", "fra"]);
        for ttl in [-1, 0, 1, 60, 61, 3_600] {
            for (location, micros) in [(0, 0), (1, 0), (1, 1), (7, 0)] {
                let took = Duration::from_micros(micros);
                let report = report(location, Hop::Edge, Outcome::Hit, false, Some(ttl));
                let hops = [HopReport { took, ..report }];
                assert_eq!(cache_status(&hops, &places), describe(&hops, &places));
                assert_eq!(server_timing(&hops, &places), time(&hops, &places));
            }
        }
        for seconds in [0, 59, 60, 61, 100_000] {
            assert_eq!(age(Duration::from_secs(seconds)), seconds.to_string());
        }
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
