//! What is kept of a zone is purged by its name, everywhere, and of no other zone; what a new version is
//! asked for early is there when it is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use littoral_tests::{Connection, Dev, Request, Response, Site, TOKEN, Zoned, answer, until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

/// A site whose answers are numbered, and labelled by their path.
fn counting() -> Site {
    let count = AtomicUsize::new(0);
    Site::start(move |asked, to| {
        let number = count.fetch_add(1, Ordering::Relaxed).to_string();
        let label = asked.target.trim_start_matches('/').to_owned();
        let headers = [("Cache-Control", "max-age=1000"), ("Surrogate-Key", &*label)];
        answer(to, "200 OK", &headers, number.as_bytes())
    })
}

fn app(site: &Site, cache: &str) -> String {
    format!(
        "[upstreams.app]\nservers = [\"{}\"]\n[[routes]]\npath = \"/*\"\nupstream = \"app\"\n{cache}\n",
        site.address()
    )
}

struct World {
    zoned: Zoned,
    _site: Site,
}

impl World {
    /// Two zones at two locations, the other one `other.example`.
    fn new() -> Self {
        let site = counting();
        let zoned = Zoned::on(Dev::of(2));
        zoned.apply(&format!(
            "{}[[rules]]\nname = \"short\"\nwhen = {{ path = \"/short/{{id}}\" }}\n\
             rewrite = {{ path = \"/long/{{id}}\" }}\n",
            app(&site, "")
        ));
        let other = format!("name = \"other\"\nhosts = [\"other.example\"]\n{}", app(&site, ""));
        std::fs::write(zoned.folder().join("other.toml"), other).expect("a file");
        zoned.zone(&["apply", "other.toml"]).well();
        let world = Self { zoned, _site: site };
        for at in 0..2 {
            for host in ["shop.example", "other.example"] {
                until("both locations serve both", PATIENCE, || {
                    let request = Request::of_host("GET", "/begin", host);
                    let answer = Connection::open(world.zoned.address(at)).send(&request);
                    (answer.status == 200).then_some(())
                });
            }
        }
        world
    }

    fn ask(&self, at: usize, host: &str, path: &str) -> String {
        let request = Request::of_host("GET", path, host);
        let answer = Connection::open(self.zoned.address(at)).send(&request).expect(200);
        assert_eq!(answer.header("surrogate-key").or(answer.header("cache-tag")), None);
        answer.text().to_owned()
    }

    /// What both locations hold now, of paths of both zones.
    fn held(&self, paths: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for host in ["shop.example", "other.example"] {
            for path in paths {
                all.extend((0..2).map(|at| self.ask(at, host, path)));
            }
        }
        all
    }

    fn api(&self, method: &str, path: &str, body: serde_json::Value, token: &str) -> Response {
        let request = Request::new(method, path).json(&body);
        let request = request.header("Authorization", format!("Bearer {token}"));
        request.send(self.zoned.dev.address())
    }
}

/// Which of two lists of answers differ.
fn renewed(before: &[String], after: &[String]) -> Vec<bool> {
    before.iter().zip(after).map(|(one, two)| one != two).collect()
}

#[test]
fn every_sort_of_purge_reaches_every_location_and_no_other_zone() {
    let world = World::new();
    let paths = ["/a", "/b", "/dir/c"];
    let (shop, none) = ([true, true], [false, false]);
    let sorts = [
        (json!({ "files": ["http://shop.example/%61"] }), [shop, none, none]),
        (json!({ "tags": ["a", "dir/c"] }), [shop, none, shop]),
        (json!({ "prefixes": ["shop.example/dir/"] }), [none, none, shop]),
        (json!({ "hosts": ["shop.example"] }), [shop, shop, shop]),
        (json!({ "purge_everything": true }), [shop, shop, shop]),
        (json!({ "purge_everything": true, "soft": true }), [shop, shop, shop]),
    ];
    for (body, of_shop) in sorts {
        let before = world.held(&paths);
        assert_eq!(world.held(&paths), before, "all is held");
        let path = "/client/v4/zones/shop/purge_cache";
        world.api("POST", path, body.clone(), TOKEN).expect(200);
        let expected: Vec<bool> = of_shop.concat().into_iter().chain([false; 6]).collect();
        // Here it is heard of when it is answered; elsewhere soon.
        assert_eq!(world.ask(0, "shop.example", "/a") != before[0], of_shop[0][0], "{body}");
        let mut all = before.clone();
        until("the other location hears of it", PATIENCE, || {
            for (now, held) in all.iter_mut().zip(world.held(&paths)) {
                *now = held;
            }
            (renewed(&before, &all) == expected).then_some(())
        });
        assert_eq!(renewed(&before, &world.held(&paths)), expected, "{body}: and no more");
    }
}

