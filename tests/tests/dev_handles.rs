//! The handles of `littoral dev` that others script against.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use littoral_tests::{
    Connection, Dev, Ended, Options, Request, TOKEN, littoral, run, until, wall_ms,
};
use serde_json::{Value, json};

#[test]
fn the_ready_file_and_the_door_list_the_same_locations() {
    let dev = Dev::start();
    assert_eq!(dev.locations().len(), 8);
    let file: Value =
        serde_json::from_slice(&std::fs::read(dev.ready_file()).expect("a file")).expect("JSON");
    for location in dev.locations() {
        let listed =
            Request::new("GET", "/dev/locations").send(location.address).expect(200).json();
        assert_eq!(listed, file);
        Request::new("GET", "/healthz").send(location.address).expect(200);
    }
    let mut regions: Vec<&String> = dev.locations().iter().map(|one| &one.region).collect();
    regions.sort();
    regions.dedup();
    assert!(regions.len() >= 3, "{regions:?}");
    let mut names: Vec<&String> = dev.locations().iter().map(|one| &one.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8, "{names:?}");
    let mut addresses: Vec<SocketAddr> = dev.locations().iter().map(|one| one.address).collect();
    addresses.sort();
    addresses.dedup();
    assert!(addresses.len() == 8 && addresses.iter().all(|one| one.port() != 0), "{addresses:?}");
}

#[test]
fn what_it_prints_tells_where_and_how() {
    let dev = Dev::start();
    let mut parts: Vec<String> =
        [TOKEN, littoral_tests::ACCOUNT, "CLOUDFLARE_API_BASE_URL", "wrangler", "curl"]
            .map(str::to_owned)
            .to_vec();
    for location in dev.locations() {
        parts.extend([location.name.clone(), location.address.port().to_string()]);
    }
    // The page follows the ready file.
    until("every part is printed", Duration::from_secs(30), || {
        let log = dev.log();
        parts.iter().all(|part| log.contains(part)).then_some(())
    });
}

#[test]
fn one_location_is_enough_and_sixty_four_are_too() {
    for count in [1, 64] {
        let dev = Dev::of(count);
        assert_eq!(dev.locations().len(), usize::from(count));
        let namespace = dev.namespace("size");
        let version = namespace.put("k", "v");
        let last = namespace.at(dev.locations().last().expect("a location").address);
        let read = last.value("GET", "k").header("Littoral-Min-Version", version);
        assert_eq!(last.send(&read).expect(200).text(), "v");
        assert!(dev.stop().success());
    }
}

fn refused(arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = littoral();
    command.arg("dev").args(arguments).current_dir(folder.path());
    run(&mut command, b"").badly()
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    for arguments in [
        &["--ephemeral", "--locations", "0"][..],
        &["--ephemeral", "--locations", "65"],
        &["--ephemeral", "--account", "short"],
        &["--ephemeral", "--account", "g123456789abcdef0123456789abcdef"],
        &["--ephemeral", "--listen", "nowhere"],
        &["--ephemeral", "--data-dir", "data"],
        &["--ephemeral", "--token", ""],
    ] {
        let ended = refused(arguments);
        assert!(ended.stderr.contains(arguments[1]), "{}", ended.stderr);
    }
}

/// A port that is free, and the next two as well, as far as one can know.
fn three_free_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = first.local_addr().expect("an address").port();
        let next = |by: u16| {
            port.checked_add(by).is_some_and(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        };
        if next(1) && next(2) {
            return port;
        }
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = refused(&["--ephemeral", "--listen", &address]);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
    // So is one that only a later location would take.
    let port = three_free_ports();
    let _second = TcpListener::bind(("127.0.0.1", port + 1)).expect("it was free");
    let ended =
        refused(&["--ephemeral", "--locations", "3", "--listen", &format!("127.0.0.1:{port}")]);
    assert!(ended.stderr.contains(&format!("127.0.0.1:{}", port + 1)), "{}", ended.stderr);
}

#[test]
fn the_others_take_the_following_ports() {
    let port = three_free_ports();
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], port)));
    let dev = Dev::with(Options { locations: Some(3), listen, ..Options::default() });
    let ports: Vec<u16> = dev.locations().iter().map(|one| one.address.port()).collect();
    assert_eq!(ports, [port, port + 1, port + 2]);
}

#[test]
fn the_clock_can_be_moved_and_a_key_expires_everywhere() {
    let dev = Dev::start();
    let namespace = dev.namespace("clock");
    let put = |key: &str, query: &str| {
        namespace
            .send(&namespace.request("PUT", &format!("/values/{key}?{query}")).body("v"))
            .expect(200)
    };
    put("brief", "expiration_ttl=60");
    put("long", "expiration_ttl=6000");
    let seen: Vec<_> = dev.locations().iter().map(|one| namespace.at(one.address)).collect();
    for at in &seen {
        assert_eq!(at.get("brief").as_deref(), Some(&b"v"[..]));
        assert_eq!(at.get("long").as_deref(), Some(&b"v"[..]));
    }
    dev.advance(Duration::from_secs(61));
    for at in &seen {
        // Expiry beats whatever is held.
        assert_eq!(at.get("brief"), None);
        let metadata = at.send(&at.request("GET", "/metadata/brief"));
        assert_eq!((metadata.status, metadata.code()), (404, Some(10009)));
        assert_eq!(at.get("long").as_deref(), Some(&b"v"[..]));
    }
    namespace.put("brief", "again");
    assert_eq!(namespace.get("brief").as_deref(), Some(&b"again"[..]));
    for body in ["", "{}", "[]", "{\"advance_ms\":\"x\"}", "{\"advance_ms\":1.5}"] {
        let answer = Request::new("PUT", "/dev/clock").body(body).send(dev.address());
        assert_eq!(answer.status, 400, "{body}");
    }
    Request::new("PUT", "/dev/clock")
        .json(&json!({ "advance_ms": 0 }))
        .send(dev.address())
        .expect(200);
}

