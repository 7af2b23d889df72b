//! Weights that follow the round trips that a network has measured: the relays between its nodes add
//! what is known, so what is measured and what is proposed can be held against it.

use std::collections::BTreeMap;
use std::time::Duration;

use littoral_tests::{
    LINKS_BETWEEN_REGIONS, Namespace, Network, NetworkOptions, littoral, run, until,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const LOCATIONS: usize = 6;
/// Read at the node beside the second store, so that most requests come from there.
const READS: usize = 1_500;
/// Keys whose upper tier is looked up before and after.
const KEYS: usize = 300;
/// Looked up at once.
const AT_ONCE: usize = 30;
/// Of the relays' modelled trips: so long that a busy machine's own time stays small beside them.
const TRIPS: f64 = 4.0;
/// What a busy machine may add to a round trip.
const WORK_MS: f64 = 40.0;
/// Of so many keys, a share differs by chance from what it is of all: three deviations.
const CHANCE: f64 = 0.09;

/// What `epoch measure` says at the first node.
fn measure(network: &Network, more: &[&str]) -> Value {
    let file = network.config(&network.nodes()[0].name);
    let mut command = littoral();
    command.args(["epoch", "measure", "--json", "--config"]).arg(file).args(more);
    let ended = run(&mut command, b"").well();
    serde_json::from_str(&ended.text()).expect("one object")
}

/// The matrix in milliseconds, once every pair has been measured.
fn trips(told: &Value) -> Option<Vec<Vec<f64>>> {
    let rows = told["round_trips_us"].as_array().expect("rows");
    let ms = |cell: &Value| cell.as_f64().map(|us| us / 1e3);
    rows.iter().map(|row| row.as_array()?.iter().map(ms).collect()).collect()
}

/// What a node's metrics say of the way to a location.
fn measured_ms(metrics: &str, location: &str) -> Option<f64> {
    let of = format!("peer=\"{location}\"");
    let mut lines = metrics.lines().filter(|line| line.starts_with("littoral_link_round_trip_us"));
    let us: f64 = lines.find(|line| line.contains(&of))?.rsplit(' ').next()?.parse().ok()?;
    Some(us / 1e3)
}

fn proposed(told: &Value, what: &str) -> Vec<f64> {
    let list = told[what].as_array().expect("a list");
    list.iter().map(|one| one["proposed"].as_f64().expect("a weight")).collect()
}

/// Who asks the origin for each of many keys that nobody holds.
fn uppers(namespace: &Namespace) -> BTreeMap<String, String> {
    let of = |key: String| {
        let answer = until("the walk reaches the origin", PATIENCE, || {
            let answer = namespace.send(&namespace.value("GET", &key));
            let status = answer.header("cache-status").unwrap_or_default().to_owned();
            let first = status.split([',', ';']).next()?.trim();
            Some(first.strip_suffix("-origin")?.to_owned())
        });
        (key, answer)
    };
    // Together: a walk takes a second with trips like these.
    std::thread::scope(|scope| {
        let some = |first: usize| {
            let mine = (first..KEYS).step_by(AT_ONCE);
            scope.spawn(move || mine.map(|n| of(format!("key {n}"))).collect::<Vec<_>>())
        };
        let all: Vec<_> = (0..AT_ONCE).map(some).collect();
        all.into_iter().flat_map(|some| some.join().expect("answers")).collect()
    })
}

#[test]
fn weights_follow_what_relays_add_and_a_proposal_moves_no_more_than_it_says() {
    let network = Network::start(&NetworkOptions {
        locations: LOCATIONS as u16,
        postgres: false,
        relayed: true,
        trips: TRIPS,
        ..NetworkOptions::default()
    });
    let nodes = network.nodes();
    let namespace = network.namespace("trips", &json!({}));

    // Every round trip is what the relays add, and at most a tenth and some work more.
    let region = |at: usize| {
        let mut regions: Vec<&str> = Vec::new();
        for node in nodes {
            if !regions.contains(&node.region.as_str()) {
                regions.push(&node.region);
            }
        }
        regions.iter().position(|region| *region == nodes[at].region).expect("its region")
    };
    let added = |a: usize, b: usize| LINKS_BETWEEN_REGIONS[region(a)][region(b)] as f64 * TRIPS;
    let close = |a: usize, b: usize, found: f64| found <= added(a, b) * 1.1 + WORK_MS;
    until("every round trip is measured, and starting is forgotten", PATIENCE, || {
        let all = (0..LOCATIONS).all(|a| {
            let metrics = network.metrics(&nodes[a]);
            let found = |b: usize| measured_ms(metrics.text(), &nodes[b].location);
            (0..LOCATIONS).filter(|b| *b != a).all(|b| found(b).is_some_and(|ms| close(a, b, ms)))
        });
        all.then_some(())
    });
    let told = measure(&network, &[]);
    let matrix = trips(&told).expect("every pair");
    for (a, row) in matrix.iter().enumerate() {
        for (b, found) in row.iter().enumerate().filter(|(b, _)| *b != a) {
            let added = added(a, b);
            // Signs of life go on meanwhile: what is asked for may have grown a little.
            assert!(*found >= added * 0.99, "{a} to {b}: {found} ms, less than {added}");
            assert!(close(a, b, found - WORK_MS), "{a} to {b}: {found} ms for {added}");
        }
    }

    // Where most is asked from, that store is the nearer, and its region gets more upper tiers.
    let busy = namespace.at(network.beside(1).address);
    for _ in 0..READS {
        busy.get("hot");
    }
    let list = network.dir().join("next.toml");
    let told = measure(&network, &["--out", list.to_str().expect("a path")]);
    let stores = proposed(&told, "stores");
    assert!(stores[1] > stores[0] && told["changes"] == true, "{told}");
    assert!(told["locations"][1]["requests_share"].as_f64() > Some(0.5), "{told}");
    assert_eq!(told["misplaced"], json!([]));
    let moved = told["moved"]["upper"].as_f64().expect("a share");
    assert!(moved > 0.05 && moved < 0.9, "{moved}");
    let mean = |at: usize| told["stores"][at]["mean_us"].as_f64().expect("measured");
    // Inversely to the mean trip, 5 ms more than it is.
    let pulls = [0, 1].map(|at| 1.0 / (mean(at) + 5_000.0));
    let expected = pulls.map(|pull| 2.0 * pull / (pulls[0] + pulls[1]));
    for (found, expected) in stores.iter().zip(expected) {
        assert!((found - expected).abs() < 0.011, "{stores:?} is not {expected}: {told}");
    }

    // Published, it moves what it said, and nothing was moved before.
    let far = namespace.at(nodes
        .iter()
        .find(|node| node.region == nodes[2].region)
        .expect("one")
        .address);
    let before = uppers(&far);
    let document = network.dir().join("epoch-2.signed");
    let mut sign = littoral();
    sign.args(["epoch", "sign"]).arg(&list).arg("--authority").arg(network.dir().join("authority"));
    run(sign.arg("--out").arg(&document), b"").well();
    let mut apply = littoral();
    apply.args(["epoch", "apply"]).arg(&document).arg("--config");
    run(apply.arg(network.config(&nodes[0].name)), b"").well();
    until("every location knows the epoch", PATIENCE, || {
        let mut status = littoral();
        status.args(["epoch", "status", "--config"]).arg(network.config(&nodes[0].name));
        let said = run(&mut status, b"").well().text();
        (said.matches("epoch 2").count() == LOCATIONS).then_some(())
    });
    let purge = json!({ "everything": true });
    far.send(&far.request("POST", "/purge").json(&purge)).expect(200);
    let after = uppers(&far);
    let others = before.iter().filter(|(key, upper)| after[*key] != **upper).count();
    let share = others as f64 / KEYS as f64;
    assert!(share > 0.0 && share <= moved + CHANCE, "{share} moved, told was {moved}");
    let again = measure(&network, &[]);
    assert_eq!(again["epoch"], 2);
    assert_eq!(proposed(&again, "stores").len(), 2);

    // The picture and the table show it.
    let picture = network.dir().join("network.svg");
    let mut topology = littoral();
    topology.args(["topology", "--json", "--config"]).arg(network.config(&nodes[0].name));
    let ended = run(topology.arg("--svg").arg(&picture), b"").well();
    let told: Value = serde_json::from_str(&ended.text()).expect("one object");
    assert_eq!(told["matrix"]["names"].as_array().map(Vec::len), Some(LOCATIONS), "{told}");
    assert_eq!(told["epoch"], 2, "a kept epoch counts");
    let drawn = std::fs::read_to_string(picture).expect("a picture");
    assert_eq!(drawn.matches("class=\"cell\"").count(), LOCATIONS * LOCATIONS);
}
