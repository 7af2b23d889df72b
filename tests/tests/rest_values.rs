//! Values, metadata and times that must be refused; nothing is written.

use std::net::SocketAddr;

use littoral_tests::{ANY, Case, Connection, Dev, Namespace, Request, check};

const VALUE_BYTES_MAX: usize = 26_214_400;

/// A multipart form as the SDKs send it.
fn form(request: Request, value: &[u8], metadata: Option<&str>) -> Request {
    let mut body = b"--edge\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\n".to_vec();
    body.extend(value);
    if let Some(metadata) = metadata {
        body.extend(b"\r\n--edge\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n");
        body.extend(metadata.bytes());
    }
    body.extend(b"\r\n--edge--\r\n");
    request.header("Content-Type", "multipart/form-data; boundary=edge").body(body)
}

fn put(namespace: &Namespace, tail: &str) -> Request {
    namespace.request("PUT", &format!("/values/{tail}")).body("new")
}

#[test]
fn times_that_are_too_short_or_past_or_no_numbers_are_refused() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("times");
    namespace.put("k", "old");
    let answer = namespace.send(&put(&namespace, "probe?expiration_ttl=3600")).expect(200);
    drop(answer);
    let answer = namespace.send(&namespace.value("GET", "probe")).expect(200);
    let in_an_hour: u64 =
        answer.header("expiration").expect("it expires").parse().expect("seconds");
    namespace.delete("probe");
    let soon = in_an_hour - 3_600 + 20;
    let case = |query: &str, code, says| {
        Case::new(put(&namespace, &format!("k?{query}")), &[400], code, says)
    };
    check(
        dev.address(),
        &[
            case(
                "expiration_ttl=30",
                Some(10034),
                "Invalid expiration_ttl of 30. Expiration TTL must be at least 60.",
            ),
            case("expiration_ttl=59", Some(10034), "at least 60"),
            case("expiration_ttl=0", None, "Invalid expiration_ttl of 0"),
            case("expiration_ttl=-60", None, "Invalid expiration_ttl of -60"),
            case("expiration_ttl=soon", None, "soon"),
            case("expiration_ttl=99999999999999999999", None, "expiration_ttl"),
            case(
                "expiration=1",
                Some(10033),
                "Please specify integer greater than the current number of seconds since the UNIX epoch.",
            ),
            case(
                &format!("expiration={soon}"),
                Some(10033),
                "Expiration times must be at least 60 seconds in the future.",
            ),
            case("expiration=soon", Some(10033), ""),
            case("expiration=-5", Some(10033), ""),
        ],
    );
    assert_eq!(namespace.get("k").as_deref(), Some(&b"old"[..]));
    assert_eq!(namespace.names(""), ["k"]);
    // Of both, the time to live counts.
    namespace.send(&put(&namespace, &format!("k?expiration={soon}&expiration_ttl=60"))).expect(200);
    assert_eq!(namespace.get("k").as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_value_of_25_mib_is_taken_and_one_byte_more_refused() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("large");
    namespace.put("whole", vec![b'x'; VALUE_BYTES_MAX]);
    let back = namespace.get("whole").expect("it is there");
    assert!(back.len() == VALUE_BYTES_MAX && back.iter().all(|byte| *byte == b'x'));
    let over = vec![b'y'; VALUE_BYTES_MAX + 1];
    let mut chunked = format!("{:x}\r\n", over.len()).into_bytes();
    chunked.extend(&over);
    chunked.extend(b"\r\n0\r\n\r\n");
    let request = || namespace.value("PUT", "whole");
    check(
        dev.address(),
        &[
            Case::new(request().body(over.clone()), &[413], Some(10024), "26214400"),
            Case::new(form(request(), &over, None), &[413], Some(10024), "26214400"),
            Case::new(
                request().header("Transfer-Encoding", "chunked").body(chunked),
                &[413],
                Some(10024),
                "26214400",
            ),
        ],
    );
    assert!(namespace.get("whole").is_some_and(|value| value == back), "it is as it was");
    namespace.send(&form(request(), &over[1..], Some("{}"))).expect(200);
    assert_eq!(namespace.get("whole").map(|value| value.len()), Some(VALUE_BYTES_MAX));
    namespace.put("nothing", "");
    assert_eq!(namespace.get("nothing").as_deref(), Some(&b""[..]));
}

