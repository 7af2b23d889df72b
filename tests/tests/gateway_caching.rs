//! What a gateway answers from what it holds, and what it asks the site for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use littoral_tests::{Proxy, Request, Site, ZONE_TOKEN, answer};

/// A site that says the same of caching in each answer, and a number that counts up.
fn counting(headers: &'static [(&'static str, &'static str)]) -> Site {
    let count = Mutex::new(0);
    Site::start(move |_, to| {
        let mut count = count.lock().expect("nobody panicked");
        *count += 1;
        answer(to, "200 OK", headers, count.to_string().as_bytes())
    })
}

#[test]
fn what_is_fresh_is_answered_without_the_site_and_says_its_age() {
    let site = counting(&[("Cache-Control", "max-age=1000"), ("Age", "100"), ("X-A", "b")]);
    let proxy = Proxy::before(&site);
    let first = proxy.get("/").expect(200);
    assert_eq!(
        (first.text(), first.header("cache-status")),
        ("1", Some("local-edge; fwd=miss; stored; ttl=900"))
    );
    let second = proxy.get("/").expect(200);
    assert_eq!((second.text(), second.header("x-a")), ("1", Some("b")));
    assert!(
        second.header("cache-status").is_some_and(|says| says.starts_with("local-edge; hit; ttl="))
    );
    let age: u64 = second.header("age").and_then(|age| age.parse().ok()).expect("an age");
    assert!((100..160).contains(&age), "{age}");
    assert_eq!(proxy.get("/?other").text(), "2", "another query is another answer");
    assert_eq!(site.asked().len(), 2);
    assert!(proxy.page().contains("zone"), "{}", proxy.page());
}

#[test]
fn no_freshness_is_invented() {
    for headers in
        [&[][..], &[("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")], &[("Expires", "0")]]
    {
        let site = counting(Box::leak(headers.to_vec().into_boxed_slice()));
        let proxy = Proxy::before(&site);
        assert_eq!((proxy.get("/").text(), proxy.get("/").text()), ("1", "2"), "{headers:?}");
    }
}

#[test]
fn what_is_private_is_shared_with_nobody() {
    let site = counting(&[("Cache-Control", "private, max-age=1000")]);
    let proxy = Proxy::before(&site);
    assert_eq!(proxy.get("/").text(), "1");
    let second = proxy.get("/");
    assert_eq!(second.text(), "2");
    assert_eq!(second.header("cache-status"), Some("local-edge; fwd=bypass; detail=private"));
}

#[test]
fn what_is_stale_is_validated_and_a_304_brings_its_headers_up() {
    let site = Site::start(|asked, to| match asked.header("if-none-match") {
        Some("\"v1\"") => {
            let headers =
                [("Cache-Control", "max-age=1000"), ("X-Seen", "again"), ("ETag", "\"v1\"")];
            answer(to, "304 Not Modified", &headers, b"")
        }
        _ => {
            let headers = [
                ("Cache-Control", "max-age=10"),
                ("Age", "20"),
                ("X-Seen", "first"),
                ("ETag", "\"v1\""),
            ];
            answer(to, "200 OK", &headers, b"body")
        }
    });
    let proxy = Proxy::before(&site);
    assert_eq!(proxy.get("/").expect(200).header("x-seen"), Some("first"));
    let validated = proxy.get("/").expect(200);
    assert_eq!((validated.text(), validated.header("x-seen")), ("body", Some("again")));
    let status = validated.header("cache-status").expect("a status");
    assert!(status.starts_with("local-edge; fwd=stale; detail=suspect; stored; ttl="), "{status}");
    let hit = proxy.get("/").expect(200);
    assert_eq!((hit.text(), hit.header("x-seen")), ("body", Some("again")));
    assert_eq!(site.asked().len(), 2, "fresh again");
    let held = Request::new("GET", "/").header("If-None-Match", "\"v0\", \"v1\"");
    let unchanged = proxy.send(&held).expect(304);
    assert_eq!((unchanged.body.len(), unchanged.header("etag")), (0, Some("\"v1\"")));
}

