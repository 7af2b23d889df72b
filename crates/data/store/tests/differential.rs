//! The embedded store is held to the model: the same operations, the same answers.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use littoral_clock::Clock;
use littoral_store::{
    Collect, Condition, Digest, Doomed, EngineLimits, FILE_BYTES_MIN, Fjall, List, Model, Options,
    Row, Scan, Scope, Store, Sync, Write,
};
use littoral_types::{Body, SpaceId, Tag, Version, Wall};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Clone, Debug)]
enum Operation {
    Get(SpaceId, Bytes),
    /// One after the other.
    Apply(Write),
    /// All at once: committed together.
    Burst(Vec<Write>),
    List(List),
    Scan(Scan),
    Collect(Collect),
    /// Collects whatever may go by then.
    Sweep(Wall),
    Purge(SpaceId, Scope),
    Outbox(u64, usize),
    Reopen,
}

fn space() -> impl Strategy<Value = SpaceId> {
    prop_oneof![Just(SpaceId(0)), Just(SpaceId(1)), Just(SpaceId(u128::MAX))]
}

fn key() -> impl Strategy<Value = Bytes> {
    let keys = ["a", "a/", "a/1", "a/2", "b", "\u{10ffff}", "", "0"];
    (0..keys.len()).prop_map(move |n| Bytes::from(keys[n]))
}

fn version() -> impl Strategy<Value = Version> {
    (1..40_u64, 1..3_u64).prop_map(|(ms, writer)| Version::new(Wall(ms), 0, writer))
}

/// A version is written once, so everything about its row follows from it.
fn row(version: Version, key: &Bytes, large: bool) -> Row {
    let (Wall(ms), (_, writer)) = (version.wall(), version.parts());
    let len = match ms % 8 {
        0 => 0,
        1..=3 => 20,
        4..=5 => 2000,
        _ if large && ms % 16 == 6 => FILE_BYTES_MIN + 3,
        _ => 700,
    };
    let byte = (ms * 2 + writer) as u8;
    let deleted = ms % 5 == 0;
    Row {
        version,
        body: if deleted { Body::Absent } else { Body::Bytes(vec![byte; len].into()) },
        meta: if ms % 3 == 0 { key.clone() } else { Bytes::new() },
        tags: (ms % 4 == 0).then(|| [Tag(ms), Tag(writer)].into()),
        expires_at: (ms % 7 == 0).then_some(Wall(500)),
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
        1 => collect().prop_map(Operation::Collect),
        2 => prop_oneof![Just(Wall(499)), Just(Wall(500))].prop_map(Operation::Sweep),
        1 => (space(), scope()).prop_map(|(space, scope)| Operation::Purge(space, scope)),
        3 => (0..60_u64, 0..8_usize).prop_map(|(after, limit)| Operation::Outbox(after, limit)),
        1 => Just(Operation::Reopen),
    ]
}

fn open(dir: &TempDir) -> Arc<Fjall> {
    let options = Options {
        sync: Sync::None,
        outbox_recent_max: 5,
        write_batch_max: 4,
        engine: EngineLimits { memtable_bytes_max: 4096, ..EngineLimits::default() },
        ..Options::default()
    };
    Fjall::open(dir.path(), options, Clock::system()).unwrap()
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
        Operation::Sweep(now) => {
            let scan = Scan { after: None, limit: usize::MAX };
            let all = store.scan(scan).await.unwrap().digests.into_iter();
            let doomed =
                all.map(|Digest { space, key, version, .. }| Doomed { space, key, version });
            let collect = Collect { doomed: doomed.collect(), now };
            format!("{:?}", store.collect(collect).await.unwrap())
        }
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

async fn compare(operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let mut fjall = open(&dir);
    let model = Model::new(fjall.committed().borrow().incarnation);
    for operation in operations.into_iter().chain([Operation::Reopen, Operation::Outbox(0, 999)]) {
        if matches!(operation, Operation::Reopen) {
            drop(fjall);
            fjall = open(&dir);
        }
        let (found, expected) =
            (answer(&*fjall, operation.clone()).await, answer(&model, operation.clone()).await);
        prop_assert_eq!(found, expected, "{:?}", operation);
        prop_assert_eq!(*fjall.committed().borrow(), *model.committed().borrow());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_embedded_store_answers_as_the_model_does(operations in vec(operation(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(operations))?;
    }
}
