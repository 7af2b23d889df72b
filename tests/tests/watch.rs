//! Changes of a key or a prefix come as they happen, each once, at any location.

use std::time::Duration;

use littoral_tests::{Connection, Dev, Namespace, Stopwatch};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(45);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    kind: String,
    id: String,
    key: String,
    version: String,
}

/// Server-sent events as they come, comments left out.
struct Watch {
    lines: Box<dyn Iterator<Item = String>>,
    /// What came so far, for a failure to show.
    seen: Vec<String>,
    at: std::net::SocketAddr,
}

impl Watch {
    #[track_caller]
    fn open(
        at: &Namespace,
        address: std::net::SocketAddr,
        query: &str,
        after: Option<&str>,
    ) -> Self {
        let request = at.request("GET", &format!("/watch?{query}"));
        let request = match after {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        };
        let (head, lines) = Connection::open(address).lines(&request);
        assert_eq!(head.status, 200);
        assert_eq!(
            head.header("content-type").map(|kind| kind.starts_with("text/event-stream")),
            Some(true)
        );
        Self { lines: Box::new(lines), seen: Vec::new(), at: address }
    }

    #[track_caller]
    fn next(&mut self) -> Event {
        let (mut kind, mut id, mut data) = (String::new(), String::new(), String::new());
        let watch = Stopwatch::start();
        loop {
            // Heartbeats go on, so this is noticed.
            assert!(watch.elapsed() < PATIENCE, "no event at {} after {:#?}", self.at, self.seen);
            let line = self.lines.next().expect("the watch goes on");
            self.seen.push(line.clone());
            match line.split_once(':') {
                Some(("event", rest)) => kind = rest.trim().to_owned(),
                Some(("id", rest)) => id = rest.trim().to_owned(),
                Some(("data", rest)) => data.push_str(rest.trim()),
                _ if line.is_empty() && !data.is_empty() => break,
                _ => {}
            }
        }
        let data: Value = serde_json::from_str(&data).expect("data is JSON");
        let text = |field: &str| data[field].as_str().expect("a field").to_owned();
        Event { kind, id, key: text("key"), version: text("version") }
    }
}

#[track_caller]
fn assert_event(event: &Event, kind: &str, key: &str, version: &str) {
    let got = (&*event.kind, &*event.key, &*event.version);
    assert_eq!(got, (kind, key, version));
    assert!(!event.id.is_empty());
}

#[test]
fn a_prefix_is_watched_from_any_location() {
    let dev = Dev::start();
    let namespace = dev.namespace("watched");
    let locations = dev.locations();
    let mut watches: Vec<Watch> = locations
        .iter()
        .map(|one| Watch::open(&namespace.at(one.address), one.address, "prefix=tide%2F", None))
        .collect();
    let far = namespace.at(locations[locations.len() - 1].address);
    let first = namespace.put("tide/porto", "1");
    namespace.put("other", "not watched");
    let second = far.put("tide/faro", "2");
    for watch in &mut watches {
        let mut events = [watch.next(), watch.next()];
        // Two keys may come in either order.
        events.sort_by(|one, two| two.key.cmp(&one.key));
        assert_event(&events[0], "put", "tide/porto", &first);
        assert_event(&events[1], "put", "tide/faro", &second);
    }
    let gone = far.delete("tide/porto");
    for watch in &mut watches {
        assert_event(&watch.next(), "delete", "tide/porto", &gone);
    }
}

#[test]
fn versions_of_one_key_come_in_order_and_none_twice() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("ordered");
    let mut watch = Watch::open(&namespace, dev.address(), "key=k", None);
    let mut newest = String::new();
    for n in 0..30 {
        let at = namespace.at(dev.locations()[n % 3].address);
        // Each writer has seen the one before.
        at.send(
            &at.value("GET", "k")
                .header("Littoral-Min-Version", if n == 0 { "0" } else { &newest }),
        );
        newest = at.put("k", n.to_string());
    }
    namespace.put("kk", "another key");
    let mut last = String::new();
    while last != newest {
        let event = watch.next();
        assert_eq!(event.key, "k");
        assert!(event.version > last, "{} after {last}", event.version);
        last = event.version;
    }
}

#[test]
fn a_watch_goes_on_where_it_was_left() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("resumed");
    let (here, there) = (dev.address(), dev.locations()[2].address);
    let mut watch = Watch::open(&namespace, here, "prefix=k", None);
    let first = namespace.put("k1", "1");
    let seen = watch.next();
    assert_event(&seen, "put", "k1", &first);
    drop(watch);
    let second = namespace.put("k2", "2");
    let third = namespace.delete("k1");
    let resume = |address| Watch::open(&namespace.at(address), address, "prefix=k", Some(&seen.id));
    let mut watches = [here, there].map(resume);
    for watch in &mut watches {
        let mut events = [watch.next(), watch.next()];
        events.sort_by(|one, two| one.version.cmp(&two.version));
        assert_event(&events[0], "put", "k2", &second);
        assert_event(&events[1], "delete", "k1", &third);
    }
    let fourth = namespace.put("k4", "4");
    for watch in &mut watches {
        assert_event(&watch.next(), "put", "k4", &fourth);
    }
}

#[test]
fn a_watch_of_nothing_or_of_what_may_not_be_read_is_refused() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("refused");
    let get = |tail: &str| namespace.send(&namespace.request("GET", tail)).status;
    assert_eq!(get("/watch?key=a&prefix=b"), 400);
    let stranger = namespace.with_token("wrong");
    let answer = stranger.send(&stranger.request("GET", "/watch?prefix=a"));
    assert!(matches!(answer.status, 401 | 403));
    let request = namespace.request("GET", "/watch?prefix=a").header("Last-Event-ID", "nonsense");
    assert_eq!(namespace.send(&request).status, 400);
}
