//! Two nodes at a location: they share its keys, and are like one to whoever is sent to either.

use std::sync::Arc;
use std::time::Duration;

use littoral_tests::{
    Habits, Kind, Load, Network, NetworkOptions, Node, Recorder, Stopwatch, littoral, until,
};

const PATIENCE: Duration = Duration::from_secs(60);
const KEYS: usize = 24;
/// Answered by the others while a node is away.
const MEANWHILE: u64 = 300;
/// How old a copy of what the other keeps may be, and slack for a slow machine.
const COPY: Duration = Duration::from_millis(1_500);

/// Three locations; the last one, without a store, has two nodes. It shares its region with another,
/// which is the tier of half of the keys: of their writes no stream tells it.
fn network() -> (Network, [Node; 2]) {
    let options = NetworkOptions {
        regions: 2,
        locations: 3,
        nodes: 2,
        postgres: false,
        ..NetworkOptions::default()
    };
    let network = Network::start(&options);
    let [.., first, second] = network.nodes() else { panic!("four nodes") };
    assert_eq!(first.location, second.location);
    let pair = [first.clone(), second.clone()];
    (network, pair)
}

fn key(n: usize) -> String {
    format!("key {n}")
}

#[test]
fn what_one_node_acknowledged_its_sibling_shows_at_once_and_no_node_s_loss_undoes_it() {
    let (network, pair) = network();
    let space = network.namespace("shared", &serde_json::json!({}));
    let at = |node: &Node| space.at(node.address);
    // Both have read them all, and hold copies.
    for n in 0..KEYS {
        at(&pair[0]).put(key(n), "old");
        for node in &pair {
            assert_eq!(at(node).get(key(n)).as_deref(), Some(&b"old"[..]));
        }
    }
    let mut asked = [0; 2];
    for n in 0..KEYS {
        let (writer, reader) = (&pair[n % 2], &pair[1 - n % 2]);
        assert_eq!(at(reader).get(key(n)).as_deref(), Some(&b"old"[..]), "a copy, if not kept");
        at(writer).put(key(n), format!("new {n}"));
        let read = at(reader).send(&space.value("GET", key(n))).expect(200);
        assert_eq!(read.body, format!("new {n}").as_bytes(), "{n}, written at {}", writer.name);
    }
    let watch = Stopwatch::start();
    until("copies are old", PATIENCE, || (watch.elapsed() > COPY).then_some(()));
    for (n, (which, node)) in (0..KEYS).flat_map(|n| pair.iter().enumerate().map(move |p| (n, p))) {
        let read = at(node).send(&space.value("GET", key(n))).expect(200);
        let status = read.header("cache-status").unwrap_or_default();
        asked[which] += usize::from(status.contains(&format!("{}-keeper;", node.location)));
    }
    // Each keeps some, and asks the other for the rest.
    assert_eq!(asked[0] + asked[1], KEYS, "each key has one keeper: {asked:?}");
    assert!(asked.iter().all(|share| (2..KEYS - 1).contains(share)), "{asked:?}");

    network.kill(&pair[0].name);
    for n in 0..KEYS {
        let read = at(&pair[1]).get(key(n));
        assert_eq!(read, Some(format!("new {n}").into_bytes()), "{n} after its loss");
        at(&pair[1]).put(key(n), format!("newer {n}"));
    }
    network.up(&[&pair[0].name]);
    for node in &pair {
        for n in 0..KEYS {
            let read = at(node).get(key(n));
            assert_eq!(read, Some(format!("newer {n}").into_bytes()), "{n} at {}", node.name);
        }
    }
}

#[test]
fn a_lost_node_of_a_pair_fails_no_request_to_its_sibling_and_breaks_no_promise() {
    let (network, pair) = network();
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Arc::new(Recorder::new(&folder.path().join("history.jsonl")));
    let spaces = Load::spaces(&network);
    let habits = Habits { pause: Duration::from_millis(5), ..Habits::default() };
    let load = Load::start(&network, &recorder, &spaces, 2, habits);
    let unharmed = |name: &'static str| {
        recorder.phase(name);
        until(name, PATIENCE, || {
            (recorder.counts().answered(name, Kind::PlainRead) > MEANWHILE).then_some(())
        });
        let counts = recorder.counts();
        for kind in [Kind::PlainRead, Kind::PlainWrite] {
            assert_eq!(counts.failed(name, kind), 0, "{kind:?} while {name}:\n{}", counts.lines());
        }
    };
    unharmed("both are there");
    for (node, killed, back) in [
        (&pair[0], "the first is killed", "the first is back"),
        (&pair[1], "the second is killed", "the second is back"),
    ] {
        load.presence(&node.name).take_away();
        network.kill(&node.name);
        unharmed(killed);
        network.up(&[&node.name]);
        load.presence(&node.name).bring_back();
        unharmed(back);
    }
    let node = &pair[0];
    load.presence(&node.name).take_away();
    network.freeze(&node.name);
    unharmed("the first is frozen");
    network.thaw(&node.name);
    load.presence(&node.name).bring_back();
    unharmed("the first goes on");
    load.settle();
    println!("{}", recorder.counts().lines());
    recorder.verdict(littoral().get_program().as_ref()).is_clean();
    assert_eq!(recorder.wrong(), Vec::<String>::new());
}
