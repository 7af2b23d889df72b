//! A report as people read it, and as programs do.

use std::fmt::Write as _;

use littoral_history::{Bounds, PROOFS_MAX, Promise, Report, Violation};
use serde_json::{Value, json};

/// How many proofs people are shown.
const SHOWN_MAX: usize = 20;

pub fn text(report: &Report, bounds: &Bounds) -> String {
    let mut text = format!(
        "{}, {}, {}\n",
        counted(report.operations, "operation"),
        counted(report.keys, "key"),
        counted(report.locations, "location"),
    );
    for promise in Promise::ALL {
        let verdict = match report.count(promise) {
            _ if !promise.is_judged_within(bounds) => "not judged".into(),
            0 => "kept".into(),
            1 => "broken once".into(),
            count => format!("broken {count} times"),
        };
        text += &format!("\n  {:<21} {verdict}", promise.name());
    }
    for (promise, shown) in fairly(report) {
        text += &format!("\n\n{promise}: {}", promise.sentence());
        for violation in &shown {
            text += &proof(violation);
        }
        match report.count(promise) - shown.len() {
            0 => {}
            more => text += &format!("\n  … and {more} more"),
        }
    }
    text
}

fn proof(Violation { key, lines, what, .. }: &Violation) -> String {
    let mut text = format!("\n  key {key:?}, {}", if lines.len() == 1 { "line" } else { "lines" });
    for (index, line) in lines.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a text does not fail.
        let _ = write!(text, "{comma} {line}");
    }
    text + "\n    " + what
}

/// The promises that were broken, and of each as many proofs as there is room for.
fn fairly(report: &Report) -> Vec<(Promise, Vec<&Violation>)> {
    let broken: Vec<_> = Promise::ALL.into_iter().filter(|one| report.count(*one) > 0).collect();
    let mut room = SHOWN_MAX;
    let mut left = broken.len();
    let mut chosen = Vec::new();
    for promise in broken {
        let of_this = report.violations.iter().filter(|found| found.promise == promise);
        let shown: Vec<_> = of_this.take(room / left).collect();
        (room, left) = (room - shown.len(), left - 1);
        chosen.push((promise, shown));
    }
    chosen
}

pub fn json(report: &Report, bounds: &Bounds) -> String {
    let promises = Promise::ALL.map(|promise| {
        let said = json!({
            "judged": promise.is_judged_within(bounds),
            "violations": report.count(promise),
            "sentence": promise.sentence(),
        });
        (promise.name().to_owned(), said)
    });
    let violations: Vec<_> = report
        .violations
        .iter()
        .map(|Violation { promise, key, lines, what }| {
            json!({ "promise": promise.name(), "key": key, "lines": lines, "what": what })
        })
        .collect();
    json!({
        "operations": report.operations,
        "keys": report.keys,
        "locations": report.locations,
        "clean": report.is_clean(),
        "promises": promises.into_iter().collect::<serde_json::Map<String, Value>>(),
        "violations_max": PROOFS_MAX,
        "violations": violations,
    })
    .to_string()
}

pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use littoral_history::{History, check};

    use super::*;

    fn report() -> Report {
        let line = |line: &str| line.replace('\'', "\"");
        let put = |version: u32, at: u32| {
            line(&format!(
                "{{'process':1,'location':'fra','op':'put','key':'k','version':'{version}',\
                 'start_ns':{at},'end_ns':{at},'outcome':'ok'}}\n"
            ))
        };
        let get = put(1, 20).replace("put", "get").replace("}", ",\"min_version\":\"2\"}");
        let text = put(1, 0) + &put(2, 10) + &get.repeat(30);
        check(&History::read(text.as_bytes()).expect("readable"), &Bounds::default())
    }

    #[test]
    fn people_see_every_broken_promise_and_twenty_proofs() {
        let text = text(&report(), &Bounds::default());
        assert!(text.starts_with("32 operations, 1 key, 1 location\n"), "{text}");
        for part in [
            "minimum               broken 30 times",
            "read-your-writes      broken 30 times",
            "unique-versions       kept",
            "staleness             not judged",
            "key \"k\", line 3\n    line 3 (get at fra) shows 1, and asked for 2 or newer",
            "key \"k\", lines 2, 3\n",
            "… and 20 more",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        assert_eq!(text.matches("key \"k\"").count(), SHOWN_MAX);
    }

    #[test]
    fn programs_see_all_proofs() {
        let json: Value = serde_json::from_str(&json(&report(), &Bounds::default())).expect("JSON");
        assert_eq!(json["violations"].as_array().map(Vec::len), Some(60));
        assert_eq!(json["promises"]["minimum"]["violations"], 30);
        assert_eq!(json["promises"]["staleness"]["judged"], false);
        assert_eq!(json["violations"][30]["lines"], json!([2, 3]));
        assert_eq!(json["clean"], false);
    }
}
