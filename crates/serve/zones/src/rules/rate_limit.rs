//! So many requests in so much time, for each of whoever is told apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use littoral_types::Mono;

use crate::condition::Condition;
use crate::error::code;
use crate::means::Means;
use crate::rule::{Decision, Declares, Outcome, Part, Reply, Rule, View};
use crate::template::Template;

/// Those of whom is remembered how much they have left. Past it, those who have all of it again go.
const KNOWN_MAX: usize = 100_000;

/// Counted where the request arrives: each location lets through as many.
pub(crate) struct RateLimit {
    /// Of the rule: its pattern captures.
    when: Condition,
    requests: u32,
    every: Duration,
    by: Template,
    /// When each will have used nothing: the generic cell rate algorithm (ITU-T I.371).
    free_at: Mutex<HashMap<String, Mono>>,
}

impl RateLimit {
    pub(crate) fn new(requests: u32, every: Duration, by: Template, when: Condition) -> Self {
        Self { when, requests, every, by, free_at: Mutex::default() }
    }

    /// How long to wait, if it is too many.
    fn take(&self, who: String, now: Mono, dry: bool) -> Option<Duration> {
        let mut all = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KNOWN_MAX && !all.contains_key(&who) {
            all.retain(|_, free_at| *free_at > now);
            if all.len() >= KNOWN_MAX {
                all.clear();
            }
        }
        let one = self.every / self.requests;
        let free_at = all.get(&who).copied().filter(|at| *at > now).unwrap_or(now);
        let used = free_at.since(now);
        if used + one > self.every {
            return Some(used + one - self.every);
        }
        if !dry {
            all.insert(who, free_at.plus(one));
        }
        None
    }
}

impl Rule for RateLimit {
    fn kind(&self) -> &'static str {
        "rate-limit"
    }

    fn declares(&self) -> Declares {
        let mut needs = self.by.needs();
        if self.when.names().next().is_some() {
            needs.push(Part::Path);
        }
        // What another rule refuses does not count.
        needs.push(Part::Verdicts);
        Declares { needs, gives: Vec::new() }
    }

    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision {
        let captures = self.when.captures(view.path());
        let who = self.by.fill(view, &captures);
        let Some(wait) = self.take(who, means.clock.mono(), view.dry()) else {
            return Decision::Now(Ok(Outcome::pass("within the rate")));
        };
        let status = StatusCode::TOO_MANY_REQUESTS;
        let reply = Reply::refusal(status, code::TOO_MANY, "too many requests; wait a little");
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let reply = reply.header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        Decision::Now(Ok(Outcome::answer(reply, "too many")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_pass_at_once_and_then_one_for_each_part_of_the_time() {
        let by = Template::parse("{request.address}", std::iter::empty()).expect("a template");
        let limit = RateLimit::new(3, Duration::from_secs(3), by, Condition::default());
        let at = |ms: u64| Mono::LONG_AGO.plus(Duration::from_millis(10_000 + ms));
        let take = |ms| limit.take("a".into(), at(ms), false);
        assert_eq!([take(0), take(0), take(0)], [None; 3]);
        assert_eq!(take(0), Some(Duration::from_secs(1)));
        assert_eq!(take(999), Some(Duration::from_millis(1)));
        assert_eq!(take(1_000), None);
        assert_eq!(take(1_000), Some(Duration::from_secs(1)));
        assert_eq!(limit.take("b".into(), at(1_000), true), None, "another");
        assert_eq!([take(9_000), take(9_000), take(9_000)], [None; 3], "all of it again");
    }
}