#[test]
fn a_purge_needs_a_token_that_may_and_names_what_is_of_the_zone() {
    let world = World::new();
    let path = "/client/v4/zones/shop/purge_cache";
    let all = json!({ "purge_everything": true });
    world.api("POST", path, all.clone(), "wrong").expect(401);
    let foreign = json!({ "files": ["http://other.example/a"] });
    let refused = world.api("POST", path, foreign, TOKEN).expect(400);
    assert!(refused.message().contains("not of this zone"), "{}", refused.message());
    let unknown = world.api("POST", "/client/v4/zones/none/purge_cache", all, TOKEN).expect(404);
    assert_eq!(unknown.code(), Some(10472));

    let list = world.api("GET", "/client/v4/zones", json!({}), TOKEN).expect(200).json();
    let names: Vec<_> =
        list["result"].as_array().expect("a list").iter().map(|z| z["name"].clone()).collect();
    assert_eq!(names, ["other", "shop"], "{list}");
    world.api("GET", "/client/v4/zones", json!({}), "wrong").expect(401);
    let one = world.api("GET", "/client/v4/zones?name=shop", json!({}), TOKEN).expect(200).json();
    assert_eq!(one["result_info"]["count"], 1, "{one}");
    let id = one["result"][0]["id"].as_str().expect("an id").to_owned();
    let by_id = world.api("GET", &format!("/client/v4/zones/{id}"), json!({}), TOKEN).expect(200);
    assert_eq!(by_id.json()["result"]["hosts"][0], "shop.example");
}

#[test]
fn purge_as_a_method_is_ours_with_a_token_and_the_sites_without() {
    let world = World::new();
    let purge = |token: Option<&str>, path: &str| {
        let request = Zoned::request("PURGE", path);
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        world.zoned.send(&request)
    };
    let before = world.ask(0, "shop.example", "/long/7");
    assert_eq!(world.ask(0, "shop.example", "/short/7"), before, "it is rewritten");
    for token in [None, Some("wrong")] {
        let passed = purge(token, "/other").expect(200);
        passed.text().parse::<usize>().expect("the site answers");
    }
    assert_eq!(world.ask(0, "shop.example", "/long/7"), before);
    purge(Some(TOKEN), "/short/7").expect(200);
    let after = world.ask(0, "shop.example", "/short/7");
    assert_ne!(after, before, "as the zone keeps it");

    let said = world.zoned.zone(&["purge", "http://shop.example/long/7"]).well().text();
    assert_eq!(said, "purged in shop: 1 named\n");
    assert_ne!(world.ask(0, "shop.example", "/long/7"), after);
    let said = world.zoned.zone(&["purge", "--everything", "--soft"]).well().text();
    assert_eq!(said, "made stale in shop: everything\n");
    let refused = world.zoned.zone(&["purge"]).badly().said();
    assert!(refused.contains("nothing is named"), "{refused}");
}

/// Says that it is over, when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The site's build is moved, then the zone's version: no answer after that is of the old build, and the
/// first is there already.
#[test]
fn a_deploy_never_serves_the_old_build_and_is_warm() {
    let build = Arc::new(AtomicUsize::new(1));
    let of_site = Arc::clone(&build);
    let site = Site::start(move |_, to| {
        let build = of_site.load(Ordering::Acquire).to_string();
        answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], build.as_bytes())
    });
    let zoned = Zoned::on(Dev::of(2));
    let deploy = |number: usize| {
        build.store(number, Ordering::Release);
        let warm = "prewarm = [\"/\", \"http://shop.example/app.js\"]\n";
        let cache = "cache = { per-version = true }";
        let text = app(&site, cache);
        let note = format!("build {number}");
        zoned.write(&format!("{warm}# {note}\n{text}"));
        zoned.zone(&["apply", "--note", &note]).well();
    };
    deploy(1);
    let over = AtomicBool::new(false);
    let least = AtomicUsize::new(1);
    std::thread::scope(|scope| {
        let reader = || {
            let mut connection = Connection::open(zoned.address(0));
            let mut checked = 0;
            while !over.load(Ordering::Acquire) {
                let least = least.load(Ordering::Acquire);
                let answer = connection.send(&Zoned::request("GET", "/")).expect(200);
                let build: usize = answer.text().parse().expect("a build");
                assert!(build >= least, "build {build} after {least} was deployed");
                checked += 1;
            }
            checked
        };
        // Also when the test has failed.
        let ends = Ends(&over);
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(reader)).collect();
        for number in 2..6 {
            deploy(number);
            least.store(number, Ordering::Release);
            for path in ["/", "/app.js"] {
                let answer = zoned.get(path).expect(200);
                let said = answer.header("cache-status").unwrap_or_default();
                assert_eq!(answer.text(), number.to_string());
                // What was asked for early may still be on its way to where it is kept.
                assert!(said.contains("hit") || said.contains("collapsed"), "{said}");
            }
        }
        drop(ends);
        let checked: Vec<usize> =
            readers.into_iter().map(|one| one.join().expect("well")).collect();
        assert!(checked.iter().all(|count| *count > 0), "{checked:?}");
    });
    // The other location has switched too, by itself.
    until("the other location serves it", PATIENCE, || {
        let answer = Connection::open(zoned.address(1)).send(&Zoned::request("GET", "/"));
        (answer.status == 200 && answer.text() == "5").then_some(())
    });
}
