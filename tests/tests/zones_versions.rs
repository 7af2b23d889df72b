//! A zone changes as a whole: versions are applied, compared and gone back to, and no request sees two.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use littoral_tests::{Connection, Dev, Site, Zoned, answer, until};

const PATIENCE: Duration = Duration::from_secs(60);

fn says(text: &str) -> String {
    format!("[[routes]]\npath = \"/*\"\nanswer = {{ body = \"{text}\" }}\n")
}

#[test]
fn a_version_is_applied_everywhere_shown_and_gone_back_to() {
    let zoned = Zoned::on(Dev::of(3));
    let said = zoned.apply(&says("one"));
    assert!(said.contains("shop is new") && said.contains("shop is at version 1"), "{said}");
    assert_eq!(zoned.get("/").expect(200).text(), "one");

    zoned.write(&says("two"));
    let said = zoned.zone(&["diff"]).well().text();
    assert!(said.contains("- answer = { body = \"one\" }"), "{said}");
    assert_eq!(zoned.get("/").text(), "one", "a diff changes nothing");
    let said = zoned.zone(&["apply", "--note", "the second"]).well().text();
    assert!(said.contains("+ answer = { body = \"two\" }"), "{said}");
    assert!(said.contains("shop is at version 2"), "{said}");
    assert!(zoned.zone(&["apply"]).well().text().contains("stays at version 2"));
    for at in 0..3 {
        until("the others have heard of it", PATIENCE, || {
            let answer = Connection::open(zoned.address(at)).send(&Zoned::request("GET", "/"));
            (answer.status == 200 && answer.text() == "two").then_some(())
        });
    }

    let said = zoned.zone(&["rollback", "1"]).well().text();
    assert_eq!(said, "shop is at version 3: what 1 was\n");
    assert_eq!(zoned.get("/").expect(200).text(), "one");
    let history = zoned.zone(&["history"]).well().text();
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 3, "{history}");
    assert!(
        lines[0].contains("counts  back to 1") && lines[1].ends_with("the second"),
        "{history}"
    );
    let shown = zoned.zone(&["show", "2", "--zone", "shop"]).well().text();
    assert!(shown.contains("\"two\""), "{shown}");
    let refused = zoned.zone(&["rollback", "9"]).badly().said();
    assert!(refused.contains("has no version 9"), "{refused}");

    zoned.zone(&["delete", "shop"]).well();
    let answer = zoned.get("/").expect(404);
    assert_eq!(answer.code(), Some(10470), "{}", answer.message());
}

#[test]
fn what_is_wrong_is_refused_at_its_place_and_changes_nothing() {
    let zoned = Zoned::on(Dev::of(1));
    zoned.apply(&says("one"));
    zoned.write("[[routes]]\npath = \"/\"\nupstream = \"nobody\"\n");
    let said = zoned.zone(&["apply"]).badly().said();
    assert!(said.contains("zone.toml:5:12: there is no upstream `nobody`"), "{said}");
    zoned.write("[[routes]]\npath = \"/{key*}\"\nnamespace = \"nowhere\"\nkey = \"{key}\"\n");
    let said = zoned.zone(&["apply"]).badly().said();
    assert!(said.contains("zone.toml:5:13: there is no namespace `nowhere`"), "{said}");
    assert_eq!(zoned.get("/").expect(200).text(), "one");

    let other = "name = \"other\"\nhosts = [\"shop.example\"]\n";
    std::fs::write(zoned.folder().join("other.toml"), other).expect("a file");
    let said = zoned.zone(&["apply", "other.toml"]).badly().said();
    assert!(said.contains("the host shop.example is the zone shop's"), "{said}");
}

/// The upstream is told a version by one rule, the client by another: they are the same, or a request
/// has seen two.
#[test]
fn no_request_sees_two_versions_while_they_are_switched_under_load() {
    let site = Site::start(|asked, to| {
        answer(to, "200 OK", &[], asked.header("x-version").unwrap_or("none").as_bytes())
    });
    let zoned = Zoned::on(Dev::of(1));
    let version = |number: usize| {
        format!(
            "[upstreams.app]\nservers = [\"{}\"]\n[[routes]]\npath = \"/*\"\nupstream = \"app\"\n\
             [[rules]]\nname = \"up\"\nheaders = {{ request = {{ set = {{ x-version = \"{number}\" }} }} }}\n\
             [[rules]]\nname = \"down\"\nheaders = {{ response = {{ set = {{ x-version = \"{number}\" }} }} }}\n",
            site.address()
        )
    };
    zoned.apply(&version(1));
    let (over, checked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen: Vec<Vec<String>> = std::thread::scope(|scope| {
        let reader = || {
            let mut seen = Vec::new();
            let mut connection = Connection::open(zoned.address(0));
            while !over.load(Ordering::Acquire) {
                let answer = connection.send(&Zoned::request("GET", "/x")).expect(200);
                let told = answer.header("x-version").expect("a rule sets it").to_owned();
                assert_eq!(answer.text(), told, "one request, two versions");
                checked.fetch_add(1, Ordering::AcqRel);
                if seen.last() != Some(&told) {
                    seen.push(told);
                }
            }
            seen
        };
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(reader)).collect();
        for number in 2..6 {
            zoned.apply(&version(number));
            zoned.zone(&["rollback", &(2 * number - 3).to_string()]).well();
            let before = checked.load(Ordering::Acquire);
            until("some are answered meanwhile", PATIENCE, || {
                (checked.load(Ordering::Acquire) > before + 100).then_some(())
            });
        }
        over.store(true, Ordering::Release);
        readers.into_iter().map(|reader| reader.join().expect("it saw no mixture")).collect()
    });
    assert!(checked.load(Ordering::Acquire) > 400);
    assert!(seen.iter().any(|one| one.len() > 2), "they saw versions change: {seen:?}");
}

#[test]
fn a_zone_outlives_its_node() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = Some(folder.path().join("data"));
    let options = littoral_tests::Options {
        locations: Some(1),
        data_dir,
        ..littoral_tests::Options::default()
    };
    let zoned = Zoned::on(Dev::with(options.clone()));
    zoned.apply(&says("one"));
    let Zoned { dev, .. } = zoned;
    assert!(dev.stop().success());
    let zoned = Zoned::on(Dev::with(options));
    until("it is read again", PATIENCE, || {
        let answer = zoned.get("/");
        (answer.status == 200 && answer.text() == "one").then_some(())
    });
}
