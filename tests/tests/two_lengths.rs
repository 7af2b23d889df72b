//! A request that says its length in two ways is refused at every listener, and ends its connection.

use std::net::SocketAddr;

use littoral_tests::{Connection, Dev, Proxy, Site, Zoned, answer};

const GOOD: &str = "GET /good HTTP/1.1\r\nHost: shop.example\r\n\r\n";

/// Sends bytes in parts, and says what is answered until the connection ends.
fn statuses(to: SocketAddr, text: &str, step: usize) -> Vec<u16> {
    let mut connection = Connection::open(to);
    for part in text.as_bytes().chunks(step) {
        // It may be refused before all of it is sent.
        let _ = connection.write(part);
    }
    let mut all = Vec::new();
    while let Ok(answer) = connection.answer(false) {
        all.push(answer.status);
        if answer.status == 400 {
            assert!(connection.answer(false).is_err(), "it is closed");
            break;
        }
    }
    all
}

#[test]
fn whatever_came_before_and_however_it_is_cut() {
    let site = Site::start(|asked, to| {
        let status = if asked.target == "/good" { "200 OK" } else { "299 Smuggled" };
        answer(to, status, &[], b"")
    });
    let proxy = Proxy::before(&site);
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply("[[routes]]\npath = \"/good\"\nanswer = { body = \"x\" }\n");
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    let length = 5 + smuggled.len();
    let lengths = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nX: y\r\ncontent-length: {length}\r\n"),
        format!(
            "transfer-encoding: gzip\r\nTransfer-Encoding: chunked\r\nContent-Length: {length}\r\n"
        ),
    ];
    for (at, good) in [(proxy.address(), 200), (zoned.address(0), 200), (zoned.dev.address(), 404)]
    {
        for lengths in &lengths {
            let bad = format!(
                "POST / HTTP/1.1\r\nHost: shop.example\r\n{lengths}\r\n0\r\n\r\n{smuggled}"
            );
            for step in [7, 1_000] {
                assert_eq!(statuses(at, &bad, step), [400], "{at} {bad:?}");
                let after = format!("{GOOD}{bad}");
                assert_eq!(statuses(at, &after, step), [good, 400], "{at} {after:?}");
            }
        }
    }
    assert!(site.asked().iter().all(|asked| asked.target == "/good"), "{:?}", site.asked());
}

#[test]
fn a_body_that_looks_so_is_taken() {
    let site = Site::start(|asked, to| answer(to, "200 OK", &[], asked.target.as_bytes()));
    let proxy = Proxy::before(&site);
    let text = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n0\r\n\r\n",
        text.len()
    );
    let plain = format!(
        "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    let mut connection = Connection::open(proxy.address());
    for _ in 0..2 {
        // The test's site reads no chunks: only what has a length is passed on.
        connection.write(plain.as_bytes()).expect("it is taken");
        assert_eq!(connection.answer(false).expect("an answer").status, 200);
    }
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply("[[routes]]\npath = \"/*\"\nanswer = { body = \"x\" }\n");
    let mut connection = Connection::open(zoned.address(0));
    for text in [&chunked, &plain, &chunked] {
        for part in text.as_bytes().chunks(11) {
            connection.write(part).expect("it is taken");
        }
        assert_eq!(connection.answer(false).expect("an answer").status, 200);
    }
}
