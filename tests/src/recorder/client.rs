//! A client that reads and writes a few keys at one node, and tells the recorder.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::counts::{Kind, Seen};
use super::{Operation, Presence, Recorder};
use crate::chance::Chance;
use crate::namespace::Namespace;
use crate::network::Node;
use crate::wire::{Connection, Request, Response};

/// What a client does, in percent of its operations; what is left are plain reads.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub keys: u64,
    pub writes: u64,
    pub deletes: u64,
    /// Writes and deletes where the home store decides, most of them on a condition.
    pub compared: u64,
    /// Reads that show a version: one that this client saw, or one that anybody was told.
    pub minimum_reads: u64,
    /// Between two operations.
    pub pause: Duration,
    /// Longest wait for an answer.
    pub patience: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            keys: 40,
            writes: 12,
            deletes: 3,
            compared: 10,
            minimum_reads: 35,
            pause: Duration::ZERO,
            patience: Duration::from_secs(10),
        }
    }
}

/// One client; a process of the history.
#[derive(Debug)]
pub struct Client {
    recorder: Arc<Recorder>,
    process: u64,
    location: String,
    at: SocketAddr,
    presence: Arc<Presence>,
    plain: Namespace,
    compared: Namespace,
    habits: Habits,
    chance: Chance,
    connection: Option<Connection>,
    /// The newest version of each key that this client was told of.
    seen: HashMap<String, String>,
}

/// What a request asked, in the words of a history.
struct Asked<'a> {
    op: &'static str,
    key: &'a str,
    kind: Kind,
    min_version: Option<String>,
    if_match: Option<String>,
    number: Option<u64>,
}

impl Client {
    /// Of two namespaces, of which the second has `compare = true`.
    pub fn new(
        recorder: &Arc<Recorder>,
        process: u64,
        node: &Node,
        presence: &Arc<Presence>,
        [plain, compared]: &[Namespace; 2],
        habits: Habits,
    ) -> Self {
        Self {
            recorder: Arc::clone(recorder),
            process,
            location: node.name.clone(),
            at: node.address,
            presence: Arc::clone(presence),
            plain: plain.at(node.address),
            compared: compared.at(node.address),
            habits,
            chance: Chance::new(process.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            connection: None,
            seen: HashMap::new(),
        }
    }

    /// Goes on until told to stop.
    pub fn run(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            self.step();
            if !self.habits.pause.is_zero() {
                std::thread::park_timeout(self.habits.pause);
            }
        }
    }

    /// One operation.
    pub fn step(&mut self) {
        let Habits { writes, deletes, compared, minimum_reads, .. } = self.habits;
        let n = self.chance.below(self.habits.keys);
        let mut roll = self.chance.below(100);
        let mut is = |share: u64| {
            let hit = roll < share;
            roll = roll.saturating_sub(share).saturating_add(if hit { 1_000 } else { 0 });
            hit
        };
        if is(writes) {
            self.write(&format!("k{n}"), false);
        } else if is(deletes) {
            self.delete(&format!("k{n}"), false);
        } else if is(compared) {
            self.compare(&format!("c{n}"));
        } else {
            let minimum = is(minimum_reads);
            let key = format!("{}{n}", if self.chance.below(4) == 0 { 'c' } else { 'k' });
            self.read(&key, minimum);
        }
    }

    /// One read of each key, to see where all has come to.
    pub fn read_all(&mut self) {
        for n in 0..self.habits.keys {
            self.read(&format!("k{n}"), false);
            self.read(&format!("c{n}"), false);
        }
    }

    fn space(&self, key: &str) -> &Namespace {
        if key.starts_with('c') { &self.compared } else { &self.plain }
    }

    fn read(&mut self, key: &str, minimum: bool) {
        let known = if !minimum {
            None
        } else if self.chance.below(2) == 0 {
            self.seen.get(key).cloned()
        } else {
            self.recorder.newest(key)
        };
        let mut request = self.space(key).value("GET", key);
        if let Some(version) = &known {
            request = request.header("Littoral-Min-Version", version);
        }
        let kind = if known.is_some() { Kind::MinimumRead } else { Kind::PlainRead };
        let asked =
            Asked { op: "get", key, kind, min_version: known, if_match: None, number: None };
        self.ask(&request, asked);
    }

    fn write(&mut self, key: &str, compared: bool) {
        let (number, body) = self.value(key);
        let request = self.space(key).value("PUT", key).body(body);
        let asked = Asked { op: "put", number, ..Asked::write(key, compared) };
        self.ask(&request, asked);
    }

    fn delete(&mut self, key: &str, compared: bool) {
        let request = self.space(key).value("DELETE", key);
        self.ask(&request, Asked { op: "delete", ..Asked::write(key, compared) });
    }

