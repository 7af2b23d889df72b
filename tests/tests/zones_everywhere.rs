//! A zone at many locations: the upper tier of a URL shields its site.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

use littoral_tests::{Connection, Dev, Request, Response, Site, Zoned, answer, until};

const PATIENCE: Duration = Duration::from_secs(60);
const LOCATIONS: u16 = 10;

/// A zone before this site, known at every location.
fn before(site: &Site, locations: u16) -> Zoned {
    let zoned = Zoned::on(Dev::of(locations));
    zoned.apply(&format!(
        "[upstreams.app]\nservers = [\"{}\"]\n\
         [[routes]]\npath = \"/known\"\nanswer = {{ body = \"known\" }}\n\
         [[routes]]\npath = \"/*\"\nupstream = \"app\"\n",
        site.address()
    ));
    for at in 0..usize::from(locations) {
        until("the zone is known everywhere", PATIENCE, || {
            (get(&zoned, at, "/known").status == 200).then_some(())
        });
    }
    zoned
}

fn get(zoned: &Zoned, at: usize, target: &str) -> Response {
    send(zoned, at, &Zoned::request("GET", target))
}

fn send(zoned: &Zoned, at: usize, request: &Request) -> Response {
    Connection::open(zoned.address(at)).send(request)
}

/// So many at once, spread over all locations; what each was answered.
fn herd(zoned: &Zoned, many: usize) -> Vec<String> {
    let together = Barrier::new(many);
    let locations = zoned.dev.locations().len();
    std::thread::scope(|scope| {
        let ask = |n: usize| {
            let mut connection = Connection::open(zoned.address(n % locations));
            let together = &together;
            scope.spawn(move || {
                together.wait();
                connection.send(&Zoned::request("GET", "/cold")).expect(200).text().to_owned()
            })
        };
        let all: Vec<_> = (0..many).map(ask).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    })
}

#[test]
fn a_herd_at_ten_locations_reaches_the_site_once() {
    let (go, wait) = sync_channel(1);
    let wait = Mutex::new(wait);
    let site = Site::start(move |_, to| {
        wait.lock().unwrap().recv().expect("told to go on");
        answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], b"body")
    });
    let zoned = before(&site, LOCATIONS);
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| herd(&zoned, 200));
        until("the site is asked", PATIENCE, || (!site.asked().is_empty()).then_some(()));
        go.send(()).expect("the site waits");
        let answers = answers.join().expect("all answered");
        assert!(answers.iter().all(|answer| answer == "body"));
    });
    assert_eq!(site.asked().len(), 1);
    for at in 0..usize::from(LOCATIONS) {
        let hit = get(&zoned, at, "/cold").expect(200);
        let says = hit.header("cache-status").unwrap_or_default().to_owned();
        assert!(says.contains("-edge; hit") && !says.contains(','), "{says}");
    }
    assert_eq!(site.asked().len(), 1);
}

#[test]
fn what_proves_uncacheable_is_asked_for_by_all_at_once_wherever_they_are() {
    const MANY: usize = 40;
    let (come, more) = (Mutex::new(0), Condvar::new());
    let site = Site::start(move |_, to| {
        let mut count = come.lock().unwrap();
        *count += 1;
        let number = *count;
        more.notify_all();
        // The first is answered alone; all others once all others are here: one after the other, they
        // would wait for ever. One more may come: the upper tier asks for somebody elsewhere.
        while number > 1 && *count < MANY {
            count = more.wait(count).unwrap();
        }
        drop(count);
        answer(to, "200 OK", &[("Cache-Control", "no-store")], number.to_string().as_bytes())
    });
    let zoned = before(&site, LOCATIONS);
    let mut answers = herd(&zoned, MANY);
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), MANY, "each has an answer of its own");
    assert!(site.asked().len() <= MANY + 1, "{}", site.asked().len());
}

/// A site whose answers are numbered.
fn counting(headers: &'static [(&'static str, &'static str)]) -> Site {
    let count = AtomicUsize::new(0);
    Site::start(move |asked, to| {
        let number = count.fetch_add(1, Ordering::AcqRel) + 1;
        if asked.header("if-none-match") == Some("\"same\"") {
            return answer(to, "304 Not Modified", headers, b"");
        }
        answer(to, "200 OK", headers, number.to_string().as_bytes())
    })
}

