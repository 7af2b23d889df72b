//! The store on PostgreSQL is held to the model: the same operations, the same answers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use littoral_postgres::{Options, Postgres};
use littoral_store::{
    Collect, Condition, Doomed, FILE_BYTES_MIN, List, Model, Row, Scan, Scope, Store, Write,
};
use littoral_types::{Body, Position, SpaceId, Tag, Version, Wall};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::World;

#[derive(Clone, Debug)]
enum Operation {
    Get(SpaceId, Bytes),
    Apply(Write),
    /// All at once: committed together. None is large, which would be overtaken.
    Burst(Vec<Write>),
    List(List),
    Scan(Scan),
    Collect(Collect),
    Purge(SpaceId, Scope),
    Outbox(u64, usize),
    /// Another node goes on.
    Reopen,
}

fn space() -> impl Strategy<Value = SpaceId> {
    prop_oneof![Just(SpaceId(0)), Just(SpaceId(1)), Just(SpaceId(u128::MAX))]
}

fn key() -> impl Strategy<Value = Bytes> {
    let keys = ["a", "a/", "a/1", "a/2", "b", "\u{10ffff}", "", "0", "a\0"];
    (0..keys.len()).prop_map(move |n| Bytes::from(keys[n]))
}

fn version() -> impl Strategy<Value = Version> {
    (1..40_u64, 1..3_u64).prop_map(|(ms, writer)| Version::new(Wall(ms), 0, writer << 62))
}

/// A version is written once, so everything about its row follows from it.
fn row(version: Version, key: &Bytes, large: bool) -> Row {
    let (Wall(ms), (_, writer)) = (version.wall(), version.parts());
    let len = match ms % 8 {
        0 => 0,
        1..=5 => 20,
        6 if large && ms % 16 == 6 => FILE_BYTES_MIN + 3,
        _ => 700,
    };
    let byte = (ms * 2 + (writer >> 62)) as u8;
    let deleted = ms % 5 == 0;
    let far = if ms % 14 == 0 { Wall(u64::MAX) } else { Wall(500) };
    Row {
        version,
        body: if deleted { Body::Absent } else { Body::Bytes(vec![byte; len].into()) },
        meta: if ms % 3 == 0 { key.clone() } else { Bytes::new() },
        tags: (ms % 4 == 0)
            .then(|| if ms == 4 { [].into() } else { [Tag(ms), Tag(writer)].into() }),
        expires_at: (ms % 7 == 0).then_some(far),
    }
}

fn write(large: bool) -> impl Strategy<Value = Write> {
    let condition = prop_oneof![
        4 => Just(Condition::Newer),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Present),
        2 => version().prop_map(Condition::Version),
        1 => Just(Condition::Revive),
    ];
    let now = prop_oneof![Just(Wall(499)), Just(Wall(500))];
    (space(), key(), version(), condition, now).prop_map(
        move |(space, key, version, condition, now)| {
            let row = row(version, &key, large);
            Write { space, key, row, condition, now }
        },
    )
}

fn list() -> impl Strategy<Value = List> {
    let prefix = prop_oneof![3 => Just(Bytes::new()), 2 => key()];
    (space(), prefix, proptest::option::of(key()), any::<bool>(), 0..6_usize, any::<bool>())
        .prop_map(|(space, prefix, after, reverse, limit, values)| List {
            space,
            prefix,
            after,
            reverse,
            limit,
            values,
        })
}

fn scan() -> impl Strategy<Value = Scan> {
    let after = proptest::option::of((space(), key()));
    (after, 0..9_usize).prop_map(|(after, limit)| Scan { after, limit })
}