    fn compare(&mut self, key: &str) {
        match self.chance.below(10) {
            0 => return self.delete(key, true),
            1..=2 => return self.write(key, true),
            _ => {}
        }
        let (number, body) = self.value(key);
        let request = self.space(key).value("PUT", key).body(body);
        let known = self.seen.get(key).cloned();
        let request = match &known {
            Some(version) => request.header("If-Match", format!("\"{version}\"")),
            None => request.header("If-None-Match", "*"),
        };
        let asked = Asked { op: "cas", number, if_match: known, ..Asked::write(key, true) };
        self.ask(&request, asked);
    }

    fn value(&self, key: &str) -> (Option<u64>, String) {
        let number = self.recorder.number();
        (Some(number), format!("{key} {number}"))
    }

    /// Sends it, and records what came of it.
    fn ask(&mut self, request: &Request, asked: Asked<'_>) {
        let mark = self.presence.mark();
        let start_ns = self.recorder.now_ns();
        let answer = self.send(request);
        let end_ns = self.recorder.now_ns();
        let away = mark % 2 == 1 || self.presence.mark() != mark;
        let (outcome, seen) = asked.judged(answer.as_ref(), away);
        let version = answer.as_ref().and_then(version).filter(|_| outcome != "unknown");
        let told = match (asked.op, outcome) {
            ("get", "ok") => answer.as_ref().and_then(number),
            (_, "ok") => asked.number,
            _ => None,
        };
        // A refusal tells what there is, which is not what this operation made.
        let of_this = version.filter(|_| outcome != "refused");
        let operation = Operation {
            process: self.process,
            location: &self.location,
            op: asked.op,
            key: asked.key,
            version: of_this,
            min_version: asked.min_version.as_deref(),
            if_match: asked.if_match.as_deref(),
            start_ns,
            end_ns,
            outcome,
        };
        self.recorder.record(&operation, told, asked.kind, seen);
        if let Some(answer) = answer.as_ref().filter(|_| outcome == "ok") {
            self.recorder.earlier(&operation, earlier(answer));
        }
        if let Some(version) = version {
            match (asked.op, outcome, asked.key) {
                // What a condition met may be a deleted key: then there must be none.
                ("get", "absent", key) if key.starts_with('c') => {
                    self.seen.remove(key);
                }
                (_, _, key) => {
                    let newest = self.seen.entry(key.to_owned()).or_default();
                    if **newest < *version {
                        version.clone_into(newest);
                    }
                }
            }
        }
    }

    fn send(&mut self, request: &Request) -> Option<Response> {
        let patience = self.habits.patience;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::try_open_within(self.at, patience).ok()?,
        };
        let answer = connection.try_send(request).ok()?;
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Some(answer)
    }
}

impl<'a> Asked<'a> {
    fn write(key: &'a str, compared: bool) -> Self {
        let kind = if compared { Kind::ComparedWrite } else { Kind::PlainWrite };
        Self { op: "put", key, kind, min_version: None, if_match: None, number: None }
    }

    /// How it ended: for the history, and for the client.
    fn judged(&self, answer: Option<&Response>, away: bool) -> (&'static str, Seen) {
        let Some(answer) = answer else {
            return ("unknown", if away { Seen::Away } else { Seen::Nothing });
        };
        match (answer.status, self.op) {
            // Nothing in a history says so: what was shown is not judged.
            (200 | 404, "get") if is_marked(answer) => ("unknown", Seen::Marked),
            (200, _) => ("ok", Seen::Answered),
            (404, "get") if answer.code() == Some(10_009) => ("absent", Seen::Answered),
            (412, _) => ("refused", Seen::Answered),
            (status, _) => {
                let refused = Seen::Refused(status, answer.code().unwrap_or_default());
                let outcome = if status < 500 { "refused" } else { "unknown" };
                (outcome, if away { Seen::Away } else { refused })
            }
        }
    }
}

/// Of the value that is shown, or of the write.
fn version(answer: &Response) -> Option<&str> {
    let quoted = answer.header("littoral-version").or_else(|| answer.header("etag"))?;
    Some(quoted.trim_matches('"')).filter(|version| !version.is_empty())
}

/// The stamps that the write had before the one that it was answered with.
fn earlier(answer: &Response) -> impl Iterator<Item = &str> {
    let all = answer.header("littoral-earlier-versions").unwrap_or_default();
    all.split(',').map(str::trim).filter(|version| !version.is_empty())
}

/// Which write's value an answer shows.
fn number(answer: &Response) -> Option<u64> {
    std::str::from_utf8(&answer.body).ok()?.rsplit(' ').next()?.parse().ok()
}

/// Whether an answer says of itself that nobody could be asked, or not everybody who had to be.
fn is_marked(answer: &Response) -> bool {
    answer.header("cache-status").is_some_and(|status| status.contains("detail=stale"))
}
