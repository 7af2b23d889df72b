//! Answers say where they came from: a member for each hop, the nearest to the origin first.

use std::time::Duration;

use littoral_tests::{Dev, Location, Namespace, Response, until};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    location: String,
    hop: String,
    parameters: Vec<String>,
}

impl Member {
    fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|one| one == parameter)
    }
}

/// The members of `Cache-Status`.
#[track_caller]
fn members(answer: &Response) -> Vec<Member> {
    let header = answer.header("cache-status").expect("an answer says where it came from");
    let member = |text: &str| {
        let mut parts = text.split(';').map(|part| part.trim().to_owned());
        let name = parts.next().expect("a member has a name");
        let (location, hop) = name.rsplit_once('-').expect("a name is a location and a hop");
        Member { location: location.to_owned(), hop: hop.to_owned(), parameters: parts.collect() }
    };
    header.split(',').map(member).collect()
}

#[track_caller]
fn read(at: &Namespace, key: &str) -> (Response, Vec<Member>) {
    let answer = at.send(&at.value("GET", key));
    assert!(matches!(answer.status, 200 | 404), "{} {}", answer.status, answer.message());
    let members = members(&answer);
    (answer, members)
}

fn others(dev: &Dev) -> impl Iterator<Item = &Location> {
    dev.locations().iter().skip(1)
}

