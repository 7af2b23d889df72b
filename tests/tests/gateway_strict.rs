//! What a gateway takes from nobody: requests and answers that others could read differently.

use std::io::Write;
use std::sync::Mutex;

use littoral_tests::{Connection, Proxy, Request, Site, answer};

#[test]
fn requests_that_others_could_read_differently_are_refused() {
    let site = Site::start(|_, to| answer(to, "200 OK", &[], b""));
    let proxy = Proxy::before(&site);
    let long = "a".repeat(70_000);
    let many: String = (0..150).map(|n| format!("X-{n}: a\r\n")).collect();
    for (status, head) in [
        (
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n".to_owned(),
        ),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n".to_owned()),
        (400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a b\r\n".to_owned()),
        (400, "GET /a b HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (431, format!("GET /{long} HTTP/1.1\r\nHost: a\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\n{many}")),
    ] {
        let mut connection = Connection::open(proxy.address());
        // It may be refused before all of it is sent.
        let _ = connection.write(format!("{head}\r\n0\r\n\r\n").as_bytes());
        let shown: String = head.chars().take(90).collect();
        let refused = connection.answer(false).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(refused.status, status, "{shown}");
    }
    assert!(site.asked().is_empty(), "{:?}", site.asked());
}

#[test]
fn a_body_that_is_not_what_it_says_ends_with_its_connection() {
    let site = Site::start(|_, to| answer(to, "200 OK", &[], b""));
    let proxy = Proxy::before(&site);
    for body in ["zz\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "ffffffffffffffffff\r\n"] {
        let mut connection = Connection::open(proxy.address());
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let _ = connection.write(format!("{head}{body}{smuggled}").as_bytes());
        connection.finish();
        if let Ok(refused) = connection.answer(false) {
            assert!(refused.status >= 400, "{body:?}: {}", refused.status);
        }
        assert!(connection.answer(false).is_err(), "nothing more is read: {body:?}");
    }
    assert!(site.asked().iter().all(|asked| asked.target != "/smuggled"));
}

#[test]
fn answers_that_others_could_read_differently_are_not_passed_on() {
    const BAD: [&str; 9] = [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/9.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "nonsense\r\n\r\n",
        "",
    ];
    let next = Mutex::new(0);
    let site = Site::start(move |_, to| {
        let mut next = next.lock().expect("nobody panicked");
        let bad = BAD[*next % BAD.len()];
        *next += 1;
        to.write_all(bad.as_bytes())?;
        Ok(false)
    });
    let proxy = Proxy::before(&site);
    for (n, bad) in BAD.iter().enumerate() {
        let got = proxy.get(&format!("/{n}"));
        assert_eq!((got.status, got.code()), (502, Some(10450)), "{bad:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_broken_off_and_not_kept() {
    let count = Mutex::new(0);
    let site = Site::start(move |_, to| {
        let mut count = count.lock().expect("nobody panicked");
        *count += 1;
        let body = match *count {
            1 => "3\r\nabc\r\nzz\r\n",
            2 => "ffffffffffffffffff\r\nabc",
            _ => return answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], b"whole"),
        };
        let head =
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=1000\r\nTransfer-Encoding: chunked\r\n\r\n";
        to.write_all(format!("{head}{body}").as_bytes())?;
        Ok(false)
    });
    let proxy = Proxy::before(&site);
    for _ in 0..2 {
        let mut connection = Connection::open(proxy.address());
        assert!(connection.try_send(&Request::new("GET", "/")).is_err(), "the client sees it");
    }
    assert_eq!(proxy.get("/").expect(200).text(), "whole");
}
