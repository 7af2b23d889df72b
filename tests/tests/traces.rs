//! What is told of requests: traces for a collector, an access log, a warning of slow ones.

use std::collections::HashMap;
use std::time::Duration;

use littoral_tests::{Dev, Options, Proxy, Request, Site, Zoned, answer, until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

/// A field of a message: a number, or bytes.
#[derive(Clone, Debug)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

/// A message's fields by number, as Protocol Buffers have them.
fn fields(mut bytes: &[u8]) -> HashMap<u64, Vec<Field>> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = bytes.split_first().expect("a number ends");
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number;
            }
        }
        panic!("a number of more than 64 bits")
    }
    let mut all: HashMap<u64, Vec<Field>> = HashMap::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => {
                let (number, rest) = bytes.split_first_chunk().expect("eight bytes");
                bytes = rest;
                Field::Number(u64::from_le_bytes(*number))
            }
            2 => {
                let len = varint(&mut bytes) as usize;
                let (inner, rest) = bytes.split_at(len);
                bytes = rest;
                Field::Bytes(inner.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        all.entry(tag >> 3).or_default().push(field);
    }
    all
}

#[derive(Clone, Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    state: String,
    name: String,
    kind: u64,
    begun: u64,
    ended: u64,
    failed: bool,
}

/// Every span that a collector was sent.
fn spans(collector: &Site) -> Vec<Span> {
    let inner = |message: &HashMap<u64, Vec<Field>>, number: u64| -> Vec<Vec<u8>> {
        let all = message.get(&number).cloned().unwrap_or_default();
        all.into_iter()
            .map(|field| if let Field::Bytes(b) = field { b } else { panic!() })
            .collect()
    };
    let number = |message: &HashMap<u64, Vec<Field>>, number: u64| match message.get(&number) {
        Some(all) => match all[0] {
            Field::Number(number) => number,
            Field::Bytes(_) => panic!("bytes"),
        },
        None => 0,
    };
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut spans = Vec::new();
    for request in collector.asked() {
        assert_eq!((&*request.method, &*request.target), ("POST", "/v1/traces"));
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        for resource in inner(&fields(&request.body), 1) {
            for scope in inner(&fields(&resource), 2) {
                for span in inner(&fields(&scope), 2) {
                    let span = fields(&span);
                    let one = |field| inner(&span, field).first().cloned().unwrap_or_default();
                    let text = |field| String::from_utf8(one(field)).expect("text");
                    spans.push(Span {
                        trace: hex(one(1)),
                        id: hex(one(2)),
                        state: text(3),
                        parent: hex(one(4)),
                        name: text(5),
                        kind: number(&span, 6),
                        begun: number(&span, 7),
                        ended: number(&span, 8),
                        failed: span.contains_key(&15),
                    });
                }
            }
        }
    }
    spans
}

fn collector() -> Site {
    Site::start(|_, to| answer(to, "200 OK", &[], b""))
}

fn told(collector: &Site) -> String {
    format!("http://{}", collector.address())
}

/// Waits until the request with this trace has been told of.
fn trace(collector: &Site, trace: &str) -> Vec<Span> {
    until("the trace comes", PATIENCE, || {
        let all: Vec<_> = spans(collector).into_iter().filter(|span| span.trace == trace).collect();
        all.iter().any(|span| span.kind == 2).then_some(all)
    })
}

#[test]
fn a_trace_goes_from_the_client_through_us_to_the_site_and_to_the_collector() {
    let site = Site::start(|_, to| answer(to, "200 OK", &[("Cache-Control", "no-store")], b"body"));
    let collector = collector();
    let proxy = Proxy::with(site.address(), &["--traces", &told(&collector)]);
    let request = Request::new("GET", "/page")
        .header("traceparent", format!("00-{TRACE}-{CLIENT}-01"))
        .header("tracestate", "vendor=1,other=2");
    proxy.send(&request).expect(200);
    let spans = trace(&collector, TRACE);
    let root = spans.iter().find(|span| span.kind == 2).expect("a span of ours");
    assert_eq!((&*root.parent, &*root.state, &*root.name), (CLIENT, "vendor=1,other=2", "GET"));
    let call = spans.iter().find(|span| span.kind == 3).expect("a span of the call to the site");
    assert_eq!(call.parent, root.id);
    assert!(root.begun <= call.begun && call.begun <= call.ended && call.ended <= root.ended);
    let hop = spans.iter().find(|span| span.name == "local-edge").expect("a span of the hop");
    assert_eq!((&*hop.parent, hop.kind), (&*root.id, 1));
    let asked = &site.asked()[0];
    assert_eq!(asked.header("traceparent"), Some(&*format!("00-{TRACE}-{}-01", call.id)));
    assert_eq!(asked.header("tracestate"), Some("vendor=1,other=2"));
}

