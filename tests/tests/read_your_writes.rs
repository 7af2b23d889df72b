//! A reader that shows a version gets that or a newer one, or an error: at any location.

use std::time::Duration;

use littoral_tests::{Dev, Namespace, Response};

fn read(at: &Namespace, key: &str, minimum: &str) -> Response {
    at.send(&at.value("GET", key).header("Littoral-Min-Version", minimum))
}

#[test]
fn a_write_is_seen_at_once_by_whoever_shows_its_version() {
    let dev = Dev::start();
    let namespace = dev.namespace("mine");
    let seen: Vec<Namespace> =
        dev.locations().iter().map(|one| namespace.at(one.address)).collect();
    let first = namespace.put("k", "first");
    for at in &seen {
        assert_eq!(read(at, "k", &first).expect(200).text(), "first");
    }
    for (n, writer) in seen.iter().enumerate() {
        let value = format!("written at {n}");
        let version = writer.put("k", value.clone());
        for at in &seen {
            let answer = read(at, "k", &version).expect(200);
            assert_eq!(answer.text(), value);
            assert_eq!(answer.header("etag"), Some(format!("\"{version}\"").as_str()));
            // What was shown here once is never taken back.
            assert_eq!(at.get("k").as_deref(), Some(value.as_bytes()));
        }
    }
}

#[test]
fn the_writer_needs_to_show_nothing_where_it_wrote() {
    let dev = Dev::start();
    let namespace = dev.namespace("mine");
    for location in dev.locations() {
        let at = namespace.at(location.address);
        assert_eq!(at.get(&location.name), None);
        at.put(&location.name, "here");
        assert_eq!(at.get(&location.name).as_deref(), Some(&b"here"[..]));
        at.put(&location.name, "again");
        assert_eq!(at.get(&location.name).as_deref(), Some(&b"again"[..]));
        assert!(at.names("").contains(&location.name), "its own writes are in its listings");
        at.delete(&location.name);
        assert_eq!(at.get(&location.name), None);
        assert!(!at.names("").contains(&location.name));
    }
}

#[test]
fn a_delete_is_seen_by_its_version_and_so_is_what_follows() {
    let dev = Dev::start();
    let namespace = dev.namespace("gone");
    let seen: Vec<Namespace> =
        dev.locations().iter().map(|one| namespace.at(one.address)).collect();
    let there = namespace.put("k", "there");
    for at in &seen {
        assert_eq!(read(at, "k", &there).expect(200).text(), "there");
    }
    let gone = seen[1].delete("k");
    for at in &seen {
        assert_eq!(read(at, "k", &gone).expect(404).code(), Some(10009));
    }
    let back = seen[2].put("k", "back");
    assert!(back > gone);
    for at in &seen {
        assert_eq!(read(at, "k", &back).expect(200).text(), "back");
        // An older minimum is met by a newer version.
        assert_eq!(read(at, "k", &gone).expect(200).text(), "back");
    }
}

#[test]
fn a_version_that_nobody_has_is_an_error_with_a_time_to_retry() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("ahead");
    namespace.put("k", "v");
    // A version from a network whose clock is an hour ahead.
    let other = Dev::of(1);
    other.advance(Duration::from_secs(3_600));
    let ahead = other.namespace("other").put("k", "v");
    for location in dev.locations() {
        let at = namespace.at(location.address);
        let answer = read(&at, "k", &ahead).expect(503);
        let retry = answer.header("retry-after").expect("when to retry");
        assert!(retry.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{retry}");
        assert!(answer.code().is_some());
        assert_eq!(at.get("k").as_deref(), Some(&b"v"[..]));
    }
}

#[test]
fn what_is_no_version_is_refused() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("none");
    namespace.put("k", "v");
    for none in
        ["", "UPPER", "with space", "\"quoted\"", "0123456789012345678901234567890123456789x"]
    {
        let answer = read(&namespace, "k", none);
        assert_eq!(answer.status, 400, "{none:?}: {}", answer.message());
    }
}
