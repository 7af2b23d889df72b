//! The load: readers, writers, deleters, listers, watchers and keys that expire, at every location.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Scope;
use std::time::Duration;

use littoral_tests::{Chance, Connection, Dev, Namespace, Request, marked, number_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Delete,
    List,
    Event,
    Expiring,
    Import,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Read, "reads"),
    (Kind::Write, "writes"),
    (Kind::Delete, "deletes"),
    (Kind::List, "lists"),
    (Kind::Event, "events"),
    (Kind::Expiring, "expiring"),
    (Kind::Import, "imports"),
];

/// How often each was done.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; KINDS.len()]);

impl Counts {
    pub(crate) fn add(&self, kind: Kind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> [u64; KINDS.len()] {
        std::array::from_fn(|n| self.0[n].load(Ordering::Relaxed))
    }
}

pub(crate) fn rates(
    before: &[u64; KINDS.len()],
    now: &[u64; KINDS.len()],
    time: Duration,
) -> String {
    let rate = |n: usize| (now[n] - before[n]) as f64 / time.as_secs_f64();
    let words = KINDS.iter().enumerate().map(|(n, (_, name))| format!("{:.1} {name}", rate(n)));
    words.collect::<Vec<_>>().join(", ")
}

/// Keys that live, and that expire: a bounded number, so that what is held can be flat.
const KEYS: u64 = 4_000;
const EXPIRING_KEYS: u64 = 1_000;
/// A watch is ended and begun anew after so many events.
const EVENTS_PER_WATCH: usize = 500;

/// Starts everything; it ends when `over` says so.
pub(crate) fn start<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    dev: &'env Dev,
    namespace: &'env Namespace,
    counts: &'env Counts,
    over: &'env AtomicBool,
) {
    for (n, location) in dev.locations().iter().enumerate() {
        let at = location.address;
        let worker = move |seed: u64, steps: fn(&mut Worker<'_>)| {
            move || {
                let connection = Connection::open(at);
                let chance = Chance::new(seed + n as u64 * 100);
                let mut worker = Worker { namespace, counts, connection, chance };
                while !over.load(Ordering::Relaxed) {
                    steps(&mut worker);
                }
            }
        };
        scope.spawn(worker(1, |worker| worker.read()));
        scope.spawn(worker(2, |worker| worker.change()));
    }
    let [first, .., last] = dev.locations() else { return };
    for at in [first.address, last.address] {
        scope.spawn(move || watch(at, namespace, counts, over));
    }
}

struct Worker<'a> {
    namespace: &'a Namespace,
    counts: &'a Counts,
    connection: Connection,
    chance: Chance,
}

impl Worker<'_> {
    fn key(&mut self) -> String {
        format!("k/{:04}", self.chance.below(KEYS))
    }

    fn send(&mut self, kind: Kind, request: &Request) -> littoral_tests::Response {
        let answer = self.connection.send(request);
        assert!(matches!(answer.status, 200 | 404), "{} {}", answer.status, answer.message());
        self.counts.add(kind);
        answer
    }

    fn read(&mut self) {
        if self.chance.below(200) == 0 {
            let prefix = format!("/keys?prefix=k/{}&limit=100", self.chance.below(4));
            let request = self.namespace.request("GET", &prefix);
            self.send(Kind::List, &request);
            return;
        }
        let key = self.key();
        let request = self.namespace.value("GET", &key);
        let answer = self.send(Kind::Read, &request);
        let whole = answer.status == 404 || number_of(&key, &answer.body).is_some();
        assert!(whole, "{key}: a torn value");
    }

    fn change(&mut self) {
        let key = self.key();
        let number = self.chance.number();
        match self.chance.below(20) {
            0..3 => {
                let request = self.namespace.value("DELETE", &key);
                self.send(Kind::Delete, &request);
            }
            3 => {
                let name = format!("/values/e%2F{}?expiration_ttl=60", number % EXPIRING_KEYS);
                let request = self.namespace.request("PUT", &name).body("soon gone");
                self.send(Kind::Expiring, &request);
            }
            what => {
                let len = if what == 4 && number.is_multiple_of(20) { 300_000 } else { 1_000 };
                let request = self.namespace.value("PUT", &key).body(marked(&key, number, len));
                self.send(Kind::Write, &request);
            }
        }
    }
}

/// Watches everything, and goes away in the middle, as clients do.
fn watch(at: SocketAddr, namespace: &Namespace, counts: &Counts, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let (_, lines) = Connection::open(at).lines(&namespace.request("GET", "/watch"));
        for line in lines.take(EVENTS_PER_WATCH * 3) {
            if line.starts_with("data") {
                counts.add(Kind::Event);
            }
            if over.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}
