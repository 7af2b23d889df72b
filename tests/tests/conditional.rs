//! Reads and writes on a condition, and parts of a value.

use std::time::Duration;

use littoral_tests::{Dev, Namespace, Response, until};
use serde_json::json;

fn etag(answer: &Response) -> String {
    answer.header("etag").expect("an answer says its version").to_owned()
}

fn quoted(version: &str) -> String {
    format!("\"{version}\"")
}

#[test]
fn every_read_says_the_version_of_its_write() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("versions");
    for n in 0..3 {
        let version = namespace.put("k", format!("value {n}"));
        for location in dev.locations() {
            let at = namespace.at(location.address);
            let read = at.value("GET", "k").header("Littoral-Min-Version", &version);
            assert_eq!(etag(&at.send(&read).expect(200)), quoted(&version));
            let head = at.value("HEAD", "k").header("Littoral-Min-Version", &version);
            let head = at.send(&head).expect(200);
            assert_eq!((etag(&head), head.header("content-length")), (quoted(&version), Some("7")));
        }
    }
}

#[test]
fn what_the_reader_has_is_not_sent_again() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("not modified");
    let version = namespace.put("k", "value");
    for location in dev.locations() {
        let at = namespace.at(location.address);
        let read =
            |condition: &str| at.send(&at.value("GET", "k").header("If-None-Match", condition));
        let same = quoted(&version);
        for condition in
            [same.clone(), format!("W/{same}"), format!("\"other\", {same}"), "*".into()]
        {
            let answer = read(&condition).expect(304);
            assert_eq!((etag(&answer), answer.body.len()), (same.clone(), 0), "{condition}");
        }
        assert_eq!(read("\"other\"").expect(200).body, b"value");
        assert_eq!(at.send(&at.value("GET", "none").header("If-None-Match", "*")).status, 404);
    }
}

#[test]
fn a_write_on_a_condition_happens_only_if_it_holds() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("compare");
    let send = |method: &str, key: &str, name: &str, condition: &str, value: &str| {
        let request = namespace.value(method, key).header(name, condition);
        let request = if method == "PUT" { request.body(value) } else { request };
        namespace.send(&request)
    };
    // Only if there is none.
    let created = send("PUT", "k", "If-None-Match", "*", "one").expect(200);
    let first = created.header("littoral-version").expect("a version").to_owned();
    let refused = send("PUT", "k", "If-None-Match", "*", "two").expect(412);
    assert_eq!((refused.code(), etag(&refused)), (Some(10412), quoted(&first)));
    // Only if it is this one.
    let second = send("PUT", "k", "If-Match", &quoted(&first), "two").expect(200);
    let second = second.header("littoral-version").expect("a version").to_owned();
    assert!(second > first, "{second} {first}");
    let refused = send("PUT", "k", "If-Match", &quoted(&first), "three").expect(412);
    assert_eq!((refused.code(), etag(&refused)), (Some(10412), quoted(&second)));
    assert_eq!(namespace.get("k").as_deref(), Some(&b"two"[..]));
    // Only if there is one.
    send("PUT", "k", "If-Match", "*", "three").expect(200);
    send("PUT", "absent", "If-Match", "*", "x").expect(412);
    send("PUT", "absent", "If-Match", &quoted(&first), "x").expect(412);
    assert_eq!(namespace.get("absent"), None);
    // The same of deletes.
    send("DELETE", "k", "If-Match", &quoted(&second), "").expect(412);
    assert_eq!(namespace.get("k").as_deref(), Some(&b"three"[..]));
    let current = etag(&namespace.send(&namespace.value("GET", "k")));
    send("DELETE", "k", "If-Match", &current, "").expect(200);
    assert_eq!(namespace.get("k"), None);
    send("PUT", "k", "If-Match", &current, "back").expect(412);
    send("PUT", "k", "If-None-Match", "*", "anew").expect(200);
    send("PUT", "k", "If-Match", "no version at all", "x").expect(400);
    assert_eq!(namespace.get("k").as_deref(), Some(&b"anew"[..]));
}

