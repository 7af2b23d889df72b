//! The walk of one question, from the user to the truth, put together from what the answer says.

use std::time::Duration;

use http::StatusCode;

use super::headers::Member;

/// Hops by the last word of a cache's name.
const HOPS: [&str; 5] = ["edge", "keeper", "regional", "upper", "origin"];

#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// The user's edge first.
    pub hops: Vec<Step>,
    pub answer: Answer,
}

/// One hop.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub location: String,
    pub hop: String,
    pub did: Member,
    /// From being asked to having the answer, in milliseconds: the hops it asked are included.
    pub took_ms: Option<f64>,
    /// Whether the answer is from here.
    pub answered: bool,
}

/// What came back to the user.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub took: Duration,
    pub status: StatusCode,
    pub version: String,
    pub age_s: Option<u64>,
    pub bytes: Option<u64>,
}

impl Walk {
    /// Both headers have the hop nearest the origin first.
    pub fn new(members: &[Member], timings: &[(String, f64)], answer: Answer) -> Self {
        let step = |member: &Member| {
            let (location, hop) = split(&member.name);
            let timing = timings.iter().find(|(name, _)| *name == member.name);
            Step {
                location,
                hop,
                did: member.clone(),
                took_ms: timing.map(|(_, took)| *took),
                answered: false,
            }
        };
        let mut hops: Vec<_> = members.iter().rev().map(step).collect();
        if let Some(last) = hops.last_mut() {
            last.answered = true;
        }
        Self { hops, answer }
    }
}

/// `ams-upper` is the hop upper at ams; any other name stands for itself.
fn split(name: &str) -> (String, String) {
    match name.rsplit_once('-') {
        Some((location, hop)) if HOPS.contains(&hop) => (location.to_owned(), hop.to_owned()),
        _ => (name.to_owned(), "cache".to_owned()),
    }
}

impl Step {
    /// What the hop did, in words.
    pub fn words(&self, answer: &Answer) -> String {
        let Member { hit, fwd, stored, collapsed, ttl, detail, .. } = &self.did;
        let stale = detail.as_deref() == Some("stale");
        let suspect = detail.as_deref() == Some("suspect");
        let mut words = match fwd.as_deref() {
            _ if self.hop == "origin" => asked_stores(answer).to_owned(),
            _ if *hit && stale => "held past its time, but nobody could be asked".to_owned(),
            _ if *hit => held(&self.hop, answer.age_s.filter(|_| self.answered), *ttl),
            Some(_) if *collapsed => "not held: joined a question under way".to_owned(),
            Some("miss") => "not held: asked on".to_owned(),
            Some("stale") if suspect => "held but unconfirmed: validated".to_owned(),
            Some("stale") => "held too long: validated".to_owned(),
            Some("bypass") => "held nothing new enough: asked on".to_owned(),
            Some(other) => format!("asked on ({other})"),
            None => "did not say".to_owned(),
        };
        if *stored {
            words.push_str(", kept the answer");
        }
        words
    }
}

/// The origin holds nothing itself.
fn asked_stores(answer: &Answer) -> &'static str {
    match answer.status.is_success() {
        true => "asked both stores of the truth, took the first answer",
        false => "asked both stores of the truth: no such key",
    }
}

/// A covered entry, at a tier, has no time of its own: a purge ends it.
fn held(hop: &str, age_s: Option<u64>, ttl: Option<i64>) -> String {
    let age = age_s.map(|age| format!(", {age} s old")).unwrap_or_default();
    match ttl {
        Some(ttl) => format!("held{age}, fresh for {ttl} s"),
        None if matches!(hop, "regional" | "upper") => format!("held{age}, good until purged"),
        None => format!("held{age}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers::{cache_status, server_timing};
    use super::*;

    fn answer() -> Answer {
        Answer {
            took: Duration::from_millis(3),
            status: StatusCode::OK,
            version: "1-1".into(),
            age_s: Some(12),
            bytes: Some(5),
        }
    }

    fn words(status: &str) -> Vec<String> {
        let walk = Walk::new(&cache_status(status), &[], answer());
        walk.hops.iter().map(|step| step.words(&walk.answer)).collect()
    }

    #[test]
    fn the_walk_begins_at_the_user_and_the_last_hop_answers() {
        let status = "ams-upper; hit, us-east-edge; fwd=miss; stored";
        let timing = server_timing("ams-upper;dur=0.4, us-east-edge;dur=80.25");
        let walk = Walk::new(&cache_status(status), &timing, answer());
        let seen: Vec<_> = walk
            .hops
            .iter()
            .map(|step| (&*step.location, &*step.hop, step.took_ms, step.answered))
            .collect();
        let expected = [("us-east", "edge", Some(80.25), false), ("ams", "upper", Some(0.4), true)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn every_outcome_is_told_in_words() {
        for (status, expected) in [
            ("a-edge; hit; ttl=18", "held, 12 s old, fresh for 18 s"),
            ("a-upper; hit", "held, 12 s old, good until purged"),
            ("a-edge; hit; ttl=-3; detail=stale", "held past its time, but nobody could be asked"),
            ("a-edge; fwd=miss; stored", "not held: asked on, kept the answer"),
            ("a-edge; fwd=miss; collapsed", "not held: joined a question under way"),
            ("a-regional; fwd=stale; detail=suspect", "held but unconfirmed: validated"),
            ("a-edge; fwd=stale", "held too long: validated"),
            ("a-edge; fwd=bypass", "held nothing new enough: asked on"),
            ("a-origin; hit", "asked both stores of the truth, took the first answer"),
            ("proxy", "did not say"),
        ] {
            assert_eq!(words(status), [expected], "{status}");
        }
    }

    #[test]
    fn only_the_hop_that_answers_knows_the_age() {
        let status = "b-upper; hit, a-edge; hit; ttl=7";
        assert_eq!(words(status), ["held, fresh for 7 s", "held, 12 s old, good until purged"]);
    }
}