#[test]
fn metadata_must_be_json_and_fit() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("metadata");
    namespace.put("k", "old");
    let request = || namespace.value("PUT", "k");
    let with = |metadata: &str| form(request(), b"new", Some(metadata));
    let over = format!("\"{}\"", "x".repeat(1_023));
    check(
        dev.address(),
        &[
            Case::new(with("{no json"), &[400], Some(10147), "metadata must be valid json"),
            Case::new(with("{} {}"), &[400], Some(10147), "metadata must be valid json"),
            Case::new(with(&over), &[400, 413], None, "1024"),
        ],
    );
    assert_eq!(namespace.get("k").as_deref(), Some(&b"old"[..]));
    // What counts is the length without the spaces.
    let fits = format!("{{ \"m\" :   \"{}\" }}", "x".repeat(1_016));
    namespace.send(&with(&fits)).expect(200);
    let answer = namespace.send(&namespace.request("GET", "/metadata/k")).expect(200).json();
    assert_eq!(answer["result"]["m"].as_str().map(str::len), Some(1_016));
    // Sent as a JavaScript object it comes as fields of its own, which mean nothing.
    let fields = "--edge\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nv\r\n\
        --edge\r\nContent-Disposition: form-data; name=\"metadata[a]\"\r\n\r\n1\r\n--edge--\r\n";
    let fields =
        request().header("Content-Type", "multipart/form-data; boundary=edge").body(fields);
    namespace.send(&fields).expect(200);
    let answer = namespace.send(&namespace.request("GET", "/metadata/k")).expect(200).json();
    assert!(answer["result"].is_null(), "{answer}");
    assert_eq!(namespace.get("k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn forms_without_a_value_or_an_end_are_refused() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("forms");
    let request =
        || namespace.value("PUT", "k").header("Content-Type", "multipart/form-data; boundary=edge");
    let part = "--edge\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nhalf";
    let other =
        "--edge\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{}\r\n--edge--\r\n";
    let nameless = namespace.value("PUT", "k").header("Content-Type", "multipart/form-data");
    check(
        dev.address(),
        &[
            Case::new(request().body(part), ANY, None, ""),
            Case::new(request().body(other), ANY, None, ""),
            Case::new(request().body("no form at all"), ANY, None, ""),
            Case::new(request(), ANY, None, ""),
            Case::new(nameless.body(other), ANY, None, ""),
        ],
    );
    assert_eq!(namespace.names(""), [""; 0]);
}

#[test]
fn any_content_type_is_stored_as_it_is() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("types");
    for kind in [
        "application/json",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "no type",
    ] {
        let body = br#"{"value":"v","metadata":"m"}"#;
        namespace
            .send(&namespace.value("PUT", "k").header("Content-Type", kind).body(*body))
            .expect(200);
        let answer = namespace.send(&namespace.value("GET", "k")).expect(200);
        assert_eq!(answer.body, body);
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    }
}

/// What the namespace's own request looks like on the wire, its body begun.
fn begin(namespace: &Namespace, key: &str, framing: &str, body: &str) -> Vec<u8> {
    let path = namespace.path(&format!("/values/{key}"));
    let token = littoral_tests::TOKEN;
    format!(
        "PUT {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n{framing}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends a request that ends too early; a refusal or silence will do.
fn send_part(to: SocketAddr, bytes: &[u8]) {
    let mut connection = Connection::open(to);
    connection.write(bytes).expect("the server takes bytes");
    connection.finish();
    if let Ok(answer) = connection.answer(false) {
        assert!(answer.status >= 400, "{answer:?}");
    }
}

#[test]
fn a_body_cut_short_writes_nothing() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("cut");
    namespace.put("k", "old");
    let large = "z".repeat(600_000);
    for (framing, body) in [
        ("Content-Length: 100", "forty bytes at most"),
        ("Content-Length: 1000000", large.as_str()),
        ("Transfer-Encoding: chunked", "5\r\nfive.\r\n"),
        ("Transfer-Encoding: chunked", "5\r\nfi"),
        ("Transfer-Encoding: chunked", "zz\r\nfi\r\n0\r\n\r\n"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "5\r\nfi"),
    ] {
        send_part(dev.address(), &begin(&namespace, "k", framing, body));
        send_part(dev.address(), &begin(&namespace, "fresh", framing, body));
    }
    assert_eq!(namespace.get("k").as_deref(), Some(&b"old"[..]));
    assert_eq!(namespace.names(""), ["k"]);
}

#[test]
fn what_is_no_http_is_refused_and_the_next_is_served() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("noise");
    let endless =
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(2_000_000));
    for noise in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /a b c HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PUT /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        endless.as_bytes(),
    ] {
        let mut connection = Connection::open(dev.address());
        // It may refuse before it has read all.
        let _ = connection.write(noise);
        connection.finish();
        if let Ok(answer) = connection.answer(false) {
            assert!((400..600).contains(&answer.status), "{answer:?}");
        }
    }
    namespace.put("k", "v");
    assert_eq!(namespace.get("k").as_deref(), Some(&b"v"[..]));
}