#[test]
fn a_cold_read_shows_every_hop_and_the_next_is_a_hit_at_the_edge() {
    let dev = Dev::start();
    let namespace = dev.namespace("cold");
    let names: Vec<&String> = dev.locations().iter().map(|one| &one.name).collect();
    for location in others(&dev) {
        let key = format!("for {}", location.name);
        namespace.put(&key, "v");
        let at = namespace.at(location.address);
        let (answer, cold) = read(&at, &key);
        let edge = cold.last().expect("a member");
        assert_eq!((&edge.location, &*edge.hop), (&location.name, "edge"));
        assert!(edge.has("fwd=miss") && edge.has("stored"), "{cold:?}");
        let order = ["origin", "upper", "regional", "edge"];
        let places: Vec<_> =
            cold.iter().map(|one| order.iter().position(|hop| *hop == one.hop)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{cold:?}");
        assert!(cold.iter().all(|one| names.contains(&&one.location)), "{cold:?}");
        assert!(cold.len() >= 2, "more than the edge had a part in it: {cold:?}");
        let timing = answer.header("server-timing").expect("an answer says how long it took");
        for member in &cold {
            assert!(
                timing.contains(&format!("{}-{};dur=", member.location, member.hop)),
                "{timing}"
            );
        }
        let (answer, warm) = read(&at, &key);
        assert_eq!(warm.len(), 1, "{warm:?}");
        assert_eq!((&warm[0].location, &*warm[0].hop), (&location.name, "edge"));
        assert!(warm[0].has("hit"), "{warm:?}");
        assert!(
            answer.header("age").is_some_and(|age| age.parse::<u32>().is_ok_and(|age| age < 60))
        );
    }
}

#[test]
fn that_a_key_is_absent_is_kept_for_a_while_too() {
    let dev = Dev::start();
    let namespace = dev.namespace("absent");
    let at = namespace.at(dev.locations()[3].address);
    let (answer, cold) = read(&at, "none");
    assert_eq!(answer.status, 404);
    assert!(cold.last().is_some_and(|edge| edge.has("fwd=miss")), "{cold:?}");
    let (answer, warm) = read(&at, "none");
    assert_eq!(answer.status, 404);
    assert!(warm.last().is_some_and(|edge| edge.hop == "edge" && edge.has("hit")), "{warm:?}");
    dev.advance(Duration::from_secs(11));
    let (_, late) = read(&at, "none");
    assert!(late.last().is_some_and(|edge| !edge.has("hit")), "{late:?}");
}

#[test]
fn an_old_answer_is_served_and_refreshed_behind_it() {
    let dev = Dev::start();
    let namespace = dev.namespace("stale");
    namespace.put("k", "v");
    let at = namespace.at(dev.locations()[4].address);
    let get = || {
        let request = at.request("GET", "/values/k?cache_ttl=3600");
        let answer = at.send(&request).expect(200);
        let age: u64 = answer.header("age").expect("an age").parse().expect("seconds");
        (age, members(&answer))
    };
    get();
    // Past half the refresh period.
    dev.advance(Duration::from_secs(45));
    let (age, old) = get();
    assert!(old.last().is_some_and(|edge| edge.has("hit")), "{old:?}");
    assert!(age >= 45, "{age}");
    let fresh = until("it is refreshed", Duration::from_secs(30), || {
        let (age, members) = get();
        (age < 45).then_some(members)
    });
    assert!(fresh.last().is_some_and(|edge| edge.has("hit")), "{fresh:?}");
}

#[test]
fn no_answer_is_older_than_its_reader_allows() {
    let dev = Dev::start();
    let namespace = dev.namespace("ttl");
    namespace.put("k", "v");
    let at = namespace.at(dev.locations()[4].address);
    read(&at, "k");
    dev.advance(Duration::from_secs(61));
    let (answer, late) = read(&at, "k");
    assert!(late.last().is_some_and(|edge| edge.hop == "edge" && !edge.has("hit")), "{late:?}");
    let age: u64 = answer.header("age").expect("an age").parse().expect("seconds");
    assert!(age < 60, "{age}");
    let refused = at.send(&at.request("GET", "/values/k?cache_ttl=10"));
    assert_eq!(refused.status, 400, "{}", refused.message());
    let policy = json!({ "cache_ttl_min_s": 0 });
    at.send(&at.request("PUT", "/policy").json(&policy)).expect(200);
    until("a lower time is allowed", Duration::from_secs(30), || {
        (at.send(&at.request("GET", "/values/k?cache_ttl=10")).status == 200).then_some(())
    });
}

#[test]
fn an_overwritten_value_is_gone_within_the_refresh_period_and_never_comes_back() {
    let dev = Dev::start();
    let namespace = dev.namespace("refresh");
    let policy = json!({ "refresh_s": 1 });
    namespace.send(&namespace.request("PUT", "/policy").json(&policy)).expect(200);
    let seen: Vec<Namespace> =
        dev.locations().iter().map(|one| namespace.at(one.address)).collect();
    for at in &seen {
        until("the policy is known", Duration::from_secs(30), || {
            let policy = at.send(&at.request("GET", "/policy")).expect(200).json();
            (policy["result"]["refresh_s"] == 1).then_some(())
        });
    }
    for round in 0..3 {
        let (old, new) = (format!("old {round}"), format!("new {round}"));
        let version = seen[round].put("k", old.clone());
        for at in &seen {
            at.send(&at.value("GET", "k").header("Littoral-Min-Version", &version)).expect(200);
        }
        seen[7 - round].put("k", new.clone());
        for at in &seen {
            until("the new value is seen", Duration::from_secs(20), || {
                let value = at.get("k").expect("it is there");
                assert!(value == old.as_bytes() || value == new.as_bytes());
                (value == new.as_bytes()).then_some(())
            });
        }
        for at in seen.iter().cycle().take(24) {
            assert_eq!(at.get("k").as_deref(), Some(new.as_bytes()));
        }
    }
}

#[test]
fn identical_questions_become_one() {
    let dev = Dev::start();
    let namespace = dev.namespace("herd");
    namespace.put("k", vec![b'x'; 100_000]);
    let location = &dev.locations()[5];
    let at = namespace.at(location.address);
    let answers: Vec<Vec<Member>> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..40).map(|_| scope.spawn(|| read(&at, "k").1)).collect();
        readers.into_iter().map(|reader| reader.join().expect("a reader ends")).collect()
    });
    let alone = |members: &&Vec<Member>| {
        let edge = members.last().expect("a member");
        edge.has("fwd=miss") && !edge.has("collapsed")
    };
    assert_eq!(answers.iter().filter(alone).count(), 1, "{answers:?}");
}
