//! Histories as short texts: `LOCATION OP KEY VERSION START-END OUTCOME [min=VERSION] [if=VERSION]`, times
//! in seconds, `_` for no version.

use std::time::Duration;

use crate::{Bounds, History, Operation, Report, check};

pub(super) fn told(text: &str) -> History {
    let mut history = History::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        history.push(&operation(line)).expect(line);
    }
    history
}

fn operation(line: &str) -> Operation {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [location, op, key, version, times, outcome, ref options @ ..] = words[..] else {
        panic!("six words or more: {line}")
    };
    let option = |name: &str| options.iter().find_map(|word| word.strip_prefix(name));
    let quoted = |text: Option<&str>| match text {
        Some("_") | None => "null".to_owned(),
        Some(text) => format!("{text:?}"),
    };
    let (start, end) = times.split_once('-').expect(line);
    let nanoseconds = |text: &str| (text.parse::<f64>().expect(line) * 1e9) as u64;
    format!(
        r#"{{"process":0,"location":"{location}","op":"{op}","key":"{key}","version":{},
            "min_version":{},"if_match":{},"start_ns":{},"end_ns":{},"outcome":"{outcome}"}}"#,
        quoted(Some(version)),
        quoted(option("min=")),
        quoted(option("if=")),
        nanoseconds(start),
        nanoseconds(end),
    )
    .parse()
    .expect(line)
}

pub(super) fn judged(text: &str, bounds: &Bounds) -> Report {
    check(&told(text), bounds)
}

/// Every promise is judged.
pub(super) fn strict() -> Bounds {
    Bounds {
        stale_after: Some(Duration::from_secs(66)),
        settled_after: Some(Duration::from_secs(100)),
        compare: true,
        ..Bounds::default()
    }
}
