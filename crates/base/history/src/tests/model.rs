//! A key-value store that keeps its promises, and records what its clients see.

use fastrand::Rng;

use crate::{Op, Operation, Outcome};

/// How it may behave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) operations: usize,
    pub(super) keys: usize,
    pub(super) locations: usize,
    /// Locations may show what is older than the newest, as far as their promises go.
    pub(super) lags: bool,
    /// Some operations fail.
    pub(super) fails: bool,
}

/// One key: its states since the beginning, and how far each location has followed.
struct Key {
    /// The version and whether there is a value; the first is before all writes.
    states: Vec<(u64, bool)>,
    seen: Vec<usize>,
}

pub(super) struct Model {
    shape: Shape,
    rng: Rng,
    keys: Vec<Key>,
    version: u64,
    now: u64,
}

impl Model {
    pub(super) fn new(seed: u64, shape: Shape) -> Self {
        let key = || Key { states: vec![(0, false)], seen: vec![0; shape.locations] };
        let keys = (0..shape.keys).map(|_| key()).collect();
        Self { shape, rng: Rng::with_seed(seed), keys, version: 0, now: 1_000_000 }
    }

    /// The next operation. It takes effect at one moment between its start and its end.
    fn next(&mut self) -> Operation {
        self.now += self.rng.u64(1..1_000);
        let (key, location) =
            (self.rng.usize(..self.shape.keys), self.rng.usize(..self.shape.locations));
        let mut operation = Operation {
            process: self.rng.u8(..9).to_string(),
            location: format!("place-{location}"),
            op: Op::Get,
            key: format!("key-{key}"),
            version: None,
            min_version: None,
            if_match: None,
            start_ns: self.now - self.rng.u64(..5_000),
            end_ns: self.now + self.rng.u64(..5_000),
            outcome: Outcome::Ok,
        };
        match self.rng.u8(..10) {
            0..6 => self.read(&mut operation, key, location),
            6..8 => self.write(&mut operation, Op::Put, key, location),
            8 => self.write(&mut operation, Op::Delete, key, location),
            _ => self.compare(&mut operation, key, location),
        }
        operation
    }

    fn read(&mut self, operation: &mut Operation, key: usize, location: usize) {
        let Key { states, seen } = &mut self.keys[key];
        let newest = states.len() - 1;
        let mut least = if self.shape.lags { seen[location] } else { newest };
        if self.rng.bool() && newest > 0 {
            let shown = self.rng.usize(1..=newest);
            operation.min_version = Some(text(states[shown].0));
            least = least.max(shown);
        }
        if self.shape.fails && self.rng.u8(..20) == 0 {
            operation.outcome = Outcome::Refused;
            return;
        }
        seen[location] = self.rng.usize(least..=newest);
        let (version, is_there) = states[seen[location]];
        operation.outcome = if is_there { Outcome::Ok } else { Outcome::Absent };
        // Of what is absent, only some are told the version.
        let told = is_there || version > 0 && self.rng.bool();
        operation.version = told.then(|| text(version));
    }

    fn write(&mut self, operation: &mut Operation, op: Op, key: usize, location: usize) {
        operation.op = op;
        let fate = if self.shape.fails { self.rng.u8(..10) } else { 9 };
        self.version += 1;
        let version = text(self.version);
        if fate == 0 {
            operation.outcome = Outcome::Refused;
            operation.version = self.rng.bool().then_some(version);
            return;
        }
        let (happens, answered) = (fate != 1, fate > 2);
        if happens {
            self.keys[key].states.push((self.version, op != Op::Delete));
        }
        operation.outcome = if answered { Outcome::Ok } else { Outcome::Unknown };
        let told = if answered { op != Op::Delete || self.rng.bool() } else { self.rng.bool() };
        operation.version = told.then_some(version);
        if answered {
            self.keys[key].seen[location] = self.keys[key].states.len() - 1;
        }
    }

    fn compare(&mut self, operation: &mut Operation, key: usize, location: usize) {
        let states = &self.keys[key].states;
        let at = if self.rng.bool() { states.len() - 1 } else { self.rng.usize(..states.len()) };
        let (version, is_there) = states[at];
        let (newest, newest_is_there) = states[states.len() - 1];
        operation.if_match = is_there.then(|| text(version));
        let met = if is_there { version == newest } else { !newest_is_there };
        operation.op = Op::Cas;
        match met {
            true => self.write(operation, Op::Cas, key, location),
            false => operation.outcome = Outcome::Refused,
        }
    }
}

impl Iterator for Model {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        self.shape.operations = self.shape.operations.checked_sub(1)?;
        Some(Self::next(self))
    }
}

pub(super) fn text(version: u64) -> String {
    format!("{version:08x}")
}
