//! What a gateway passes on, as it is, and what it keeps to itself.

use std::io::Write;
use std::net::TcpListener;

use littoral_tests::{Connection, Proxy, Request, Site, answer};

#[test]
fn every_method_and_its_body_is_passed_on() {
    let site = Site::start(|asked, to| {
        let said = format!("{} {} {}", asked.method, asked.target, asked.body.len());
        answer(to, "200 OK", &[("X-Said", &said)], b"")
    });
    let proxy = Proxy::before(&site);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "M-SEARCH", "PURGE", "QUERY"] {
        let request = Request::new(method, "/a?b=%20c").body(vec![b'x'; 100_000]);
        let passed = proxy.send(&request).expect(200);
        assert_eq!(passed.header("x-said"), Some(&*format!("{method} /a?b=%20c 100000")));
        assert_eq!(passed.header("cache-status"), Some("local-edge; fwd=bypass; detail=method"));
    }
    let search = Request::new("GET", "/search").header("Content-Length", "3").body("abc");
    assert_eq!(proxy.send(&search).expect(200).header("x-said"), Some("GET /search 3"));
    let tunnel = Connection::open(proxy.address()).send(&Request::new("CONNECT", "test:1"));
    assert_eq!(tunnel.expect(501).code(), Some(10456));
}

#[test]
fn what_is_for_one_hop_ends_at_it() {
    let site = Site::start(|_, to| {
        let headers =
            [("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=9"), ("X-End", "2")];
        answer(to, "200 OK", &headers, b"")
    });
    let proxy = Proxy::before(&site);
    let request = Request::new("GET", "/")
        .header("Connection", "X-Mine")
        .header("X-Mine", "1")
        .header("TE", "trailers")
        .header("X-Forwarded-For", "192.0.2.1")
        .header("X-Yours", "2");
    let passed = proxy.send(&request).expect(200);
    assert_eq!((passed.header("x-hop"), passed.header("keep-alive")), (None, None));
    assert_eq!((passed.header("x-end"), passed.header("via")), (Some("2"), Some("1.1 littoral")));
    let asked = site.asked().remove(0);
    assert_eq!((asked.header("x-mine"), asked.header("te")), (None, None));
    assert_eq!((asked.header("x-yours"), asked.header("host")), (Some("2"), Some("test")));
    assert_eq!(asked.header("via"), Some("1.1 littoral"));
    let forwarded: Vec<_> =
        asked.headers.iter().filter(|(name, _)| name == "x-forwarded-for").collect();
    assert_eq!(forwarded.len(), 2, "{forwarded:?}");
}

#[test]
fn what_others_could_read_differently_is_not_passed_on() {
    let site = Site::start(|_, to| answer(to, "200 OK", &[], b""));
    let proxy = Proxy::before(&site);
    for head in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n",
    ] {
        let mut connection = Connection::open(proxy.address());
        connection.write(format!("{head}\r\n0\r\n\r\n").as_bytes()).expect("it reads");
        let refused = connection.answer(false).expect("an answer");
        assert_eq!(refused.status, 400, "{head}");
    }
    assert!(site.asked().is_empty(), "{:?}", site.asked());
}

#[test]
fn interim_answers_go_before_the_final_one_and_are_not_kept() {
    let site = Site::start(|_, to| {
        to.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], b"body")
    });
    let proxy = Proxy::before(&site);
    let mut connection = Connection::open(proxy.address());
    let early = connection.send(&Request::new("GET", "/")).expect(103);
    assert_eq!(early.header("link"), Some("</a.css>; rel=preload"));
    let last = connection.answer(false).expect("the final answer").expect(200);
    assert_eq!((last.text(), last.header("link")), ("body", None));
    assert_eq!(connection.send(&Request::new("GET", "/")).expect(200).text(), "body");
}

#[test]
fn a_body_above_the_limit_flows_through_and_is_not_kept() {
    const LEN: usize = 20 * 1024 * 1024;
    let body: Vec<u8> = (0..LEN).map(|i| (i % 251) as u8).collect();
    let sent = body.clone();
    let site = Site::start(move |asked, to| {
        if asked.target == "/declared" {
            return answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], &sent);
        }
        to.write_all(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=1000\r\nTransfer-Encoding: chunked\r\n\r\n",
        )?;
        for part in sent.chunks(1 << 20) {
            write!(to, "{:x}\r\n", part.len())?;
            to.write_all(part)?;
            to.write_all(b"\r\n")?;
        }
        to.write_all(b"0\r\n\r\n")?;
        Ok(true)
    });
    let proxy = Proxy::before(&site);
    for target in ["/declared", "/chunked"] {
        for _ in 0..2 {
            assert!(proxy.get(target).expect(200).body == body, "{target}");
        }
    }
    assert_eq!(site.asked().len(), 4);
}

#[test]
fn what_is_cut_short_is_cut_for_the_client_and_not_kept() {
    let site = Site::start(|_, to| {
        to.write_all(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=1000\r\nContent-Length: 10\r\n\r\nhalf",
        )?;
        Ok(false)
    });
    let proxy = Proxy::before(&site);
    for _ in 0..2 {
        let cut = Connection::open(proxy.address()).try_send(&Request::new("GET", "/"));
        assert!(cut.is_err() || cut.is_ok_and(|cut| cut.body.len() < 10), "a whole body");
    }
    assert_eq!(site.asked().len(), 2);
}

#[test]
fn a_site_that_is_not_there_is_said_to_be() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|at| at.local_addr()).expect("a port");
    let proxy = Proxy::with(closed, &[]);
    for method in ["GET", "HEAD", "POST"] {
        let refused = proxy.send(&Request::new(method, "/")).expect(502);
        assert!(method == "HEAD" || refused.code() == Some(10450), "{method}");
    }
}

#[test]
fn a_connection_that_the_site_closed_meanwhile_costs_nobody_an_error() {
    let site = Site::start(|_, to| {
        answer(to, "200 OK", &[("Cache-Control", "no-store")], b"body")?;
        Ok(false)
    });
    let proxy = Proxy::before(&site);
    for _ in 0..50 {
        assert_eq!(proxy.get("/").expect(200).text(), "body");
    }
}
