//! Purges: what is named is asked for anew, at once; made stale, it is validated.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use littoral_tests::{Connection, Proxy, Request, Site, ZONE_TOKEN, answer, until};
use serde_json::json;

/// A site whose answers are labelled by their last segment, each way that there is.
fn labelled() -> Site {
    Site::start(|asked, to| {
        let label = asked.target.rsplit('/').next().unwrap_or_default();
        let keys = format!("all {label}");
        let name = if asked.target.starts_with("/b") { "Cache-Tag" } else { "Surrogate-Key" };
        let keys = if name == "Cache-Tag" { keys.replace(' ', ", ") } else { keys };
        let headers = [("Cache-Control", "max-age=1000"), (name, &*keys)];
        answer(to, "200 OK", &headers, asked.target.as_bytes())
    })
}

/// Asks for everything twice; what the site was asked for.
fn fetched(proxy: &Proxy, site: &Site) -> Vec<String> {
    let before = site.asked().len();
    for _ in 0..2 {
        for target in ["/a/x", "/a/y", "/b/x", "/b/y"] {
            let got = proxy.get(target).expect(200);
            assert_eq!(got.text(), target);
            assert_eq!(got.header("surrogate-key").or(got.header("cache-tag")), None);
        }
    }
    site.asked().into_iter().skip(before).map(|asked| asked.target).collect()
}

#[test]
fn what_a_purge_names_is_asked_for_anew_and_nothing_else_is() {
    let site = labelled();
    let proxy = Proxy::before(&site);
    assert_eq!(fetched(&proxy, &site).len(), 4);
    let everything = &["/a/x", "/a/y", "/b/x", "/b/y"][..];
    for (what, expected) in [
        (
            json!({"files": ["http://test/a/x", {"url": "https://test/b/y", "headers": {}}]}),
            &["/a/x", "/b/y"][..],
        ),
        (json!({"tags": ["X"]}), &["/a/x", "/b/x"]),
        (json!({"tags": ["none"]}), &[]),
        (json!({"tags": ["all"]}), everything),
        (json!({"prefixes": ["test/a"]}), &["/a/x", "/a/y"]),
        (json!({"hosts": ["another"]}), &[]),
        (json!({"hosts": ["Test"]}), everything),
        (json!({"purge_everything": true}), everything),
    ] {
        let purged = proxy.purge(&what).expect(200).json();
        assert_eq!(purged["success"], true, "{what}");
        assert!(purged["result"]["id"].as_str().is_some_and(|id| id.len() == 32), "{purged}");
        assert_eq!(fetched(&proxy, &site), expected, "{what}");
    }
}

#[test]
fn many_urls_are_purged_one_by_one() {
    let site = labelled();
    let proxy = Proxy::before(&site);
    let all: Vec<_> = (0..150).map(|n| format!("/many/{n}")).collect();
    let hits = || {
        let hit = |target: &&String| {
            let got = proxy.get(target).expect(200);
            got.header("cache-status").is_some_and(|status| status.contains("; hit"))
        };
        all.iter().filter(hit).count()
    };
    assert_eq!((hits(), hits()), (0, 150));
    for some in all[..100].chunks(50) {
        let files: Vec<_> = some.iter().map(|target| format!("http://test{target}")).collect();
        proxy.purge(&json!({ "files": files })).expect(200);
    }
    assert_eq!((hits(), hits()), (50, 150), "none of the others went with them");
}

#[test]
fn what_was_on_its_way_when_it_was_purged_is_given_to_nobody_else() {
    let (go, wait) = sync_channel(2);
    let (wait, count) = (Mutex::new(wait), Mutex::new(0));
    let site = Site::start(move |_, to| {
        let number = {
            let mut count = count.lock().expect("nobody panicked");
            *count += 1;
            *count
        };
        if number == 1 {
            wait.lock().expect("nobody panicked").recv().expect("told to go on");
        }
        let headers = [("Cache-Control", "max-age=1000"), ("Cache-Tag", "a")];
        answer(to, "200 OK", &headers, number.to_string().as_bytes())
    });
    let proxy = Proxy::before(&site);
    std::thread::scope(|scope| {
        let early = scope.spawn(|| {
            Connection::open(proxy.address()).send(&Request::new("GET", "/")).expect(200)
        });
        until("the site is asked", Duration::from_secs(60), || {
            (!site.asked().is_empty()).then_some(())
        });
        proxy.purge(&json!({"tags": ["a"]})).expect(200);
        go.send(()).expect("the site waits");
        assert_eq!(early.join().expect("an answer").text(), "1", "who asked before may have it");
    });
    assert_eq!((proxy.get("/").text(), proxy.get("/").text()), ("2", "2"));
}