#[test]
fn each_variant_is_held_by_what_requests_show() {
    let site = Site::start(|asked, to| {
        let language = asked.header("accept-language").unwrap_or("none").to_owned();
        let headers = [("Cache-Control", "max-age=1000"), ("Vary", "Accept-Language")];
        answer(to, "200 OK", &headers, language.as_bytes())
    });
    let proxy = Proxy::before(&site);
    let ask = |language: &str| {
        let request = Request::new("GET", "/").header("Accept-Language", language);
        proxy.send(&request).expect(200).text().to_owned()
    };
    for _ in 0..3 {
        assert_eq!((&*ask("de"), &*ask("en, fr"), &*ask("FR ,en")), ("de", "en, fr", "en, fr"));
        assert_eq!(proxy.get("/").text(), "none");
    }
    assert_eq!(site.asked().len(), 3);
    // What is changed through us is old in all its variants.
    proxy.send(&Request::new("POST", "/").body("x")).expect(200);
    assert_eq!((&*ask("de"), &*ask("en, fr")), ("de", "en, fr"));
    assert_eq!(site.asked().len(), 6);
}

#[test]
fn errors_bring_back_only_what_the_site_allows() {
    let down = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&down);
    let site = Site::start(move |asked, to| {
        if failing.load(Ordering::Relaxed) {
            return if asked.target.contains("closes") {
                Ok(false)
            } else {
                answer(to, "503 Service Unavailable", &[], b"down")
            };
        }
        let strict = if asked.target.contains("strict") { ", must-revalidate" } else { "" };
        let says = format!("max-age=10, stale-if-error=600{strict}");
        answer(to, "200 OK", &[("Cache-Control", &says), ("Age", "20")], b"body")
    });
    let proxy = Proxy::before(&site);
    for target in ["/", "/closes", "/strict", "/strict-closes"] {
        proxy.get(target).expect(200);
    }
    down.store(true, Ordering::Relaxed);
    for target in ["/", "/closes"] {
        let stale = proxy.get(target).expect(200);
        assert_eq!(stale.text(), "body");
        let status = stale.header("cache-status").expect("a status");
        assert!(status.contains("hit; ttl=-") && status.ends_with("detail=stale"), "{status}");
    }
    assert_eq!(proxy.get("/strict").expect(503).text(), "down");
    assert_eq!(proxy.get("/strict-closes").expect(502).code(), Some(10450));
}

#[test]
fn stale_while_it_is_asked_for() {
    let site =
        counting(&[("Cache-Control", "max-age=10, stale-while-revalidate=600"), ("Age", "20")]);
    let proxy = Proxy::before(&site);
    assert_eq!(proxy.get("/").text(), "1");
    assert_eq!(proxy.get("/").text(), "1", "at once, though stale");
    let newer = || Some(proxy.get("/").text().to_owned()).filter(|text| text != "1");
    littoral_tests::until("the refresh is seen", std::time::Duration::from_secs(60), newer);
}

#[test]
fn a_change_makes_its_target_and_what_it_names_old_once_it_succeeded() {
    let site = Site::start(|asked, to| match (&*asked.method, &*asked.target) {
        ("GET", _) => answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], b"body"),
        (_, "/fails") => answer(to, "500 Internal Server Error", &[("Location", "/b")], b""),
        _ => answer(
            to,
            "201 Created",
            &[("Location", "/b"), ("Content-Location", "http://test/c")],
            b"",
        ),
    });
    let proxy = Proxy::before(&site);
    let gets = |site: &Site| site.asked().iter().filter(|asked| asked.method == "GET").count();
    let all = ["/a", "/b", "/c", "/d", "/fails"];
    let ask = || all.iter().for_each(|target| drop(proxy.get(target).expect(200)));
    ask();
    ask();
    assert_eq!(gets(&site), 5);
    proxy.send(&Request::new("DELETE", "/fails")).expect(500);
    ask();
    assert_eq!(gets(&site), 5, "a change that failed changed nothing");
    proxy.send(&Request::new("PUT", "/a").body("x")).expect(201);
    ask();
    assert_eq!(gets(&site), 8);
}

