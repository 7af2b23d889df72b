//! Where requests to a zone go: upstreams, folders, namespaces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use littoral_tests::{Dev, Site, Zoned, answer, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// A site that counts what it is asked.
fn counting() -> Site {
    let count = AtomicUsize::new(0);
    Site::start(move |_, to| {
        let number = count.fetch_add(1, Ordering::AcqRel) + 1;
        answer(to, "200 OK", &[], number.to_string().as_bytes())
    })
}

#[test]
fn a_route_keeps_what_its_upstream_does_not_date_and_each_version_its_own() {
    let site = counting();
    let zoned = Zoned::on(Dev::of(2));
    let text = |note: &str| {
        format!(
            "# {note}\n[upstreams.app]\nservers = [\"{}\"]\n\
             [[routes]]\npath = \"/kept\"\nupstream = \"app\"\ncache = {{ ttl = \"1h\" }}\n\
             [[routes]]\npath = \"/deployed\"\nupstream = \"app\"\n\
             cache = {{ ttl = \"1h\", per-version = true }}\n\
             [[routes]]\npath = \"/*\"\nupstream = \"app\"\ncache = {{ keep = false }}\n",
            site.address()
        )
    };
    zoned.apply(&text("first"));
    assert_eq!(zoned.get("/kept").expect(200).text(), "1");
    let second = zoned.get("/kept");
    assert_eq!(second.text(), "1");
    assert!(second.header("cache-status").is_some_and(|says| says.contains("; hit")));
    assert_eq!(second.header("littoral-cdn-cache-control"), None, "that is between us");
    assert_eq!((zoned.get("/deployed").text(), zoned.get("/deployed").text()), ("2", "2"));
    assert_eq!((zoned.get("/x").text(), zoned.get("/x").text()), ("3", "4"));
    zoned.apply(&text("second"));
    assert_eq!(zoned.get("/kept").text(), "1");
    assert_eq!(zoned.get("/deployed").text(), "5", "a deploy serves no old build");
}

#[test]
fn the_first_route_that_fits_by_path_method_and_header_takes_it() {
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply(
        r#"
[[routes]]
path = "/a"
method = "POST"
answer = { body = "post" }
[[routes]]
path = "/a"
header = { x-lang = "de" }
answer = { status = 201, body = "hallo", headers = { content-type = "text/plain" } }
[[routes]]
path = ["/a", "/b/*.js"]
answer = { body = "hello" }
[[routes]]
path = "/c/{x}"
redirect = { to = "/d/{x}", status = 307 }
"#,
    );
    assert_eq!(zoned.send(&Zoned::request("POST", "/a")).expect(200).text(), "post");
    let german = zoned.send(&Zoned::request("GET", "/a").header("X-Lang", "de")).expect(201);
    assert_eq!((german.text(), german.header("content-type")), ("hallo", Some("text/plain")));
    assert_eq!(zoned.get("/a").text(), "hello");
    assert_eq!(zoned.get("/b/x.js").text(), "hello");
    assert_eq!(zoned.get("/c/1").expect(307).header("location"), Some("/d/1"));
    assert_eq!(zoned.get("/e").expect(404).code(), Some(10475));
}

#[test]
fn files_of_a_folder_and_values_of_a_namespace_are_served() {
    let zoned = Zoned::on(Dev::of(1));
    let folder = zoned.folder().join("site");
    std::fs::create_dir_all(folder.join("sub")).expect("a folder");
    let big = vec![b'x'; 300_000];
    std::fs::write(folder.join("app.js"), &big).expect("a file");
    std::fs::write(folder.join("sub/index.html"), "index").expect("a file");
    std::fs::write(folder.join(".hidden"), "secret").expect("a file");
    std::fs::write(zoned.folder().join("outside"), "secret").expect("a file");
    std::os::unix::fs::symlink(zoned.folder().join("outside"), folder.join("link"))
        .expect("a link");
    let texts = zoned.dev.namespace("texts");
    texts.put("de/greeting.json", "{}");
    zoned.apply(&format!(
        "[[routes]]\npath = \"/files/*\"\nfolder = \"{}\"\n\
         [[routes]]\npath = \"/texts/{{key*}}\"\nnamespace = \"texts\"\nkey = \"{{key}}\"\n",
        folder.display()
    ));
    let file = zoned.get("/files/app.js").expect(200);
    assert!(file.body == big);
    assert_eq!(file.header("content-type"), Some("text/javascript; charset=utf-8"));
    let tag = file.header("etag").expect("a tag").to_owned();
    zoned.send(&Zoned::request("GET", "/files/app.js").header("If-None-Match", &tag)).expect(304);
    let head = zoned.send(&Zoned::request("HEAD", "/files/app.js")).expect(200);
    assert_eq!(head.header("content-length"), Some("300000"));
    assert_eq!(zoned.get("/files/sub/").expect(200).text(), "index");
    assert_eq!(zoned.get("/files/sub").expect(301).header("location"), Some("/files/sub/"));
    for bad in ["/files/.hidden", "/files/link", "/files/..%2foutside", "/files/none"] {
        zoned.get(bad).expect(404);
    }
    zoned.send(&Zoned::request("PUT", "/files/app.js").body("x")).expect(405);

    let value = zoned.get("/texts/de/greeting.json").expect(200);
    assert_eq!((value.text(), value.header("content-type")), ("{}", Some("application/json")));
    zoned.get("/texts/none").expect(404);
}

#[test]
fn a_server_that_fails_is_passed_over_and_comes_back() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let sick = Site::start(move |_, to| match is_well.load(Ordering::Acquire) {
        true => answer(to, "200 OK", &[], b"sick"),
        false => answer(to, "503 Service Unavailable", &[], b""),
    });
    let fine = Site::start(|_, to| answer(to, "200 OK", &[], b"fine"));
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply(&format!(
        "[upstreams.app]\nservers = [\"{}\", \"{}\"]\n\
         health = {{ path = \"/healthz\", every = \"50ms\", fails = 2 }}\n\
         [[routes]]\npath = \"/*\"\nupstream = \"app\"\n",
        sick.address(),
        fine.address()
    ));
    for _ in 0..20 {
        assert_eq!(zoned.get("/").expect(200).text(), "fine", "tried again elsewhere");
    }
    until("it is left out", PATIENCE, || {
        let asked = || sick.asked().iter().filter(|asked| asked.target == "/").count();
        let before = asked();
        (0..4).for_each(|_| drop(zoned.get("/").expect(200)));
        (asked() == before).then_some(())
    });
    well.store(true, Ordering::Release);
    until("it is asked again", PATIENCE, || (zoned.get("/").text() == "sick").then_some(()));
}