fn collect() -> impl Strategy<Value = Collect> {
    let doomed = (space(), key(), version()).prop_map(|(space, key, version)| Doomed {
        space,
        key,
        version,
    });
    let now = prop_oneof![Just(Wall(499)), Just(Wall(500))];
    (vec(doomed, 0..60), now).prop_map(|(doomed, now)| Collect { doomed, now })
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        key().prop_map(Scope::Key),
        key().prop_map(Scope::Prefix),
        any::<u64>().prop_map(|tag| Scope::Tag(Tag(tag))),
        Just(Scope::Everything),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (space(), key()).prop_map(|(space, key)| Operation::Get(space, key)),
        8 => write(true).prop_map(Operation::Apply),
        4 => vec(write(false), 1..8).prop_map(Operation::Burst),
        5 => list().prop_map(Operation::List),
        3 => scan().prop_map(Operation::Scan),
        3 => collect().prop_map(Operation::Collect),
        1 => (space(), scope()).prop_map(|(space, scope)| Operation::Purge(space, scope)),
        3 => (0..60_u64, 0..8_usize).prop_map(|(after, limit)| Operation::Outbox(after, limit)),
        1 => Just(Operation::Reopen),
    ]
}

/// What a store answers, with bodies that are files read.
async fn answer(store: &dyn Store, operation: Operation) -> String {
    match operation {
        Operation::Get(space, key) => {
            let found = store.get(space, key).await.unwrap();
            format!("{:?} at {:?} over {}", found.row.map(show), found.position, found.mark)
        }
        Operation::Apply(write) => format!("{:?}", store.apply(write).await.unwrap()),
        Operation::Burst(writes) => {
            let applied = join_all(writes.into_iter().map(|write| store.apply(write))).await;
            format!("{:?}", applied.into_iter().map(Result::unwrap).collect::<Vec<_>>())
        }
        Operation::List(list) => {
            let listed = store.list(list).await.unwrap();
            let items = listed.items.into_iter().map(|item| (item.key, item.live, show(item.row)));
            format!("{:?} {} {:?}", items.collect::<Vec<_>>(), listed.more, listed.position)
        }
        Operation::Scan(scan) => format!("{:?}", store.scan(scan).await.unwrap()),
        Operation::Collect(collect) => format!("{:?}", store.collect(collect).await.unwrap()),
        Operation::Purge(space, scope) => format!("{:?}", store.purge(space, scope).await.unwrap()),
        Operation::Outbox(after, limit) => {
            format!("{:?}", store.outbox(after, limit).await.unwrap())
        }
        Operation::Reopen => String::new(),
    }
}

fn show(mut row: Row) -> Row {
    if let Body::File(blob) = &row.body {
        row.body = Body::Bytes(std::fs::read(blob.path()).unwrap().into());
    }
    row
}

fn open(world: &World) -> Arc<Postgres> {
    // One writer: what is asked at once is decided in the order in which it is asked.
    let options = Options {
        writers: 1,
        write_batch_max: 4,
        outbox_recent_max: 5,
        connections_max: 2,
        ..Options::default()
    };
    world.open(options)
}

const EMPTY: &str = "DELETE FROM littoral_rows; DELETE FROM littoral_outbox; \
    DELETE FROM littoral_bodies; DELETE FROM littoral_chunks; \
    UPDATE littoral_stream SET number = 0, mark = '\\x00000000000000000000000000000000', \
    incarnation = incarnation % 1000000 + 1";

async fn compare(world: &World, operations: Vec<Operation>) -> Result<(), TestCaseError> {
    world.sql(EMPTY).await;
    let mut store = open(world);
    store.outbox(0, 1).await.unwrap();
    let incarnation = store.committed().borrow().incarnation;
    let model = Model::new(incarnation);
    for operation in operations.into_iter().chain([Operation::Reopen, Operation::Outbox(0, 999)]) {
        if matches!(operation, Operation::Reopen) {
            store = open(world);
        }
        let (found, expected) =
            (answer(&*store, operation.clone()).await, answer(&model, operation.clone()).await);
        prop_assert_eq!(found, expected, "{:?}", operation);
        let expected: Position = *model.committed().borrow();
        store.committed().wait_for(|position| position.reaches(expected)).await.unwrap();
        prop_assert_eq!(*store.committed().borrow(), expected);
    }
    Ok(())
}

#[test]
fn the_store_on_postgresql_answers_as_the_model_does() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(World::start());
    let config =
        ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(operations in vec(operation(), 1..70))| {
        runtime.block_on(compare(&world, operations))?;
    });
}
