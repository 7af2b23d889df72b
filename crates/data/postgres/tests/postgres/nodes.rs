//! Several nodes on one database: one order of numbers, whoever writes and whoever is cut off.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use littoral_clock::{Chance, Hlc};
use littoral_postgres::Options;
use littoral_store::{Applied, List, Purge, Scope, Store as _};
use littoral_types::Version;

use crate::world::{LONG, SPACE, World, applied, at, outbox, reaches, write};

const WRITERS: u64 = 24;
const WRITES: u64 = 40;
const KEYS: u64 = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_many_nodes_leave_one_stream_without_gaps() {
    let world = World::start().await;
    let options = |writers| Options { writers, ..Options::default() };
    let nodes: Vec<_> = [1, 2, 3].map(|writers| world.open(options(writers))).into();
    let mut chance = Chance::from_machine();
    let writers = (0..WRITERS).map(|writer| {
        let (node, mut chance) = (&nodes[writer as usize % nodes.len()], chance.fork());
        let hlc = Hlc::new(world.clock.clone(), &mut chance, Duration::from_secs(1));
        async move {
            let mut acks = Vec::new();
            for _ in 0..WRITES {
                let (key, version) = (chance.below(KEYS).to_string(), hlc.now());
                match node.apply(write(&key, version, "body")).await.unwrap() {
                    Applied::Yes { position } => acks.push((position.number, key, version)),
                    Applied::Newer { current, .. } => assert!(current > version),
                    applied => panic!("{applied:?}"),
                }
            }
            acks
        }
    });
    let acks: Vec<_> = join_all(writers).await.into_iter().flatten().collect();
    let records = outbox(&nodes[0]).await;
    assert_eq!(records.len(), acks.len(), "each applied write has one number");
    let mut newest: BTreeMap<String, Version> = BTreeMap::new();
    for record in &records {
        let Purge::Write { key, version, .. } = &record.purge else { panic!("{record:?}") };
        let key = String::from_utf8(key.to_vec()).unwrap();
        assert!(newest.insert(key.clone(), *version) < Some(*version), "{key} went back");
    }
    for (number, key, version) in acks {
        let live = true;
        let purge = Purge::Write { key: key.into(), version, live };
        assert_eq!(records[number as usize - 1].purge, purge, "as it was answered");
    }
    let list = List {
        space: SPACE,
        prefix: "".into(),
        after: None,
        reverse: false,
        limit: 99,
        values: false,
    };
    for node in &nodes {
        assert_eq!(outbox(node).await, records, "every node tells the same");
        let items = node.list(list.clone()).await.unwrap().items;
        let rows = items
            .into_iter()
            .map(|item| (String::from_utf8(item.key.to_vec()).unwrap(), item.row.version));
        assert_eq!(rows.collect::<BTreeMap<_, _>>(), newest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_writes_the_others_hear_of() {
    let world = World::start().await;
    // One that reads the stream only when it is asked to.
    let deaf = world.open(Options { poll_every: LONG, ..Options::default() });
    let (one, two) = (world.open(Options::default()), world.open(Options::default()));
    reaches(&deaf, 0).await;
    for ms in 1..=3 {
        applied(one.apply(write("a", at(ms), "body")).await.unwrap());
    }
    one.purge(SPACE, Scope::Everything).await.unwrap();
    reaches(&two, 4).await;
    // It may have been asked to read in between; that there is nothing more, it says of the database.
    let (mut heard, mut after) = (0, 0);
    loop {
        let page = deaf.outbox(after, 9).await.unwrap();
        if page.records.is_empty() {
            break;
        }
        (heard, after) = (heard + page.records.len(), page.through.number);
    }
    assert_eq!((heard, after), (4, 4), "read since it was asked");
    let page = deaf.outbox(4, 9).await.unwrap();
    assert_eq!((page.records.len(), page.through.number), (0, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_while_it_numbers_is_cut_off_and_its_numbers_are_nobodys() {
    let world = World::start().await;
    let idle = Duration::from_millis(700);
    let options = Options { idle_transaction_time_max: idle, ..Options::default() };
    let store = world.open(options);
    applied(store.apply(write("a", at(1), "body")).await.unwrap());

    // A publisher that has taken a number and written its record, and then says nothing more.
    let stopped = world.connect().await;
    stopped
        .batch_execute(
            "SET idle_in_transaction_session_timeout = 700; BEGIN; \
             UPDATE littoral_stream SET number = number + 1; \
             INSERT INTO littoral_outbox SELECT number, now(), '\\x00', 6, '', '' \
             FROM littoral_stream",
        )
        .await
        .unwrap();
    let writes = (0..10).map(|n| store.apply(write(&format!("key{n}"), at(2), "body")));
    let numbers: Vec<_> = try_join_all(writes)
        .await
        .unwrap()
        .into_iter()
        .map(|write| applied(write).number)
        .collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (2..=11).collect::<Vec<_>>(), "the number it took is given again");
    assert!(stopped.batch_execute("COMMIT").await.is_err(), "it has no transaction any more");
    assert_eq!(outbox(&store).await.len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_records_are_forgotten_and_every_node_says_so() {
    let world = World::start().await;
    let (one, two) = (world.open(Options::default()), world.open(Options::default()));
    for ms in 1..=20 {
        applied(one.apply(write("a", at(ms), "body")).await.unwrap());
    }
    assert_eq!(one.trim_outbox(LONG).await.unwrap(), 0);
    assert_eq!(one.trim_outbox(Duration::ZERO).await.unwrap(), 20);
    assert_eq!(world.sql("SELECT count(*) FROM littoral_outbox").await, "0");
    let after = applied(one.apply(write("a", at(21), "body")).await.unwrap());
    for node in [&one, &two] {
        reaches(node, 21).await;
        let page = node.outbox(0, 99).await.unwrap();
        assert_eq!((page.forgotten, page.through), (20, after));
        let numbers: Vec<_> = page.records.iter().map(|record| record.number).collect();
        assert_eq!(numbers, [21]);
    }
    let few = world.open(Options { outbox_records_max: 3, ..Options::default() });
    for ms in 22..=30 {
        applied(few.apply(write("a", at(ms), "body")).await.unwrap());
    }
    assert_eq!(few.trim_outbox(LONG).await.unwrap(), 27);
}
