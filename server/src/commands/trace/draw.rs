//! A walk as lines of text: who did what, and a bar for when.

use std::fmt::Write as _;

use super::places::Places;
use super::walk::{Answer, Step, Walk};

/// Columns of the longest bar.
const BAR: f64 = 30.0;

/// Time before the walk that is worth a word, if it is a tenth of the whole.
const BEFORE_MS_MIN: f64 = 1.0;

pub fn draw(walk: &Walk, places: &Places) -> String {
    let Walk { hops, answer } = walk;
    let words: Vec<_> = hops.iter().map(|step| step.words(answer)).collect();
    let names: Vec<_> = hops.iter().map(|step| name(step, places)).collect();
    let width = |texts: &[String], least: usize| {
        texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(least)
    };
    let (name_width, word_width) = (width(&names, 3), width(&words, 0));
    let total_ms = answer.took.as_secs_f64() * 1_000.0;
    let mut text = String::new();
    let mut line =
        |mark: char, name: &str, hop: &str, words: &str, took: Option<f64>, bar: &str| {
            let took = took.map(|took| format!("{took:.1} ms")).unwrap_or_default();
            let drawn = format!(
                "  {mark} {name:name_width$}  {hop:8}  {words:word_width$}  {took:>10}  {bar}"
            );
            writeln!(text, "{}", drawn.trim_end()).expect("a string takes all");
        };
    let before_ms = before_the_walk(hops, total_ms);
    line(' ', "you", "", "", Some(total_ms), &bar(0.0, total_ms, total_ms));
    let mut outer = (before_ms, total_ms - before_ms);
    for ((step, words), name) in hops.iter().zip(&words).zip(&names) {
        let drawn = match step.took_ms {
            Some(took) => {
                outer = within(outer, took);
                bar(outer.0, outer.1, total_ms)
            }
            None => String::new(),
        };
        let mark = if step.answered { '●' } else { '○' };
        line(mark, name, &step.hop, words, step.took_ms, &drawn);
    }
    text.push_str(&verdict(hops.last(), answer));
    if before_ms >= BEFORE_MS_MIN && before_ms >= total_ms / 10.0 {
        text.push_str(&format!(
            "    {before_ms:.1} ms went by before: connection, token, namespace\n"
        ));
    }
    text
}

fn name(step: &Step, places: &Places) -> String {
    match places.region_of(&step.location) {
        Some(region) => format!("{} ({region})", step.location),
        None => step.location.clone(),
    }
}

/// Time that went into finding the token and the namespace, and the connection: nearly all of what
/// the first hop does not account for is before it.
fn before_the_walk(hops: &[Step], total_ms: f64) -> f64 {
    let walk_ms = hops.first().and_then(|step| step.took_ms).unwrap_or(total_ms);
    (total_ms - walk_ms).max(0.0)
}

/// When a hop began and how long it took, inside the hop that asked it. Both ways of the trip are
/// taken to be equally long, since clocks differ and only lengths are known.
fn within((began, took): (f64, f64), inner: f64) -> (f64, f64) {
    let inner = inner.min(took);
    (began + (took - inner) / 2.0, inner)
}

fn bar(began: f64, took: f64, total: f64) -> String {
    let columns = |ms: f64| (ms / total.max(0.001) * BAR).round() as usize;
    let before = " ".repeat(columns(began));
    match columns(took) {
        0 => format!("{before}▏"),
        width => format!("{before}{}", "█".repeat(width)),
    }
}

fn verdict(last: Option<&Step>, answer: &Answer) -> String {
    let by = match last {
        Some(step) if step.hop == "origin" || step.did.fwd.is_some() => {
            "the truth answered, asked by ".to_owned() + &step.location
        }
        Some(step) => format!("{} answered ({})", step.location, step.hop),
        None => "nobody said who answered".to_owned(),
    };
    let what = match (answer.status.is_success(), answer.bytes) {
        (true, Some(1)) => "1 byte".to_owned(),
        (true, Some(bytes)) => format!("{bytes} bytes"),
        (true, None) => "a value".to_owned(),
        (false, _) => "there is no such key".to_owned(),
    };
    let version = match answer.version.as_str() {
        "" => String::new(),
        version => format!(" · version {version}"),
    };
    let age = answer.age_s.map(|age| format!(" · {age} s old")).unwrap_or_default();
    format!("    {by} · {what}{version}{age}\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::super::headers::{cache_status, server_timing};
    use super::*;

    fn drawn(status: &str, timing: &str, answer: Answer) -> String {
        let walk = Walk::new(&cache_status(status), &server_timing(timing), answer);
        draw(&walk, &Places::default())
    }

    #[test]
    fn a_walk_is_drawn_from_the_user_to_who_answered() {
        let answer = Answer {
            took: Duration::from_millis(60),
            status: StatusCode::OK,
            version: "0196-01".into(),
            age_s: Some(3),
            bytes: Some(12),
        };
        let expected = "    \
    you                                                    60.0 ms  ██████████████████████████████
  ○ lhr  edge      not held: asked on, kept the answer     50.0 ms       █████████████████████████
  ○ fra  regional  held but unconfirmed: validated         20.0 ms               ██████████
  ● ams  upper     held, 3 s old, good until purged         0.1 ms                   ▏
    ams answered (upper) · 12 bytes · version 0196-01 · 3 s old
    10.0 ms went by before: connection, token, namespace
";
        let text = drawn(
            "ams-upper; hit, fra-regional; fwd=stale; detail=suspect, lhr-edge; fwd=miss; stored",
            "ams-upper;dur=0.1, fra-regional;dur=20, lhr-edge;dur=50",
            answer,
        );
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn an_absent_key_and_an_answer_without_reasons_are_drawn_too() {
        let answer = Answer {
            took: Duration::from_micros(10),
            status: StatusCode::NOT_FOUND,
            version: String::new(),
            age_s: None,
            bytes: None,
        };
        let text = drawn("a-edge; hit; ttl=4", "", answer.clone());
        assert!(text.contains("● a    edge      held, fresh for 4 s"), "{text}");
        assert!(text.contains("a answered (edge) · there is no such key"), "{text}");
        assert!(drawn("", "", answer).contains("nobody said who answered"));
    }

    #[test]
    fn a_hop_that_claims_more_time_than_who_asked_it_stays_inside() {
        assert_eq!(within((0.0, 10.0), 4.0), (3.0, 4.0));
        assert_eq!(within((2.0, 10.0), 40.0), (2.0, 10.0));
    }
}
