//! Clients at every node of a network, each on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use super::{Client, Habits, Presence, Recorder};
use crate::namespace::Namespace;
use crate::network::Network;
use crate::wait::{Stopwatch, until};

/// A load that goes on until it is dropped or stopped.
#[derive(Debug)]
pub struct Load {
    recorder: Arc<Recorder>,
    names: Vec<String>,
    presences: Vec<Arc<Presence>>,
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<Client>>,
}

/// From the last write on: when edges are made to ask anew, and when what they show is recorded.
const ASK_ANEW: Duration = Duration::from_secs(5);
const SETTLED: Duration = Duration::from_secs(8);

impl Load {
    /// The namespaces that a load uses: the second has `compare = true`.
    #[track_caller]
    pub fn spaces(network: &Network) -> [Namespace; 2] {
        [false, true].map(|compare| {
            let title = if compare { "compared" } else { "plain" };
            network.namespace(title, &json!({ "refresh_s": 1, "compare": compare }))
        })
    }

    /// So many clients at each node.
    ///
    /// # Panics
    /// When the machine gives no threads.
    pub fn start(
        network: &Network,
        recorder: &Arc<Recorder>,
        spaces: &[Namespace; 2],
        per_node: u64,
        habits: Habits,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut load = Self {
            recorder: Arc::clone(recorder),
            names: network.nodes().iter().map(|node| node.name.clone()).collect(),
            presences: network.nodes().iter().map(|_| Arc::default()).collect(),
            stop,
            running: Vec::new(),
        };
        for turn in 0..per_node {
            for (at, node) in network.nodes().iter().enumerate() {
                let process = turn * network.nodes().len() as u64 + at as u64 + 1;
                let presence = &load.presences[at];
                let mut client = Client::new(recorder, process, node, presence, spaces, habits);
                let stop = Arc::clone(&load.stop);
                let run = move || {
                    client.run(&stop);
                    client
                };
                let thread = std::thread::Builder::new().name(format!("client-{process}"));
                load.running.push(thread.spawn(run).expect("a thread"));
            }
        }
        load
    }

    /// How clients see a node.
    ///
    /// # Panics
    /// When there is no node of that name.
    pub fn presence(&self, name: &str) -> &Presence {
        let at = self.names.iter().position(|one| one == name).expect("a node's name");
        &self.presences[at]
    }

    /// Ends all clients, lets everything settle, and records what every node shows then.
    ///
    /// # Panics
    /// When a client did.
    pub fn settle(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut clients: Vec<Client> =
            self.running.drain(..).map(|client| client.join().expect("a client ends")).collect();
        // One at each node.
        clients.truncate(self.names.len());
        let watch = Stopwatch::start();
        let passed =
            |time| until("time passes", time * 2, || (watch.elapsed() > time).then_some(()));
        passed(ASK_ANEW);
        self.recorder.phase("edges ask anew");
        clients.iter_mut().for_each(Client::read_all);
        passed(SETTLED);
        self.recorder.ends();
        clients.iter_mut().for_each(Client::read_all);
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.running.drain(..) {
            // What it panicked with has been shown.
            let _ = client.join();
        }
    }
}
