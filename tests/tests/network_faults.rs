//! Nodes and PostgreSQL servers are taken away under load: no promise is broken, and what may not
//! fail does not.

use std::sync::Arc;
use std::time::Duration;

use littoral_tests::{
    Habits, Kind, Load, Namespace, Network, NetworkOptions, Recorder, Stopwatch, littoral, until,
};

/// How long each fault lasts, at least.
const SPAN: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(60);

/// A network under load.
struct Run {
    network: Network,
    recorder: Arc<Recorder>,
    load: Load,
}

impl Run {
    /// A phase lasts its span, and until much has been answered in it.
    fn phase(&self, name: &'static str) {
        self.recorder.phase(name);
        let watch = Stopwatch::start();
        until(name, PATIENCE, || {
            let answered = self.recorder.counts().answered(name, Kind::PlainRead);
            (watch.elapsed() > SPAN && answered > 200).then_some(())
        });
    }

    /// Nothing that asks nothing special fails in it.
    fn unharmed(&self, name: &'static str) {
        self.phase(name);
        let counts = self.recorder.counts();
        for kind in [Kind::PlainRead, Kind::PlainWrite] {
            let failed = counts.failed(name, kind);
            assert_eq!(failed, 0, "{kind:?} while {name}:\n{}", counts.lines());
        }
    }

    fn without(&self, node: &str, take: impl FnOnce(), bring: impl FnOnce()) {
        self.load.presence(node).take_away();
        take();
        bring();
        self.load.presence(node).bring_back();
    }
}

/// What each node has read before is served while no store runs; nothing is written.
fn both_killed(run: &Run, space: &Namespace) {
    let network = &run.network;
    space.put("held", "held");
    for node in network.nodes() {
        assert_eq!(space.at(node.address).get("held").as_deref(), Some(&b"held"[..]));
    }
    network.kill("postgres-0");
    network.kill("postgres-1");
    run.recorder.phase("both stores are killed");
    for _ in 0..20 {
        for node in network.nodes() {
            let held = space.at(node.address).get("held");
            assert_eq!(held.as_deref(), Some(&b"held"[..]), "at {}", node.name);
        }
    }
    let refused = space.send(&space.value("PUT", "held").body("new")).expect(503);
    assert_eq!(refused.code(), Some(10_422));
    network.up(&["postgres-0", "postgres-1"]);
    until("writes are taken at every node", PATIENCE, || {
        let taken = |at: &Namespace| at.send(&at.value("PUT", "held").body("new")).status == 200;
        let mut nodes = network.nodes().iter();
        nodes.all(|node| taken(&space.at(node.address))).then_some(())
    });
}

#[test]
fn no_promise_is_broken_while_nodes_and_stores_come_and_go() {
    let options = NetworkOptions { relayed: true, trips: 0.25, ..NetworkOptions::default() };
    let network = Network::start(&options);
    assert!(network.nodes().len() >= 8);
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Arc::new(Recorder::new(&folder.path().join("history.jsonl")));
    let spaces = Load::spaces(&network);
    let habits = Habits { pause: Duration::from_millis(5), ..Habits::default() };
    let load = Load::start(&network, &recorder, &spaces, 2, habits);
    let run = Run { network, recorder, load };
    let network = &run.network;

    run.unharmed("all is well");
    let [far, near, deaf] = [2, 3, 4].map(|at| network.nodes()[at].name.clone());
    run.without(
        &far,
        || {
            network.kill(&far);
            run.unharmed("a node is killed");
        },
        || network.up(&[&far]),
    );
    run.without(
        &near,
        || {
            network.freeze(&near);
            run.unharmed("a node is frozen");
        },
        || network.thaw(&near),
    );
    for (name, killed, frozen) in [
        ("postgres-0", "store 0 is killed", "store 0 is frozen"),
        ("postgres-1", "store 1 is killed", "store 1 is frozen"),
    ] {
        network.kill(name);
        run.unharmed(killed);
        network.up(&[name]);
        network.freeze(name);
        run.unharmed(frozen);
        network.thaw(name);
    }
    for link in network.links().of(&deaf) {
        link.set(link.usual().held_back());
    }
    run.phase("a node hears no answers");
    network.links().restore();
    both_killed(&run, &spaces[0]);
    run.unharmed("all is well again");

    let Run { network, recorder, load } = run;
    load.settle();
    println!("{}", recorder.counts().lines());
    recorder.verdict(littoral().get_program().as_ref()).is_clean();
    assert_eq!(recorder.wrong(), Vec::<String>::new());
    drop(network);
}
