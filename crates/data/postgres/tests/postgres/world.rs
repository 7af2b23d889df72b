//! A server with the tables, and stores on it as several nodes would have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_postgres::testing::Server;
use littoral_postgres::{Address, Options, Postgres, migrate};
use littoral_store::{Applied, Condition, Record, Row, Staging, Store, Write};
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Body, Position, SpaceId, Version, Wall};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

pub(crate) const SPACE: SpaceId = SpaceId(7);
/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) dir: TempDir,
    nodes: AtomicUsize,
}

impl World {
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path(), &[]);
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        Self { server, clock, tasks, dir, nodes: AtomicUsize::new(0) }
    }

    pub(crate) async fn start() -> Self {
        let world = Self::empty();
        migrate(&world.server.address(), &world.clock).await.unwrap();
        world
    }

    /// Another node's store.
    pub(crate) fn open(&self, options: Options) -> Arc<Postgres> {
        self.open_at(&self.server.address(), options)
    }

    pub(crate) fn open_at(&self, address: &Address, options: Options) -> Arc<Postgres> {
        let node = self.nodes.fetch_add(1, Ordering::Relaxed);
        let staging = Staging::open(&self.dir.path().join(format!("staging{node}"))).unwrap();
        Postgres::open(address, Arc::new(staging), options, self.clock.clone(), &self.tasks)
            .unwrap()
    }

    /// A connection of the test's own.
    pub(crate) async fn connect(&self) -> Client {
        let url = self.server.url(self.server.port());
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        self.tasks.spawn(TaskKind::Connection, async move { drop(connection.await) });
        client
    }

    /// Whatever is asked of the database itself: the first column of the last row, as text.
    pub(crate) async fn sql(&self, sql: &str) -> String {
        let messages = self.connect().await.simple_query(sql).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        rows.last().unwrap_or_default().to_owned()
    }
}

pub(crate) fn write(key: &str, version: Version, body: impl Into<Bytes>) -> Write {
    Write {
        space: SPACE,
        key: Bytes::copy_from_slice(key.as_bytes()),
        row: Row { version, body: Body::Bytes(body.into()), ..Row::default() },
        condition: Condition::Newer,
        now: version.wall(),
    }
}

pub(crate) fn at(ms: u64) -> Version {
    Version::new(Wall(ms), 0, 1)
}

/// What must have been applied.
pub(crate) fn applied(applied: Applied) -> Position {
    match applied {
        Applied::Yes { position } => position,
        applied => panic!("{applied:?}"),
    }
}

/// The whole outbox, whose numbers have no gap.
pub(crate) async fn outbox(store: &Postgres) -> Vec<Record> {
    let (mut records, mut through) = (Vec::new(), 0);
    loop {
        let page = store.outbox(through, 5000).await.unwrap();
        assert_eq!(page.forgotten, 0);
        if page.through.number == through {
            break;
        }
        through = page.through.number;
        records.extend(page.records);
    }
    for (number, record) in (1..).zip(&records) {
        assert_eq!(record.number, number, "a gap, or a number twice");
    }
    assert_eq!(records.len() as u64, through);
    records
}

pub(crate) async fn reaches(store: &Postgres, number: u64) {
    let mut committed = store.committed();
    committed.wait_for(|position| position.number >= number).await.unwrap();
}