#[test]
fn each_rule_of_a_zone_has_a_span() {
    let site = Site::start(|_, to| answer(to, "204 No Content", &[], b""));
    let collector = collector();
    let more = vec!["--traces".into(), told(&collector)];
    let zoned = Zoned::on(Dev::with(Options { locations: Some(1), more, ..Options::default() }));
    zoned.apply(&format!(
        "[upstreams.app]\nservers = [\"{}\"]\n[[routes]]\npath = \"/*\"\nupstream = \"app\"\n\
         [[rules]]\nname = \"check\"\ncall = {{ upstream = \"app\", path = \"/check\" }}\n\
         [[rules]]\nname = \"elsewhere\"\nwhen = {{ path = \"/other\" }}\nlimits = {{ time = \"9s\" }}\n\
         [[rules]]\nname = \"office\"\naddresses = {{ deny = \"192.0.2.1\" }}\n\
         [[rules]]\nname = \"down\"\non-error = \"allow\"\ncall = {{ upstream = \"none\", path = \"/\" }}\n\
         [upstreams.none]\nservers = [\"127.0.0.1:1\"]\n",
        site.address()
    ));
    let traceparent = format!("00-{TRACE}-{CLIENT}-01");
    zoned.send(&Zoned::request("GET", "/page").header("traceparent", traceparent)).expect(204);
    let spans = trace(&collector, TRACE);
    let root = spans.iter().find(|span| span.kind == 2).expect("a span of ours");
    let rules: Vec<_> = spans.iter().filter(|span| span.name.starts_with("rule ")).collect();
    let names: Vec<_> = rules.iter().map(|span| (&*span.name, span.failed)).collect();
    assert_eq!(names, [("rule check", false), ("rule office", false), ("rule down", true)]);
    for rule in rules {
        assert_eq!((&rule.parent, rule.kind), (&root.id, 1));
        assert!(root.begun <= rule.begun && rule.begun <= rule.ended && rule.ended <= root.ended);
    }
    let calls = spans.iter().filter(|span| span.kind == 3).count();
    assert!(calls >= 1, "the upstream has one too");
}

#[test]
fn of_what_is_not_chosen_only_what_failed_or_was_slow_is_kept() {
    let site = Site::start(|asked, to| {
        if asked.target == "/slow" {
            // Longer than what counts as slow, by a wait that ends by itself.
            let (_keep, never) = std::sync::mpsc::sync_channel::<()>(1);
            let _ = never.recv_timeout(Duration::from_millis(300));
        }
        let status = if asked.target == "/fails" { "500 Oh" } else { "200 OK" };
        answer(to, status, &[("Cache-Control", "no-store")], b"")
    });
    let collector = collector();
    let more = ["--traces", &told(&collector), "--trace-share", "0", "--slow-requests", "250ms"];
    let proxy = Proxy::with(site.address(), &more);
    let names = ["/well", "/fails", "/slow"];
    let traces: Vec<String> = (1..=3).map(|n| format!("{n:032x}")).collect();
    for (name, trace) in names.iter().zip(&traces) {
        // Not chosen by whoever asks, either.
        let traceparent = format!("00-{trace}-{CLIENT}-00");
        proxy.send(&Request::new("GET", *name).header("traceparent", traceparent));
    }
    let failed = trace(&collector, &traces[1]);
    assert!(failed.iter().any(|span| span.kind == 2 && span.failed));
    trace(&collector, &traces[2]);
    assert!(spans(&collector).iter().all(|span| span.trace != traces[0]));
    let warnings = proxy.log();
    assert!(warnings.contains("slow request") && warnings.contains("/slow"), "{warnings}");
    assert!(!warnings.contains("/well"), "{warnings}");
}

#[test]
fn the_access_log_has_a_line_for_each_request_and_no_secret() {
    let site =
        Site::start(|_, to| answer(to, "200 OK", &[("Cache-Control", "max-age=60")], b"body"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("access.log");
    let proxy = Proxy::with(site.address(), &["--access-log", file.to_str().expect("a path")]);
    for _ in 0..2 {
        let request = Request::new("GET", "/page?token=s3cret&s3cret")
            .header("Authorization", "Bearer s3cret")
            .header("Cookie", "session=s3cret")
            .header("User-Agent", "test/1");
        proxy.send(&request).expect(200);
    }
    proxy.send(&Request::new("POST", "/form").body("s3cret")).expect(200);
    let text = until("three lines are written", PATIENCE, || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.lines().count() == 3).then_some(text)
    });
    assert!(!text.contains("s3cret"), "{text}");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let first = &lines[0];
    assert_eq!(
        (&first["method"], &first["path"], &first["query"], &first["status"], &first["bytes"]),
        (&"GET".into(), &"/page".into(), &"token=&…".into(), &200.into(), &4.into())
    );
    assert_eq!(first["agent"], "test/1");
    assert_eq!(lines[2]["method"], "POST");
    let cache = lines[2]["cache"].as_str().expect("what became of it");
    assert!(cache.starts_with("local-edge; fwd=bypass"), "{cache}");
}
