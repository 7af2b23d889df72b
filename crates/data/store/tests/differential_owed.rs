//! The durable queue of debts is held to its model: the same operations, the same debts.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use littoral_store::{
    Condition, Debt, Debts, Owed, OwedModel, OwedOptions, Row, Scope, Sync, Write,
};
use littoral_types::{Body, SpaceId, StoreId, Version, Wall};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Clone, Debug)]
enum Operation {
    /// All at once: committed together.
    Add(Vec<(StoreId, Write)>),
    AddPurge(StoreId),
    Settle(StoreId, SpaceId, Bytes, Version),
    /// Which of the purges added so far.
    SettlePurge(StoreId, usize),
    Next(StoreId, usize),
    Reopen,
}

fn store() -> impl Strategy<Value = StoreId> {
    (0..2_u8).prop_map(StoreId)
}

fn space() -> impl Strategy<Value = SpaceId> {
    prop_oneof![Just(SpaceId(0)), Just(SpaceId(u128::MAX))]
}

fn key() -> impl Strategy<Value = Bytes> {
    (0..4_usize).prop_map(|n| Bytes::from(["", "a", "ab", "\u{10ffff}"][n]))
}

fn version() -> impl Strategy<Value = Version> {
    (1..20_u64).prop_map(|ms| Version::new(Wall(ms), 0, 1))
}

fn write() -> impl Strategy<Value = Write> {
    (space(), key(), version()).prop_map(|(space, key, version)| {
        let Wall(ms) = version.wall();
        let body = match ms % 4 {
            0 => Body::Absent,
            n => Body::Bytes(vec![ms as u8; n as usize * 400].into()),
        };
        let row = Row { version, body, ..Row::default() };
        Write { space, key, row, condition: Condition::Newer, now: Wall(ms) }
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => vec((store(), write()), 1..6).prop_map(Operation::Add),
        2 => store().prop_map(Operation::AddPurge),
        4 => (store(), space(), key(), version())
            .prop_map(|(store, space, key, version)| Operation::Settle(store, space, key, version)),
        2 => (store(), 0..6_usize).prop_map(|(store, n)| Operation::SettlePurge(store, n)),
        4 => (store(), 0..8_usize).prop_map(|(store, limit)| Operation::Next(store, limit)),
        1 => Just(Operation::Reopen),
    ]
}

fn open(dir: &TempDir) -> Arc<Owed> {
    let options = OwedOptions { sync: Sync::None, batch_max: 3, ..OwedOptions::default() };
    Owed::open(dir.path(), options).unwrap()
}

/// What a queue answers; ids of purges as their place in `ids`.
async fn answer(queue: &dyn Debts, operation: Operation, ids: &mut Vec<u64>) -> String {
    match operation {
        Operation::Add(writes) => {
            let added = join_all(writes.into_iter().map(|(to, write)| queue.add(to, write))).await;
            added.into_iter().for_each(Result::unwrap);
        }
        Operation::AddPurge(to) => {
            ids.push(queue.add_purge(to, SpaceId(3), Scope::Everything).await.unwrap());
        }
        Operation::Settle(to, space, key, version) => {
            queue.settle(to, space, &key, version).await.unwrap();
        }
        Operation::SettlePurge(to, n) => {
            if let Some(id) = ids.get(n) {
                queue.settle_purge(to, *id).await.unwrap();
            }
        }
        Operation::Next(to, limit) => {
            let mut debts = queue.next(to, limit).unwrap();
            for debt in &mut debts {
                if let Debt::Purge { id, .. } = debt {
                    *id = ids.iter().position(|known| known == id).unwrap() as u64;
                }
            }
            return format!("{debts:?}");
        }
        Operation::Reopen => {}
    }
    format!("{:?}", StoreId::all().map(|store| queue.owed(store)).collect::<Vec<_>>())
}

async fn compare(operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let mut owed = open(&dir);
    let model = OwedModel::default();
    let (mut owed_ids, mut model_ids) = (Vec::new(), Vec::new());
    let last = StoreId::all().map(|store| Operation::Next(store, 99));
    for operation in operations.into_iter().chain([Operation::Reopen]).chain(last) {
        if matches!(operation, Operation::Reopen) {
            drop(owed);
            owed = open(&dir);
        }
        let found = answer(&*owed, operation.clone(), &mut owed_ids).await;
        let expected = answer(&model, operation.clone(), &mut model_ids).await;
        prop_assert_eq!(found, expected, "{:?}", operation);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_durable_queue_owes_what_its_model_does(operations in vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(operations))?;
    }
}
