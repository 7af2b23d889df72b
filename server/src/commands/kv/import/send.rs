//! One batch to the node, again while that may help, in halves when one of it is refused.

use std::collections::HashSet;

use bytes::Bytes;
use littoral_clock::Chance;

use super::Failed;
use super::batch::Batch;
use crate::client::{Error, Namespace, Put, Retry};
use crate::commands::kv::member::Item;

/// Rounds for keys that a bulk request did not take, though it went through.
const ROUNDS: u32 = 6;

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    pub keys: u64,
    pub bytes: u64,
    pub source_bytes: u64,
    pub failed: Vec<Failed>,
}

/// An error ends the import: it is not about these keys.
pub async fn send(namespace: &Namespace<'_>, batch: Batch) -> Result<Outcome, Error> {
    let Batch { items, failed, alone, source_bytes, .. } = batch;
    let mut outcome = Outcome { failed, source_bytes, ..Outcome::default() };
    if alone {
        for item in items {
            one(namespace, item, &mut outcome).await?;
        }
        return Ok(outcome);
    }
    let mut waiting = vec![items];
    while let Some(items) = waiting.pop() {
        if items.is_empty() {
            continue;
        }
        match together(namespace, &items).await {
            Ok(refused) => count(items, &refused, &mut outcome),
            Err(error) if error.is_about_the_request() => {
                halve(items, &error, &mut waiting, &mut outcome)
            }
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

async fn one(namespace: &Namespace<'_>, item: Item, outcome: &mut Outcome) -> Result<(), Error> {
    let put = Put {
        value: item.value.clone(),
        metadata: item.metadata.as_ref().map(|json| json.get().to_owned()),
        expiration: item.expiration,
        ttl: item.ttl,
        condition: None,
    };
    let clock = &namespace.client.clock;
    match Retry::PATIENT.run(clock, || namespace.put(&item.key, put.clone())).await {
        Ok(_) => count(vec![item], &HashSet::new(), outcome),
        Err(error) if error.is_about_the_request() => {
            outcome.failed.push(Failed { key: item.key, why: error.to_string() });
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Writes items in one request; the keys that were not taken in the end.
async fn together(namespace: &Namespace<'_>, items: &[Item]) -> Result<HashSet<String>, Error> {
    let clock = &namespace.client.clock;
    let mut chance = Chance::from_machine();
    let mut refused = HashSet::new();
    for round in 1..=ROUNDS {
        let members = items.iter().filter(|item| round == 1 || refused.contains(&item.key));
        let members: Vec<_> = members.map(Item::member).collect();
        let body = Bytes::from(serde_json::to_vec(&members).expect("members are JSON"));
        let done = Retry::PATIENT.run(clock, || namespace.bulk(body.clone())).await?;
        refused = done.unsuccessful_keys.into_iter().collect();
        if refused.is_empty() {
            break;
        }
        clock.sleep(Retry::PATIENT.pause(round, None, &mut chance)).await;
    }
    Ok(refused)
}

fn count(items: Vec<Item>, refused: &HashSet<String>, outcome: &mut Outcome) {
    for item in items {
        if refused.contains(&item.key) {
            let why = "the node did not take it, however often it was asked".into();
            outcome.failed.push(Failed { key: item.key, why });
        } else {
            outcome.keys += 1;
            outcome.bytes += item.value.len() as u64;
        }
    }
}

/// One bad member spoils a whole request: the halves are tried, down to the one that is bad.
fn halve(mut items: Vec<Item>, error: &Error, waiting: &mut Vec<Vec<Item>>, outcome: &mut Outcome) {
    if items.len() == 1 {
        let failed = items.into_iter().map(|item| Failed { key: item.key, why: error.to_string() });
        outcome.failed.extend(failed);
        return;
    }
    let second = items.split_off(items.len() / 2);
    waiting.extend([second, items]);
}