#[test]
fn made_stale_it_is_validated_and_served_stale_only_as_the_site_allows() {
    let down = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&down);
    let site = Site::start(move |asked, to| {
        if failing.load(Ordering::Relaxed) {
            return answer(to, "503 Service Unavailable", &[], b"down");
        }
        let more = if asked.target == "/strict" { "" } else { ", stale-if-error=1000" };
        let says = format!("max-age=1000{more}");
        let headers = [("Cache-Control", &*says), ("ETag", "\"v1\""), ("Cache-Tag", "a")];
        match asked.header("if-none-match") {
            Some("\"v1\"") => answer(to, "304 Not Modified", &headers, b""),
            _ => answer(to, "200 OK", &headers, b"body"),
        }
    });
    let proxy = Proxy::before(&site);
    let status = |target: &str| {
        let got = proxy.get(target);
        (got.status, got.header("cache-status").unwrap_or_default().to_owned())
    };
    for target in ["/", "/strict"] {
        assert_eq!((status(target).0, proxy.get(target).text()), (200, "body"));
    }
    let soft = json!({"tags": ["a"], "soft": true});
    proxy.purge(&soft).expect(200);
    let (code, says) = status("/");
    assert!(code == 200 && says.contains("fwd=stale"), "{code} {says}");
    let asked = site.asked().pop().expect("a question");
    assert_eq!(asked.header("if-none-match"), Some("\"v1\""), "a 304 is enough");
    assert!(status("/").1.contains("; hit; ttl="), "validated, it is fresh again");
    status("/strict");

    proxy.purge(&soft).expect(200);
    down.store(true, Ordering::Relaxed);
    assert_eq!(status("/").0, 200, "the site allows it");
    assert!(status("/").1.ends_with("detail=stale"));
    assert_eq!(status("/strict").0, 503);
    let purge = Request::new("PURGE", "/").header("Authorization", format!("Bearer {ZONE_TOKEN}"));
    proxy.send(&purge).expect(200);
    assert_eq!(status("/").0, 503, "gone is gone");
    down.store(false, Ordering::Relaxed);
    assert_eq!(status("/").0, 200);
    proxy.send(&purge.header("Soft-Purge", "1")).expect(200);
    assert!(status("/").1.contains("fwd=stale"));
}

#[test]
fn nobody_purges_without_the_token_and_nothing_that_is_not_named_rightly() {
    let site = labelled();
    let proxy = Proxy::before(&site);
    assert_eq!(fetched(&proxy, &site).len(), 4);
    let zones = |token: Option<&str>| {
        let request = Request::new("GET", "/client/v4/zones");
        proxy.send(&match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        })
    };
    assert_eq!(zones(None).expect(401).code(), Some(9106));
    assert_eq!(zones(Some("another")).expect(401).code(), Some(10000));
    let listed = zones(Some(ZONE_TOKEN)).expect(200).json();
    let zone = listed["result"][0]["id"].as_str().expect("an id");
    assert_eq!(listed["result_info"]["total_count"], 1);
    assert!(proxy.page().contains(zone), "it is printed too");
    let call = |method: &str, path: &str, body: &str| {
        let request = Request::new(method, format!("/client/v4/zones/{path}")).body(body);
        proxy.send(&request.header("Authorization", format!("Bearer {ZONE_TOKEN}")))
    };
    let purge = format!("{zone}/purge_cache");
    let all = r#"{"purge_everything": true}"#;
    let other = "0".repeat(32);
    assert_eq!(call("POST", &format!("{other}/purge_cache"), all).expect(404).code(), Some(7003));
    assert_eq!(call("POST", &format!("{zone}/other"), all).expect(404).code(), Some(7000));
    assert_eq!(call("GET", &purge, "").expect(405).header("allow"), Some("POST"));
    assert_eq!(call("POST", &purge, "{}").expect(400).code(), Some(10458));
    assert_eq!(call("POST", &purge, "nothing").expect(400).code(), Some(10458));
    let many = json!({ "tags": vec!["a"; 101] }).to_string();
    let refused = call("POST", &purge, &many).expect(400).json();
    assert_eq!(refused["success"], false);
    let message = refused["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains("at most 100"), "{message}");
    let long = " ".repeat(2 * 1024 * 1024);
    assert_eq!(call("POST", &purge, &long).expect(413).code(), Some(10024));
    assert_eq!(fetched(&proxy, &site), [""; 0], "nothing was purged");
    assert!(site.asked().iter().all(|asked| !asked.target.starts_with("/client")));
    assert_eq!(call("GET", zone, "").expect(200).json()["result"]["id"], zone);
}
