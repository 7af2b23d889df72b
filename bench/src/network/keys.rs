//! Many keys written at once, and read by several connections at one node.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail, ensure};
use littoral_tests::{Connection, Namespace, Node, Response};
use serde_json::{Value, json};

/// Of a bulk write.
const AT_ONCE: usize = 5_000;
/// Connections that read.
const READERS: usize = 32;

pub(super) fn name(n: usize) -> String {
    format!("key-{n:07}")
}

/// Writes so many keys, each with a value of 100 bytes.
pub(super) fn write(space: &Namespace, node: &Node, count: usize) -> Result<()> {
    let mut connection = Connection::open(node.address);
    for from in (0..count).step_by(AT_ONCE) {
        let pair = |n: usize| json!({ "key": name(n), "value": format!("{n:0>100}") });
        let pairs: Vec<Value> = (from..count.min(from + AT_ONCE)).map(pair).collect();
        let request = space.request("PUT", "/bulk").json(&Value::Array(pairs));
        let answer = connection.try_send(&request)?;
        ensure!(answer.status == 200, "a bulk write: {} {}", answer.status, answer.message());
    }
    Ok(())
}

/// Reads each of these once at a node; what `seen` makes of the answers, in their order.
pub(super) fn read<T: Send>(
    space: &Namespace,
    node: &Node,
    keys: &[usize],
    seen: impl Fn(&Response) -> T + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(keys.len()));
    let space = space.at(node.address);
    let one = || -> Result<()> {
        let mut connection = Connection::try_open(node.address)?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(key) = keys.get(at) else { return Ok(()) };
            let answer = connection.try_send(&space.value("GET", name(*key)))?;
            let made = seen(&answer);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((at, made));
        }
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(one)).collect();
        readers.into_iter().try_for_each(|reader| match reader.join() {
            Ok(result) => result,
            Err(_) => bail!("a reader panicked"),
        })
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, made)| made).collect())
}

/// The way that an answer came, in the words of `Cache-Status`.
pub(super) fn way(answer: &Response) -> String {
    answer.header("cache-status").unwrap_or_default().to_owned()
}

/// Whether the region had to ask outside for it, and not only whether it was still the newest.
pub(super) fn left_the_region(way: &str) -> bool {
    (way.contains("-upper") || way.contains("-origin")) && !way.contains("detail=suspect")
}
