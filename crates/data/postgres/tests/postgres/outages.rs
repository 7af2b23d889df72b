//! The database killed under load, frozen, gone: nothing acknowledged is lost, nothing waits for
//! ever, and the store goes on by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use littoral_clock::{Chance, Hlc};
use littoral_postgres::testing::PASSWORD;
use littoral_postgres::{Options, Postgres};
use littoral_store::{Applied, Condition, Purge, Store as _, Write};
use littoral_types::Version;

use crate::relay::Relay;
use crate::world::{LONG, SPACE, World, applied, at, outbox, write};

const WRITERS: usize = 16;
const KILLS: usize = 4;
const BETWEEN_KILLS: u64 = 300;
const KEYS: u64 = 200;

/// Patience for tests.
fn quick() -> Options {
    Options {
        connect_time_max: Duration::from_millis(500),
        connection_wait_max: Duration::from_millis(500),
        call_time_max: Duration::from_millis(1500),
        statement_time_max: Duration::from_millis(1000),
        lock_time_max: Duration::from_millis(800),
        idle_transaction_time_max: Duration::from_millis(500),
        write_time_max: Duration::from_millis(2500),
        ..Options::default()
    }
}

struct Load {
    store: Arc<Postgres>,
    stop: AtomicBool,
    acknowledged: AtomicU64,
}

