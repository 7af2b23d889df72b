//! Reads one key.

use std::time::Duration;

use http::HeaderMap;
use littoral_http::{Query, Refusal, Res};
use littoral_types::Ctx;

use super::answer::{self, Exit};
use super::key::Key;
use super::{Doors, refuse};
use crate::{Namespace, Policy, ReadOptions, Value};

/// How long the edge may keep an answer, as its reader says.
///
/// # Errors
/// When it is no number, or below the namespace's minimum.
pub(crate) fn options(cache_ttl: Option<&str>, policy: &Policy) -> Result<ReadOptions, Refusal> {
    let Some(text) = cache_ttl else { return Ok(ReadOptions::default()) };
    let least = policy.cache_ttl_min_s;
    match text.parse::<u32>() {
        Ok(seconds) if seconds >= least => {
            Ok(ReadOptions { cache_ttl: Some(Duration::from_secs(seconds.into())) })
        }
        _ => Err(Refusal::bad_request(
            refuse::CACHE_TTL,
            format!("Invalid cache_ttl of {text}. Cache TTL must be at least {least}."),
        )),
    }
}

pub(crate) fn options_of(query: Query<'_>, policy: &Policy) -> Result<ReadOptions, Refusal> {
    let text = query.text("cache_ttl").map_err(refuse::bad_query)?;
    options(text.as_deref(), policy)
}

/// One key to be read.
pub(crate) struct Reading<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) namespace: &'a Namespace,
    pub(crate) key: &'a Key,
    pub(crate) options: ReadOptions,
}

impl Doors {
    /// What is held in memory, without waiting.
    pub(crate) fn peek(&self, reading: &Reading<'_>) -> Option<Value> {
        let Reading { ctx, namespace, key, options } = reading;
        self.kv().peek(ctx, namespace, key, *options)
    }

    pub(crate) async fn get(&self, reading: &Reading<'_>) -> Result<Value, Refusal> {
        if let Some(value) = self.peek(reading) {
            return Ok(value);
        }
        let Reading { ctx, namespace, key, options } = reading;
        Ok(self.kv().get(ctx, namespace, key.to_bytes(), *options).await?)
    }

    pub(crate) fn value(
        &self,
        headers: &HeaderMap,
        value: &Value,
        exit: Exit,
    ) -> Result<Res, Refusal> {
        answer::value(headers, value, self.places(), exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_may_say_how_long_within_the_policy() {
        let of = |text| options(text, &Policy::default());
        assert_eq!(of(None).expect("no wish").cache_ttl, None);
        assert_eq!(of(Some("30")).expect("the least").cache_ttl, Some(Duration::from_secs(30)));
        for bad in ["29", "0", "-1", "soon", "", "99999999999"] {
            let refusal = of(Some(bad)).expect_err(bad);
            assert_eq!(
                refusal.message,
                format!("Invalid cache_ttl of {bad}. Cache TTL must be at least 30.")
            );
        }
        let free = Policy { cache_ttl_min_s: 0, ..Policy::default() };
        assert_eq!(options(Some("0"), &free).expect("free").cache_ttl, Some(Duration::ZERO));
    }
}