#[test]
fn what_a_post_makes_old_is_old_everywhere() {
    let site = counting(&[("Cache-Control", "max-age=1000")]);
    let zoned = before(&site, LOCATIONS);
    let everywhere = |round: &str| -> Vec<String> {
        (0..usize::from(LOCATIONS))
            .map(|at| get(&zoned, at, "/page").expect(200).text().to_owned() + round)
            .collect()
    };
    assert!(everywhere("").iter().all(|answer| answer == "1"));
    for (round, at) in [(3, 4), (5, 7)] {
        send(&zoned, at, &Zoned::request("POST", "/page").body("x")).expect(200);
        let all = everywhere("");
        assert!(all.iter().all(|answer| *answer == round.to_string()), "{round}: {all:?}");
    }
    assert_eq!(site.asked().len(), 5, "once for all locations after each");
}

#[test]
fn an_answer_that_varies_is_asked_for_once_for_each_way_of_asking() {
    let count = AtomicUsize::new(0);
    let site = Site::start(move |asked, to| {
        count.fetch_add(1, Ordering::AcqRel);
        let headers = [("Cache-Control", "max-age=1000"), ("Vary", "X-Lang")];
        answer(to, "200 OK", &headers, asked.header("x-lang").unwrap_or("none").as_bytes())
    });
    let zoned = before(&site, LOCATIONS);
    for _ in 0..2 {
        for at in 0..usize::from(LOCATIONS) {
            for lang in ["de", "en", "fr"] {
                let request = Zoned::request("GET", "/page").header("X-Lang", lang);
                assert_eq!(send(&zoned, at, &request).expect(200).text(), lang, "{at}");
            }
        }
    }
    assert_eq!(site.asked().len(), 3);
}

#[test]
fn what_is_stale_is_validated_once_for_all_locations() {
    let site = counting(&[("Cache-Control", "max-age=100"), ("ETag", "\"same\"")]);
    let zoned = before(&site, LOCATIONS);
    let everywhere = || {
        for at in 0..usize::from(LOCATIONS) {
            assert_eq!(get(&zoned, at, "/page").expect(200).text(), "1");
        }
    };
    everywhere();
    assert_eq!(site.asked().len(), 1);
    zoned.dev.advance(Duration::from_secs(101));
    everywhere();
    assert_eq!(site.asked().len(), 2);
    everywhere();
    assert_eq!(site.asked().len(), 2);
}

#[test]
fn without_freshness_each_request_costs_the_site_one() {
    let site = counting(&[("ETag", "\"same\"")]);
    let zoned = before(&site, 3);
    for round in 1..=2 {
        for at in 0..3 {
            get(&zoned, at, "/page").expect(200);
            assert_eq!(site.asked().len(), (round - 1) * 3 + at + 1);
        }
    }
}

#[test]
fn every_tier_says_what_it_did() {
    let site = counting(&[("Cache-Control", "max-age=1000")]);
    let zoned = before(&site, LOCATIONS);
    let says = |at| get(&zoned, at, "/page").header("cache-status").expect("always").to_owned();
    let all: Vec<_> = (0..usize::from(LOCATIONS)).map(says).collect();
    assert_eq!(site.asked().len(), 1);
    let shielded = all.iter().filter(|says| says.contains("-upper; hit"));
    assert!(shielded.count() > 0, "{all:?}");
    assert!(all.iter().all(|says| says.contains("-edge; ")), "{all:?}");
}

#[test]
fn a_client_that_wants_to_be_sure_is_answered_by_the_site() {
    let site = counting(&[("Cache-Control", "max-age=1000")]);
    let zoned = Arc::new(before(&site, 3));
    for (at, wants) in ["no-cache", "max-age=0", "max-age=0"].into_iter().enumerate() {
        get(&zoned, at, "/page").expect(200);
        let before = site.asked().len();
        let request = Zoned::request("GET", "/page").header("Cache-Control", wants);
        send(&zoned, at, &request).expect(200);
        assert_eq!(site.asked().len(), before + 1, "{wants} at {at}");
    }
}