#[test]
fn the_clock_can_be_moved_back_to_the_beginning_of_time() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("past");
    namespace.put("before", "v");
    let moved = std::cell::Cell::new(0);
    let clock = |by_ms: i64| {
        moved.set(moved.get() + by_ms);
        let request = Request::new("PUT", "/dev/clock").json(&json!({ "advance_ms": by_ms }));
        request.send(dev.address()).expect(200)
    };
    // To the thousandth second after 1970, within a second or so.
    clock(1_000_000 - wall_ms());
    let put = |expiration: u64| {
        let tail = format!("/values/k?expiration={expiration}");
        namespace.send(&namespace.request("PUT", &tail).body("v"))
    };
    // Whole seconds count, so sixty from now is enough within this second.
    until("a clock set just now lets a minute pass", Duration::from_secs(30), || {
        if put(1_060).status == 200 {
            return Some(());
        }
        clock(1_000_000 - wall_ms() - moved.get());
        None
    });
    assert_eq!(put(1_000).code(), Some(10033));
    assert_eq!(put(1_030).code(), Some(10033));
    put(1_500).expect(200);
    assert_eq!(namespace.list("prefix=k"), [json!({ "name": "k", "expiration": 1_500 })]);
    for location in dev.locations() {
        let at = namespace.at(location.address);
        assert_eq!(at.get("k").as_deref(), Some(&b"v"[..]));
        assert_eq!(at.get("before").as_deref(), Some(&b"v"[..]));
    }
    clock(520_000);
    for location in dev.locations() {
        assert_eq!(namespace.at(location.address).get("k"), None);
    }
    assert_eq!(namespace.names(""), ["before"]);
}

#[test]
fn metrics_are_prometheus_text_at_every_location() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("metrics");
    namespace.put("k", "v");
    for location in dev.locations() {
        namespace.at(location.address).get("k");
        let answer = Request::new("GET", "/metrics").send(location.address).expect(200);
        let kind = answer.header("content-type").expect("a type");
        assert!(
            kind.starts_with("application/openmetrics-text") || kind.starts_with("text/plain"),
            "{kind}"
        );
        let text = answer.text();
        assert!(text.contains("# TYPE ") && text.contains("# HELP "), "{text}");
        assert!(text.contains("edge"), "hops are counted: {text}");
    }
}

#[test]
fn a_request_that_is_under_way_is_finished_before_the_end() {
    let mut dev = Dev::of(3);
    let namespace = dev.namespace("drain");
    // Idle, watching, and half-way through a write.
    let _idle = Connection::open(dev.address());
    let watch = namespace.request("GET", "/watch?prefix=k");
    let (_, mut watched) = Connection::open(dev.address()).lines(&watch);
    let mut writing = Connection::open(dev.address());
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 10\r\n\r\n01234",
        namespace.path("/values/k"),
    );
    writing.write(head.as_bytes()).expect("the server takes bytes");
    // The server has read the head once a later request on another connection is answered.
    Request::new("GET", "/healthz").send(dev.address()).expect(200);
    dev.signal("TERM");
    until("it takes no more connections", Duration::from_secs(30), || {
        std::net::TcpStream::connect(dev.address()).is_err().then_some(())
    });
    writing.write(b"56789").expect("the connection is still there");
    let answer = writing.answer(false).expect("the write is answered").expect(200);
    assert!(answer.header("littoral-version").is_some());
    while watched.next().is_some() {}
    assert!(dev.ended().success(), "{}", dev.log());
}

#[test]
fn nothing_ephemeral_is_left_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = littoral();
    let ready: PathBuf = folder.path().join("ready.json");
    command
        .args(["dev", "--ephemeral", "--listen", "127.0.0.1:0", "--locations", "3", "--ready-file"])
        .arg(&ready)
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("the binary runs");
    until("it is ready", Duration::from_secs(60), || ready.exists().then_some(()));
    let id = child.id().to_string();
    run(std::process::Command::new("sh").args(["-c", "kill -s TERM \"$0\"", &id]), b"").well();
    assert!(child.wait().expect("it ends").success());
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["ready.json"]);
}

#[test]
fn the_effective_configuration_is_shown() {
    let mut command = littoral();
    command.args(["dev", "--locations", "5", "--dump-config"]);
    let shown = run(&mut command, b"").well().text();
    assert!(
        shown.contains("locations = 5") && shown.contains("listen = \"127.0.0.1:8787\""),
        "{shown}"
    );
}
