//! Every node is restarted in turn, as an upgrade does it, and nobody loses a request.

use std::sync::Arc;
use std::time::Duration;

use littoral_tests::{
    Connection, Habits, Kind, Load, Namespace, Network, NetworkOptions, Node, Recorder, littoral,
    until,
};

const PATIENCE: Duration = Duration::from_secs(60);
/// Answered by the others while a node is restarted.
const MEANWHILE: u64 = 100;

/// A write that a node has begun to take; its other half.
struct Half {
    connection: Connection,
    rest: Vec<u8>,
}

impl Half {
    fn begin(namespace: &Namespace, node: &Node, key: &str) -> Self {
        let (half, rest) = (vec![b'a'; 10_000], vec![b'b'; 10_000]);
        let mut connection = Connection::open(node.address);
        let head = namespace
            .value("PUT", key)
            .header("Content-Length", (half.len() + rest.len()).to_string())
            .header("Expect", "100-continue");
        // It says so once it reads the body: the request is accepted.
        assert_eq!(connection.send(&head).status, 100);
        connection.write(&half).expect("it is taken");
        Self { connection, rest }
    }

    /// The version of the write.
    fn end(mut self, node: &str) -> String {
        self.connection.write(&self.rest).expect("it is taken");
        let answer = self.connection.answer(false);
        let answer = answer.unwrap_or_else(|error| panic!("{node} lost what it accepted: {error}"));
        let answer = answer.expect(200);
        answer.header("littoral-version").expect("a write says its version").to_owned()
    }
}

#[test]
fn a_rolling_restart_loses_no_request() {
    let network = Network::start(&NetworkOptions { postgres: false, ..NetworkOptions::default() });
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Arc::new(Recorder::new(&folder.path().join("history.jsonl")));
    let spaces = Load::spaces(&network);
    let habits = Habits { pause: Duration::from_millis(5), compared: 0, ..Habits::default() };
    let load = Load::start(&network, &recorder, &spaces, 2, habits);
    recorder.phase("restarting");
    let answered = || recorder.counts().answered("restarting", Kind::PlainRead);
    until("there is a load", PATIENCE, || (answered() > MEANWHILE).then_some(()));

    for (at, node) in network.nodes().iter().enumerate() {
        let before = (network.id(&node.name), answered());
        let key = format!("half {at}");
        let half = Half::begin(&spaces[0], node, &key);
        load.presence(&node.name).take_away();
        network.ask_to_end(&node.name);
        until("it takes no more connections", PATIENCE, || {
            Connection::try_open(node.address).is_err().then_some(())
        });
        assert!(network.runs(&node.name), "it waits for what it accepted");
        let version = half.end(&node.name);
        network.ended(&node.name);
        until("the others go on", PATIENCE, || (answered() > before.1 + MEANWHILE).then_some(()));
        network.up(&[&node.name]);
        load.presence(&node.name).bring_back();
        assert_ne!(network.id(&node.name), before.0);
        for other in network.nodes() {
            let read = spaces[0].value("GET", &key).header("Littoral-Min-Version", &version);
            let answer = spaces[0].at(other.address).send(&read).expect(200);
            assert_eq!(answer.body.len(), 20_000, "at {}", other.name);
        }
    }
    let counts = recorder.counts();
    for kind in [Kind::PlainRead, Kind::PlainWrite] {
        assert_eq!(counts.failed("restarting", kind), 0, "{kind:?}:\n{}", counts.lines());
    }
    load.settle();
    println!("{}", recorder.counts().lines());
    recorder.verdict(littoral().get_program().as_ref()).is_clean();
    assert_eq!(recorder.wrong(), Vec::<String>::new());
}
