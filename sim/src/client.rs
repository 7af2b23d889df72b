//! Clients: each does one thing after another, mostly at one location, and notes what it saw.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Chance;
use littoral_kv::{Error, Kv, Precondition, Put, ReadOptions};
use littoral_peer::Outcome as HopOutcome;
use littoral_types::{Body, Ctx, Version};

use crate::history::{Kind, Operation, Outcome};
use crate::node::Running;
use crate::world::World;

const CLIENTS: usize = 18;
const KEYS: u64 = 6;
/// Clients that move on stay with two keys for so long.
const MOVING_S: u64 = 4;
/// Then they begin anew.
const MOVING_KEYS: u64 = 16;
/// The longest a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// The newest version anybody has shown anybody, by key.
type Shown = Arc<Mutex<HashMap<(usize, Bytes), Known>>>;

#[derive(Clone, Copy, Default)]
struct Known {
    newest: Version,
    before: Version,
}

struct Client<'a> {
    world: &'a World,
    process: usize,
    home: u16,
    chance: Chance,
    shown: Shown,
    writes: u64,
}

/// What is about to be done.
struct Intent {
    kind: Kind,
    space: usize,
    key: Bytes,
    location: u16,
    minimum: Option<Version>,
}

/// What came of it.
#[derive(Default)]
struct Seen {
    version: Option<Version>,
    replaces: Option<Version>,
    marked: bool,
    age: Duration,
    body: Option<Bytes>,
}

/// Runs all clients to the end of their operations.
pub(crate) async fn start(world: &World, operations: usize, mut chance: Chance) {
    let shown = Shown::default();
    let clients = (0..CLIENTS).map(|process| {
        let client = Client {
            world,
            process,
            home: (process as u16) % world.places.count(),
            chance: chance.fork(),
            shown: Arc::clone(&shown),
            writes: 0,
        };
        client.run(operations.div_ceil(CLIENTS))
    });
    futures_util::future::join_all(clients.collect::<Vec<_>>()).await;
}

impl Client<'_> {
    async fn run(mut self, operations: usize) {
        let mut done = 0;
        while done < operations {
            let pause = self.pause();
            self.world.clock.sleep(pause).await;
            let intent = self.intent();
            if let Some(running) = self.world.running(intent.location) {
                self.act(intent, running).await;
                done += 1;
            }
        }
    }

    /// Mostly hurried, now and then long enough for entries to age.
    fn pause(&mut self) -> Duration {
        let most = if self.chance.happens(0.1) { 6_000 } else { 600 };
        Duration::from_millis(self.chance.below(most))
    }

    fn intent(&mut self) -> Intent {
        let space = usize::from(self.chance.happens(0.3));
        let key = self.key();
        let away = self.chance.happens(0.25);
        let places = self.world.places.count();
        let location = if away { self.chance.below(places.into()) as u16 } else { self.home };
        let kind = match self.chance.below(100) {
            0..62 => Kind::Get,
            62..82 => Kind::Put,
            82..88 => Kind::Delete,
            _ => Kind::CompareAndSet,
        };
        let shows = kind == Kind::Get && self.chance.happens(0.3);
        let minimum = if shows { self.known(space, &key) } else { None };
        Intent { kind, space, key, location, minimum }
    }

    fn key(&mut self) -> Bytes {
        let number = if self.world.moving {
            self.world.now().as_secs() / MOVING_S % MOVING_KEYS + self.chance.below(2)
        } else {
            self.chance.below(KEYS)
        };
        Bytes::from(format!("k{number}"))
    }

    fn known(&self, space: usize, key: &Bytes) -> Option<Version> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.get(&(space, key.clone())).map(|known| known.newest)
    }

    /// The version to compare with: mostly the newest, now and then one that may be overwritten;
    /// without any, absence.
    fn expected(&mut self, intent: &Intent) -> Option<Version> {
        let late = self.chance.happens(0.3);
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shown.get(&(intent.space, intent.key.clone()))?;
        let version = if late { known.before } else { known.newest };
        Some(version).filter(|version| !version.is_zero())
    }

    fn show(&self, intent: &Intent, version: Version) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shown.entry((intent.space, intent.key.clone())).or_default();
        if version > known.newest {
            *known = Known { newest: version, before: known.newest };
        }
    }

    async fn act(&mut self, intent: Intent, running: Running) {
        let start = self.world.now();
        let body = Bytes::from(format!("{}-{}", self.process, self.writes));
        self.writes += 1;
        let replaces = self.expected(&intent);
        let world = self.world;
        let work = perform(world, &running.kv, &intent, body.clone(), replaces);
        let (outcome, mut seen) = tokio::select! {
            biased;
            () = running.killed.wait() => (Outcome::Unknown, Seen::default()),
            done = work => done,
        };
        if let Some(version) = seen.version {
            self.show(&intent, version);
        }
        if intent.kind != Kind::Get {
            seen.body = Some(body);
        }
        if intent.kind == Kind::CompareAndSet {
            seen.replaces = replaces;
        }
        let Intent { kind, space, key, location, minimum } = intent;
        let Seen { version, replaces, marked, age, body } = seen;
        let operation = Operation {
            process: self.process,
            location,
            life: running.life,
            kind,
            space,
            key,
            version,
            minimum,
            replaces,
            start,
            end: world.now(),
            outcome,
            marked,
            age,
            body,
        };
        world.say(|| format!("{operation:?}"));
        world.ledger.lock().operations.push(operation);
    }
}

async fn perform(
    world: &World,
    kv: &Kv,
    intent: &Intent,
    body: Bytes,
    replaces: Option<Version>,
) -> (Outcome, Seen) {
    let deadline = kv.clock().after(PATIENCE);
    let ctx = Ctx { deadline, minimum: intent.minimum, ..Ctx::default() };
    let namespace = &world.namespaces[intent.space];
    let key = intent.key.clone();
    let put = |precondition| Put { body: Body::Bytes(body), precondition, ..Put::default() };
    let written = match intent.kind {
        Kind::Get => {
            let read = kv.get(&ctx, namespace, key, ReadOptions::default()).await;
            return seen(world, read);
        }
        Kind::Put => kv.put(&ctx, namespace, key, put(Precondition::None)).await,
        Kind::Delete => kv.delete(&ctx, namespace, key, Precondition::None).await,
        Kind::CompareAndSet => {
            let precondition = replaces.map_or(Precondition::Absent, Precondition::Version);
            kv.put(&ctx, namespace, key, put(precondition)).await
        }
    };
    match written {
        Ok(written) => (Outcome::Ok, Seen { version: Some(written.version), ..Seen::default() }),
        Err(Error::Precondition { .. } | Error::Skew(_)) => (Outcome::Refused, Seen::default()),
        Err(_) => (Outcome::Unknown, Seen::default()),
    }
}

fn seen(world: &World, read: Result<littoral_kv::Value, Error>) -> (Outcome, Seen) {
    let value = match read {
        Ok(value) => value,
        Err(Error::MinimumUnmet { .. }) => return (Outcome::Refused, Seen::default()),
        Err(_) => return (Outcome::Unknown, Seen::default()),
    };
    let mut inner = world.ledger.lock();
    for hop in value.hops.iter() {
        inner.tally.outcome(hop.outcome);
    }
    drop(inner);
    let marked = value.hops.iter().any(|hop| hop.outcome == HopOutcome::Stale);
    let body = match &value.body {
        Body::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    };
    let outcome = if body.is_some() { Outcome::Ok } else { Outcome::Absent };
    let version = Some(value.version);
    (outcome, Seen { version, replaces: None, marked, age: value.age, body })
}