#[test]
fn a_post_that_says_it_is_the_same_answers_the_next_get() {
    let site = Site::start(|asked, to| {
        let same = if asked.target == "/same" { "/same" } else { "/another" };
        let headers = [("Cache-Control", "max-age=1000"), ("Content-Location", same)];
        answer(to, "200 OK", &headers, asked.method.as_bytes())
    });
    let proxy = Proxy::before(&site);
    let then_get = |target: &str| {
        let posted = proxy.send(&Request::new("POST", target).body("x")).expect(200);
        assert_eq!(posted.text(), "POST");
        proxy.get(target).expect(200).text().to_owned()
    };
    // It is kept beside its being read: a GET may come first.
    let same = || Some(then_get("/same")).filter(|text| text == "POST");
    littoral_tests::until("the answer is kept", std::time::Duration::from_secs(60), same);
    assert_eq!(then_get("/other"), "GET");
}

#[test]
fn purge_is_ours_with_the_token_and_the_sites_without() {
    let site = counting(&[("Cache-Control", "max-age=1000"), ("Vary", "Accept-Encoding")]);
    let proxy = Proxy::before(&site);
    let purge = |token: &str| {
        let request = Request::new("PURGE", "/").header("Authorization", format!("Bearer {token}"));
        proxy.send(&request).expect(200)
    };
    assert_eq!((proxy.get("/").text(), proxy.get("/").text()), ("1", "1"));
    assert_eq!(purge(ZONE_TOKEN).json()["success"], true);
    assert_eq!(proxy.get("/").text(), "2", "it has gone");
    assert_eq!(proxy.get("/").text(), "2", "and is held anew");
    assert_eq!(purge("another").text(), "3", "the site's own affair");
    let passed = site.asked().pop().expect("a request");
    assert_eq!(
        (&*passed.method, passed.header("authorization")),
        ("PURGE", Some("Bearer another"))
    );
}

#[test]
fn ranges_and_heads_come_from_what_is_stored_whole() {
    let headers = [("Cache-Control", "max-age=1000"), ("ETag", "\"a\"")];
    let site = Site::start(move |_, to| answer(to, "200 OK", &headers, b"0123456789"));
    let proxy = Proxy::before(&site);
    proxy.get("/").expect(200);
    let range = |range: &str, condition: &str| {
        let request = Request::new("GET", "/").header("Range", range).header("If-Range", condition);
        proxy.send(&request)
    };
    let part = range("bytes=2-4", "\"a\"").expect(206);
    assert_eq!((part.text(), part.header("content-range")), ("234", Some("bytes 2-4/10")));
    assert_eq!(range("bytes=-2", "\"a\"").expect(206).text(), "89");
    assert_eq!(range("bytes=10-", "\"a\"").expect(416).header("content-range"), Some("bytes */10"));
    assert_eq!(range("bytes=2-4", "\"b\"").expect(200).text(), "0123456789");
    let head = proxy.send(&Request::new("HEAD", "/")).expect(200);
    assert_eq!((head.body.len(), head.header("content-length")), (0, Some("10")));
    assert_eq!(site.asked().len(), 1);
}

/// A site that knows ranges of ten digits.
fn ranges(headers: &'static [(&'static str, &'static str)]) -> Site {
    Site::start(move |asked, to| {
        const ALL: &[u8] = b"0123456789";
        let range = asked.header("range").and_then(|range| range.strip_prefix("bytes="));
        let etag = headers.iter().find(|(name, _)| *name == "ETag").map(|(_, etag)| *etag);
        let same = asked.header("if-range").is_none_or(|condition| Some(condition) == etag);
        let (Some((from, to_)), true) = (range.and_then(|range| range.split_once('-')), same)
        else {
            return answer(to, "200 OK", headers, ALL);
        };
        let from: usize = from.parse().expect("a number");
        let last = to_.parse().unwrap_or(9).min(9);
        let lies = format!("bytes {from}-{last}/10");
        let all: Vec<_> = headers.iter().copied().chain([("Content-Range", &*lies)]).collect();
        answer(to, "206 Partial Content", &all, &ALL[from..=last])
    })
}

fn part(proxy: &Proxy, range: &str) -> (String, String) {
    let part = proxy.send(&Request::new("GET", "/").header("Range", range)).expect(206);
    (part.text().to_owned(), part.header("content-range").unwrap_or_default().to_owned())
}

