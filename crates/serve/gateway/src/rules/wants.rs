//! What a request asks of caches on its way: `Cache-Control` and `Pragma` (RFC 9111, sections 5.2.1
//! and 5.4).

use http::{HeaderMap, header};

use super::directives::{pair, seconds};
use super::list::{members, unquoted};

/// What a client accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Nothing stored without validation.
    pub no_cache: bool,
    /// Nothing of this request or its answer is to be kept.
    pub no_store: bool,
    /// Nothing from further away than this cache.
    pub only_if_cached: bool,
    /// No older than this.
    pub max_age: Option<u64>,
    /// Fresh for at least this much longer.
    pub min_fresh: Option<u64>,
    /// Stale, by at most this.
    pub max_stale: Option<u64>,
}

impl Wants {
    pub fn of(headers: &HeaderMap) -> Self {
        let mut wants = Self::default();
        for member in members(headers, &header::CACHE_CONTROL) {
            wants.add(member);
        }
        // `Pragma` counts only where `Cache-Control` says nothing.
        if !headers.contains_key(header::CACHE_CONTROL) {
            let mut pragma = members(headers, &header::PRAGMA);
            wants.no_cache = pragma.any(|member| member.eq_ignore_ascii_case(b"no-cache"));
        }
        wants
    }

    fn add(&mut self, member: &[u8]) {
        let (name, value) = pair(member);
        let number = || value.and_then(|value| seconds(&unquoted(value)?));
        match name.as_str() {
            "no-cache" => self.no_cache = true,
            "no-store" => self.no_store = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => {
                let age = number().unwrap_or(0);
                self.max_age = Some(self.max_age.map_or(age, |held| held.min(age)));
            }
            "min-fresh" => match number() {
                Some(fresh) => self.min_fresh = self.min_fresh.max(Some(fresh)),
                None => self.no_cache = true,
            },
            // Without a value, as stale as it may be; with one that makes no sense, not at all.
            "max-stale" => {
                let stale = if value.is_none() { u64::MAX } else { number().unwrap_or(0) };
                self.max_stale = Some(self.max_stale.map_or(stale, |held| held.min(stale)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn of(lines: &[(&'static str, &'static str)]) -> Wants {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Wants::of(&lines.iter().map(line).collect())
    }

    #[test]
    fn every_directive_of_a_request_is_read() {
        let wants = of(&[("cache-control", "no-store, only-if-cached, max-age=5, min-fresh=6")]);
        let expected = Wants {
            no_store: true,
            only_if_cached: true,
            max_age: Some(5),
            min_fresh: Some(6),
            ..Wants::default()
        };
        assert_eq!(wants, expected);
        assert_eq!(of(&[("cache-control", "max-stale")]).max_stale, Some(u64::MAX));
        assert_eq!(of(&[("cache-control", "max-stale=7, max-stale=9")]).max_stale, Some(7));
    }

    #[test]
    fn what_makes_no_sense_accepts_least() {
        assert_eq!(of(&[("cache-control", "max-age=x")]).max_age, Some(0));
        assert!(of(&[("cache-control", "min-fresh=x")]).no_cache);
        assert_eq!(of(&[("cache-control", "max-stale=x")]).max_stale, Some(0));
    }

    #[test]
    fn pragma_counts_only_without_cache_control() {
        assert!(of(&[("pragma", "x, No-Cache")]).no_cache);
        assert!(!of(&[("pragma", "no-cache"), ("cache-control", "max-stale")]).no_cache);
        assert_eq!(of(&[("pragma", "unrecognised")]), Wants::default());
    }
}
