//! Recorded histories are judged by the command line.

use std::path::Path;

use littoral_tests::{Ended, littoral, run};
use serde_json::{Value, json};

/// A promise, options, a history that breaks it, and the lines that prove it.
type Case<'a> = (&'a str, &'a [&'a str], Vec<Value>, Vec<u64>);

/// An operation of the key `k` that took a millisecond.
fn line(location: &str, op: &str, version: Option<&str>, at_ms: u64, outcome: &str) -> Value {
    json!({
        "process": 1, "location": location, "op": op, "key": "k", "version": version,
        "start_ns": at_ms * 1_000_000, "end_ns": (at_ms + 1) * 1_000_000, "outcome": outcome,
    })
}

/// One write after the other, seen at once where it was made and later elsewhere.
fn clean() -> Vec<Value> {
    let mut reader = line("sin", "get", Some("2"), 40, "ok");
    reader["min_version"] = "2".into();
    let mut compared = line("fra", "cas", Some("3"), 50, "ok");
    compared["if_match"] = "2".into();
    vec![
        line("fra", "get", None, 0, "absent"),
        line("fra", "put", Some("1"), 10, "ok"),
        line("fra", "put", Some("2"), 20, "ok"),
        line("sin", "get", Some("1"), 30, "ok"),
        reader,
        compared,
        line("nrt", "put", None, 60, "unknown"),
        line("fra", "delete", Some("5"), 70, "ok"),
        line("fra", "get", Some("5"), 80, "absent"),
    ]
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn judge(options: &[&str], history: &str) -> Ended {
    let mut command = littoral();
    command.args(["history", "check", "-"]).args(options);
    run(&mut command, history.as_bytes())
}

#[test]
fn a_history_that_keeps_every_promise_ends_with_zero() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.jsonl");
    std::fs::write(&file, text(&clean())).expect("written");
    let ended = run(littoral().args(["history", "check"]).arg(&file), b"").well();
    assert!(ended.text().starts_with("9 operations, 1 key, 3 locations\n"), "{}", ended.text());
    assert!(!ended.text().contains("broken"), "{}", ended.text());
    assert_eq!(
        judge(&[], "").well().text().lines().next(),
        Some("0 operations, 0 keys, 0 locations")
    );
}

#[test]
fn each_broken_promise_is_named_with_its_lines_and_ends_with_one() {
    let older = |extra: &[(&str, Value)], location: &str, at_ms| {
        let mut read = line(location, "get", Some("1"), at_ms, "ok");
        for (name, value) in extra {
            read[*name] = value.clone();
        }
        vec![
            line("fra", "put", Some("1"), 0, "ok"),
            line("fra", "put", Some("2"), 10, "ok"),
            line("sin", "get", Some("2"), 20, "ok"),
            read,
        ]
    };
    let mut cases: Vec<Case<'_>> = vec![
        ("no-invented-version", &[], vec![line("fra", "get", Some("9"), 0, "ok")], vec![1]),
        ("minimum", &[], older(&[("min_version", "2".into())], "nrt", 30), vec![4]),
        ("monotonic-reads", &[], older(&[], "sin", 30), vec![3, 4]),
        ("read-your-writes", &[], older(&[], "fra", 30), vec![2, 4]),
        ("staleness", &[], older(&[], "nrt", 90_000), vec![2, 4]),
        ("lost-write", &["--settled-after", "5s"], older(&[], "nrt", 9_000), vec![2, 4]),
    ];
    let two = |op: &str, versions: [&str; 2], at_ms: [u64; 2]| {
        vec![
            line("fra", op, Some(versions[0]), at_ms[0], "ok"),
            line("sin", op, Some(versions[1]), at_ms[1], "ok"),
        ]
    };
    cases.push(("real-time-order", &[], two("put", ["2", "1"], [0, 5_000]), vec![1, 2]));
    cases.push(("unique-versions", &[], two("put", ["1", "1"], [0, 0]), vec![1, 2]));
    cases.push(("compare-and-set", &[], two("cas", ["1", "2"], [0, 0]), vec![1, 2]));
    let mut apart = vec![line("fra", "put", Some("1"), 0, "unknown")];
    apart.push(line("fra", "get", Some("1"), 9_000, "ok"));
    apart.push(line("sin", "get", None, 9_000, "absent"));
    cases.push(("convergence", &["--settled-after", "5s"], apart, vec![2, 3]));

    for (promise, options, lines, proof) in cases {
        let ended = judge(options, &text(&lines));
        assert_eq!(ended.code, Some(1), "{promise}: {}", ended.said());
        assert!(ended.text().contains(&format!("\n{promise}: ")), "{promise}: {}", ended.text());
        let options = [options, &["--json"]].concat();
        let report: Value =
            serde_json::from_str(&judge(&options, &text(&lines)).text()).expect("one JSON object");
        let found = report["violations"].as_array().expect("a list");
        assert_eq!(found.len(), 1, "{promise}: {report:#}");
        assert_eq!((&found[0]["promise"], &found[0]["lines"]), (&promise.into(), &json!(proof)));
        assert_eq!(report["promises"][promise]["violations"], 1);
    }
}

#[test]
fn an_unreadable_line_is_named_and_ends_with_two() {
    let good = text(&clean());
    let mut backwards = line("fra", "get", None, 5, "absent");
    backwards["end_ns"] = 0.into();
    for (bad, why) in [
        ("{\"process\":1".to_owned(), "EOF"),
        (backwards.to_string(), "before it starts"),
        (line("fra", "put", None, 0, "ok").to_string(), "has a version"),
        (line("fra", "scan", None, 0, "ok").to_string(), "unknown variant `scan`"),
    ] {
        let ended = judge(&[], &format!("{good}{bad}\n{good}"));
        assert_eq!(ended.code, Some(2), "{}", ended.said());
        assert!(ended.stderr.contains("line 10: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    let missing = Path::new("nowhere/run.jsonl");
    let ended = run(littoral().args(["history", "check"]).arg(missing), b"");
    assert_eq!(ended.code, Some(2), "{}", ended.said());
    assert!(ended.stderr.contains("nowhere/run.jsonl"), "{}", ended.stderr);
}

#[test]
fn the_bounds_decide_what_is_judged() {
    let stale = [
        line("fra", "put", Some("1"), 0, "ok"),
        line("fra", "put", Some("2"), 10, "ok"),
        line("sin", "get", Some("1"), 90_000, "ok"),
    ];
    assert_eq!(judge(&[], &text(&stale)).code, Some(1));
    assert_eq!(judge(&["--stale-after", "2m"], &text(&stale)).code, Some(0));
    assert_eq!(judge(&["--stale-after", "never"], &text(&stale)).code, Some(0));
    let apart = [line("fra", "put", Some("2"), 0, "ok"), line("sin", "put", Some("1"), 500, "ok")];
    assert_eq!(judge(&[], &text(&apart)).code, Some(0));
    assert_eq!(judge(&["--max-skew", "100ms"], &text(&apart)).code, Some(1));
    assert_eq!(judge(&["--max-skew", "soon"], &text(&apart)).code, Some(2));
}

#[test]
fn the_help_names_every_promise_that_is_judged() {
    let judged: Value =
        serde_json::from_str(&judge(&["--json"], "").text()).expect("one JSON object");
    let help = run(littoral().args(["history", "check", "--help"]), b"").well().text();
    let guide = include_str!("../../docs/guide/history.md");
    let promises = judged["promises"].as_object().expect("by name");
    assert_eq!(promises.len(), 10);
    for name in promises.keys() {
        assert!(help.contains(&format!("\n  {name} ")), "{name} is not in:\n{help}");
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}