impl Load {
    /// Writes until told to stop; what was acknowledged, and what was refused.
    async fn write(&self, hlc: &Hlc, mut chance: Chance) -> (Vec<(u64, Bytes, Version)>, u64) {
        let (mut acks, mut refused) = (Vec::new(), 0);
        while !self.stop.load(Ordering::Acquire) {
            let (key, version) = (format!("key{}", chance.below(KEYS)), hlc.now());
            match self.store.apply(write(&key, version, "body")).await {
                Ok(Applied::Yes { position }) => {
                    acks.push((position.number, key.into(), version));
                    self.acknowledged.fetch_add(1, Ordering::AcqRel);
                }
                Ok(Applied::Newer { .. }) => {}
                Ok(applied) => panic!("{applied:?}"),
                Err(error) => {
                    assert!(!error.to_string().contains(PASSWORD), "{error}");
                    refused += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        (acks, refused)
    }

    async fn acknowledges(&self, more: u64, clock: &littoral_clock::Clock) {
        let wanted = self.acknowledged.load(Ordering::Acquire) + more;
        let seen = async {
            while self.acknowledged.load(Ordering::Acquire) < wanted {
                clock.sleep(Duration::from_millis(5)).await;
            }
        };
        clock.timeout(LONG, seen).await.expect("writes go on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_has_every_acknowledged_write_and_numbers_them_all() {
    let mut world = World::start().await;
    let load = Arc::new(Load {
        store: world.open(quick()),
        stop: AtomicBool::new(false),
        acknowledged: AtomicU64::new(0),
    });
    let mut chance = Chance::from_machine();
    let hlc = Arc::new(Hlc::new(world.clock.clone(), &mut chance, Duration::from_secs(1)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (load, hlc, chance) = (load.clone(), hlc.clone(), chance.fork());
            let (told, result) = tokio::sync::oneshot::channel();
            world.tasks.spawn(littoral_tasks::TaskKind::Write, async move {
                drop(told.send(load.write(&hlc, chance).await));
            });
            result
        })
        .collect();
    for round in 0..KILLS {
        load.acknowledges(BETWEEN_KILLS, &world.clock).await;
        world.server.kill();
        world.server.restart();
        println!("kill {round}: {} acknowledged", load.acknowledged.load(Ordering::Acquire));
    }
    load.acknowledges(BETWEEN_KILLS, &world.clock).await;
    load.stop.store(true, Ordering::Release);
    let done: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let refused: u64 = done.iter().map(|(_, refused)| refused).sum();
    let acks: Vec<_> = done.into_iter().flat_map(|(acks, _)| acks).collect();

    let store = world.open(quick());
    let records = outbox(&store).await;
    println!("{} acknowledged, {refused} refused, {} records", acks.len(), records.len());
    assert!(refused > 0, "the kills were noticed");
    for (number, key, version) in acks {
        let purge = Purge::Write { key: key.clone(), version, live: true };
        // One found after its commit's answer was lost has a position at or after its own.
        let found = records[..number as usize].iter().rev().any(|record| record.purge == purge);
        assert!(found, "{key:?} {version} was acknowledged at {number}");
        let row = store.get(SPACE, key).await.unwrap().row.unwrap();
        assert!(row.version >= version);
    }
    let rows = world.sql("SELECT count(*) FROM littoral_rows").await;
    let keys = world.sql("SELECT count(DISTINCT key) FROM littoral_outbox").await;
    assert_eq!(rows, keys, "nothing is committed and unnumbered");
    let newest = world
        .sql(
            "SELECT count(*) FROM littoral_rows r WHERE version <> \
         (SELECT version FROM littoral_outbox o WHERE o.key = r.key ORDER BY number DESC LIMIT 1)",
        )
        .await;
    assert_eq!(newest, "0", "each row is what the last record of its key says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_database_keeps_nobody_waiting_past_the_limits() {
    let world = World::start().await;
    let options = quick();
    let store = world.open(options);
    applied(store.apply(write("a", at(1), "body")).await.unwrap());
    store.get(SPACE, "a".into()).await.unwrap();

    world.server.freeze();
    let began = world.clock.mono();
    let reads = (0..40).map(|_| store.get(SPACE, "a".into()));
    let writes = (0..40).map(|n| store.apply(write(&format!("key{n}"), at(2), "body")));
    let (reads, writes, outbox_read) =
        tokio::join!(join_all(reads), join_all(writes), store.outbox(1, 9));
    let took = world.clock.mono().since(began);
    assert!(reads.iter().all(Result::is_err) && writes.iter().all(Result::is_err));
    assert!(outbox_read.is_err(), "no heartbeat is made up");
    let limit = options.write_time_max + options.call_time_max + options.connect_time_max * 4;
    assert!(took < limit, "{took:?}");

    world.server.thaw();
    let goes_on = async {
        while store.apply(write("b", at(3), "body")).await.is_err() {}
        while store.get(SPACE, "b".into()).await.is_err() {}
    };
    world.clock.timeout(LONG, goes_on).await.expect("it goes on by itself");
    outbox(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_opens_before_its_database_does_and_says_no_password() {
    let mut world = World::start().await;
    world.server.kill();
    let store = world.open(quick());
    let began = world.clock.mono();
    let errors = [
        store.get(SPACE, "a".into()).await.unwrap_err().to_string(),
        store.apply(write("a", at(1), "body")).await.unwrap_err().to_string(),
        store.outbox(0, 9).await.unwrap_err().to_string(),
    ];
    assert!(world.clock.mono().since(began) < Duration::from_secs(2), "refused at once");
    for error in errors {
        assert!(error.contains("onnect") && !error.contains(PASSWORD), "{error}");
    }
    world.server.restart();
    let goes_on = async { while store.apply(write("a", at(2), "body")).await.is_err() {} };
    world.clock.timeout(LONG, goes_on).await.expect("it goes on by itself");
    assert_eq!(outbox(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_counts_once_and_is_never_denied() {
    let world = World::start().await;
    let relay = Relay::start(world.server.port(), &world.tasks).await;
    let address = world.server.address_through(relay.port);
    let store = world.open_at(&address, Options { writers: 1, ..Options::default() });
    applied(store.apply(write("before", at(1), "body")).await.unwrap());
    for (n, condition) in [Condition::Newer, Condition::Absent].into_iter().enumerate() {
        relay.lose(1);
        let key = format!("key{n}");
        let write = Write { condition, ..write(&key, at(2), "body") };
        let position = applied(store.apply(write).await.unwrap());
        assert_eq!((position.number, relay.has_lost()), (2 + n as u64, true));
    }

    // Of two writes of one key in one commit, the first is overwritten: whether it was applied
    // cannot be seen any more, and so it is not said. They wait together behind a third.
    let holder = world.connect().await;
    holder.batch_execute("BEGIN; SELECT * FROM littoral_rows FOR UPDATE").await.unwrap();
    let behind = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        while world.sql(waiting).await == "0" {}
        relay.lose(2);
        let both = [at(3), at(4)].map(|version| store.apply(write("twice", version, "body")));
        tokio::join!(join_all(both), holder.batch_execute("COMMIT")).0
    };
    let (third, both) = tokio::join!(store.apply(write("before", at(3), "body")), behind);
    applied(third.unwrap());
    assert!(relay.has_lost());
    let [Err(error), Ok(Applied::Yes { .. })] = &both[..] else { panic!("{both:?}") };
    assert!(error.to_string().contains("is not known"), "{error}");
    assert_eq!(outbox(&store).await.len(), 6, "nothing was applied twice");
}