#[test]
fn parts_are_kept_put_together_and_completed() {
    let site = ranges(&[("Cache-Control", "max-age=1000"), ("ETag", "\"a\"")]);
    let proxy = Proxy::before(&site);
    let kept = |range: &str, expected: (&str, &str), asked: usize| {
        // It is kept beside its being read.
        let hit = || {
            let request = Request::new("GET", "/").header("Range", range);
            let status = proxy.send(&request).expect(206);
            status
                .header("cache-status")
                .is_some_and(|status| status.contains("; hit"))
                .then_some(())
        };
        let (text, lies) = part(&proxy, range);
        assert_eq!((&*text, &*lies), expected);
        littoral_tests::until("the part is kept", std::time::Duration::from_secs(60), hit);
        let (text, lies) = part(&proxy, range);
        assert_eq!((&*text, &*lies), expected);
        assert!(site.asked().len() >= asked);
    };
    kept("bytes=2-5", ("2345", "bytes 2-5/10"), 1);
    assert_eq!(part(&proxy, "bytes=3-4"), ("34".into(), "bytes 3-4/10".into()));
    let before = site.asked().len();
    assert_eq!(part(&proxy, "bytes=2-3").0, "23");
    assert_eq!(site.asked().len(), before, "it lies in what is stored");
    kept("bytes=0-1", ("01", "bytes 0-1/10"), 2);
    let before = site.asked().len();
    assert_eq!(part(&proxy, "bytes=0-5").0, "012345");
    assert_eq!(site.asked().len(), before, "two parts are one");
    let whole = proxy.get("/").expect(200);
    assert_eq!((whole.text(), whole.header("content-range")), ("0123456789", None));
    let rest = site.asked().pop().expect("a question");
    assert_eq!((rest.header("range"), rest.header("if-range")), (Some("bytes=6-"), Some("\"a\"")));
    assert_eq!(site.asked().len(), before + 1);
    assert_eq!(proxy.get("/").text(), "0123456789");
    assert_eq!(part(&proxy, "bytes=-3").0, "789");
    assert_eq!(site.asked().len(), before + 1, "it is whole now");
}

#[test]
fn parts_without_a_strong_validator_stay_apart() {
    let site = ranges(&[("Cache-Control", "max-age=1000"), ("ETag", "W/\"a\"")]);
    let proxy = Proxy::before(&site);
    assert_eq!(
        (part(&proxy, "bytes=0-1").0, part(&proxy, "bytes=2-5").0),
        ("01".into(), "2345".into())
    );
    assert_eq!(part(&proxy, "bytes=0-5").0, "012345");
    assert_eq!(proxy.get("/").expect(200).text(), "0123456789");
    assert!(site.asked().pop().is_some_and(|asked| asked.header("range").is_none()));
}

#[test]
fn only_what_is_stored_if_so_asked() {
    let site = counting(&[("Cache-Control", "max-age=1000")]);
    let proxy = Proxy::before(&site);
    let ask = || proxy.send(&Request::new("GET", "/").header("Cache-Control", "only-if-cached"));
    assert_eq!(ask().expect(504).code(), Some(10453));
    proxy.get("/").expect(200);
    assert_eq!(ask().expect(200).text(), "1");
    assert_eq!(site.asked().len(), 1);
}

#[test]
fn what_is_said_to_us_alone_goes_before_all_else_and_no_further() {
    let site = counting(&[
        ("Cache-Control", "no-store"),
        ("Littoral-CDN-Cache-Control", "max-age=1000"),
        ("CDN-Cache-Control", "max-age=1"),
        ("Cache-Tag", "a, b"),
    ]);
    let proxy = Proxy::before(&site);
    assert_eq!((proxy.get("/").text(), proxy.get("/").text()), ("1", "1"));
    let hit = proxy.get("/");
    assert_eq!(hit.header("littoral-cdn-cache-control"), None);
    assert_eq!(hit.header("cache-tag"), None);
    assert_eq!(hit.header("cdn-cache-control"), Some("max-age=1"));
    assert_eq!(hit.header("cache-control"), Some("no-store"));
}