/// One more, however many others do the same.
fn increment(at: &Namespace) {
    until("an increment goes through", Duration::from_secs(120), || {
        let read = at.send(&at.value("GET", "counter"));
        let count: u32 = read.text().parse().expect("a number");
        let next = (count + 1).to_string();
        let written =
            at.send(&at.value("PUT", "counter").header("If-Match", etag(&read)).body(next));
        match written.status {
            200 => Some(()),
            // Read at least what is there, next time.
            412 => {
                let newer = etag(&written).trim_matches('"').to_owned();
                at.send(&at.value("GET", "counter").header("Littoral-Min-Version", newer));
                None
            }
            _ => panic!("{} {}", written.status, written.message()),
        }
    });
}

#[test]
fn no_increment_is_lost_where_writes_are_compared() {
    let dev = Dev::of(4);
    let namespace = dev.namespace("counters");
    let policy = json!({ "compare": true });
    namespace.send(&namespace.request("PUT", "/policy").json(&policy)).expect(200);
    let locations = dev.locations();
    for location in locations {
        let at = namespace.at(location.address);
        until("the policy is known", Duration::from_secs(30), || {
            let policy = at.send(&at.request("GET", "/policy")).expect(200).json();
            (policy["result"]["compare"] == true).then_some(())
        });
    }
    namespace.put("counter", "0");
    std::thread::scope(|scope| {
        for location in locations {
            let at = namespace.at(location.address);
            scope.spawn(move || (0..5).for_each(|_| increment(&at)));
        }
    });
    let read = namespace.value("GET", "counter");
    let total = until("all increments are seen", Duration::from_secs(30), || {
        Some(namespace.send(&read).text().to_owned()).filter(|count| count == "20")
    });
    assert_eq!(total, "20");
}

#[test]
fn a_part_of_a_value_can_be_read_everywhere() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("ranges");
    for len in [1_000_usize, 1_500_000] {
        let bytes: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).expect("small")).collect();
        let version = namespace.put("k", bytes.clone());
        for location in dev.locations() {
            let at = namespace.at(location.address);
            let read = |range: &str| {
                let request = at.value("GET", "k").header("Range", range);
                at.send(&request.header("Littoral-Min-Version", &version))
            };
            let whole = at.send(&at.value("GET", "k").header("Littoral-Min-Version", &version));
            assert_eq!(whole.expect(200).header("accept-ranges"), Some("bytes"));
            let (last, near) = (len - 1, len - 100);
            for (range, from, to) in [
                ("bytes=0-0".to_owned(), 0, 0),
                ("bytes=10-99".to_owned(), 10, 99),
                (format!("bytes={near}-"), near, last),
                ("bytes=-100".to_owned(), near, last),
                (format!("bytes=900-{}", len * 2), 900, last),
                (format!("bytes=-{}", len * 2), 0, last),
            ] {
                let part = read(&range).expect(206);
                let place = format!("bytes {from}-{to}/{len}");
                assert_eq!(part.header("content-range"), Some(place.as_str()), "{range}");
                assert!(part.body == bytes[from..=to], "{range}");
                assert_eq!(etag(&part), quoted(&version));
            }
            let beyond = read(&format!("bytes={len}-")).expect(416);
            let place = format!("bytes */{len}");
            assert_eq!(beyond.header("content-range"), Some(place.as_str()));
            for whole in ["bytes=5-4", "lines=1-2", "bytes=x-y", "bytes="] {
                assert!(read(whole).expect(200).body == bytes, "{whole}");
            }
            let if_range = |tag: &str| {
                at.send(&at.value("GET", "k").header("Range", "bytes=0-4").header("If-Range", tag))
            };
            assert_eq!(if_range(&quoted(&version)).status, 206);
            assert!(if_range("\"other\"").expect(200).body == bytes);
        }
    }
}
