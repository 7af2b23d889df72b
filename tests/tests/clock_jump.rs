//! Clocks that jump, ten minutes either way: writes go on, and no older value ever wins.

use std::path::Path;
use std::time::Duration;

use littoral_tests::{Dev, Namespace, Options, Request, until, wall_ms};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const TEN_MINUTES_MS: i64 = 600_000;

fn start(data_dir: &Path) -> Dev {
    let more = ["--trips", "0"].map(str::to_owned).to_vec();
    let data_dir = Some(data_dir.to_path_buf());
    Dev::with(Options { locations: Some(3), data_dir, more, ..Options::default() })
}

fn jump(dev: &Dev, by_ms: i64) {
    let by = json!({ "advance_ms": by_ms });
    Request::new("PUT", "/dev/clock").json(&by).send(dev.address()).expect(200);
}

/// Writes at each location in turn: every version newer than all before, every read the last one.
fn writes_in_order(dev: &Dev, namespace: &Namespace, newest: &mut String, what: &str) {
    for location in dev.locations() {
        let at = namespace.at(location.address);
        let value = format!("{what} at {}", location.name);
        // The writer shows the version it saw last, as one who read it does.
        let version = at.put("k", value.clone());
        assert!(version > *newest, "{value}: {version} after {newest}");
        *newest = version;
        for reader in dev.locations() {
            let there = namespace.at(reader.address);
            let read = there.value("GET", "k").header("Littoral-Min-Version", &*newest);
            assert_eq!(there.send(&read).expect(200).text(), value, "read at {}", reader.name);
        }
    }
}

#[test]
fn a_clock_that_jumps_either_way_stops_no_write_and_lets_no_older_value_win() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("jumps");
    let mut newest = String::new();
    writes_in_order(&dev, &namespace, &mut newest, "before");
    for by_ms in [TEN_MINUTES_MS, -2 * TEN_MINUTES_MS, TEN_MINUTES_MS] {
        jump(&dev, by_ms);
        writes_in_order(&dev, &namespace, &mut newest, &format!("after {by_ms}"));
    }
}

#[test]
fn what_expires_while_the_clock_jumps_is_gone_and_stays_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("expiry");
    let brief = namespace.request("PUT", "/values/brief?expiration_ttl=300").body("v");
    namespace.send(&brief).expect(200);
    assert_eq!(namespace.get("brief").as_deref(), Some(&b"v"[..]));
    jump(&dev, TEN_MINUTES_MS);
    for location in dev.locations() {
        assert_eq!(namespace.at(location.address).get("brief"), None, "{}", location.name);
    }
    namespace.put("brief", "again");
    assert_eq!(namespace.get("brief").as_deref(), Some(&b"again"[..]));
}

#[test]
fn a_machine_whose_clock_was_set_back_over_a_restart_goes_on_from_where_it_stood() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("set-back");
    let before = namespace.put("k", "before");
    let names: Vec<_> = dev.locations().iter().map(|one| one.name.clone()).collect();
    assert!(dev.stop().success());
    // As if the clock had stood ten minutes later when each node last wrote it down.
    let stood = wall_ms() + TEN_MINUTES_MS;
    for name in &names {
        let mark = folder.path().join("nodes").join(name).join("clock");
        assert!(mark.exists(), "a node writes down its clock: {}", mark.display());
        std::fs::write(mark, format!("{stood}\n")).expect("a mark");
    }
    let dev = start(folder.path());
    let namespace = dev.existing(&namespace.id);
    let mut newest = before;
    writes_in_order(&dev, &namespace, &mut newest, "after");
    let ms = u64::from_str_radix(&newest[..12], 16).expect("a version begins with its time");
    assert!(ms as i64 >= stood, "{newest} is before {stood}");
}

#[test]
fn one_node_whose_clock_was_far_ahead_is_refused_clearly_or_followed_but_never_loses_to_older() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("one-ahead");
    let first = dev.locations()[0].name.clone();
    namespace.put("k", "before");
    assert!(dev.stop().success());
    let mark = folder.path().join("nodes").join(first).join("clock");
    std::fs::write(mark, format!("{}\n", wall_ms() + TEN_MINUTES_MS)).expect("a mark");
    let dev = start(folder.path());
    let namespace = dev.existing(&namespace.id);
    let answer = namespace.send(&namespace.value("PUT", "k").body("ahead"));
    let newest = match answer.status {
        200 => answer.header("littoral-version").expect("a version").to_owned(),
        status => {
            assert_eq!((status, answer.code()), (500, Some(10427)), "{}", answer.message());
            return;
        }
    };
    let other = namespace.at(dev.locations()[1].address);
    let later = until("another location writes after it", PATIENCE, || {
        let answer = other.send(&other.value("PUT", "k").body("after"));
        match (answer.status, answer.code()) {
            (200, _) => Some(answer.header("littoral-version") > Some(&newest)),
            (500, Some(10427)) => None,
            (status, code) => panic!("{status} {code:?} {}", answer.message()),
        }
    });
    assert!(later, "no older version wins");
}
