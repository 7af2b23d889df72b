//! Durable writes: into one store through its writer, and acknowledged over HTTP, beside a plain
//! file on the same disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use littoral_store::{Applied, Condition, Fjall, Options, Row as Stored, Store as _, Write};
use littoral_types::{Body, SpaceId, Version, Wall};

use crate::load::Wrk;
use crate::plan::Plan;
use crate::program::seconds;
use crate::raw;
use crate::rows::{Goal, Rounds, Row};
use crate::serving::{Littoral, TOKEN, VALUE_BYTES, value};

const LARGE_BYTES: usize = 25 << 20;
const CLIENTS: usize = 64;

/// One open store, and numbers that were never used in it.
struct Target {
    store: Arc<Fjall>,
    next: AtomicU64,
    value: Bytes,
}

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("writes-").tempdir_in(&plan.folder)?;
    let target = Target::open(plan, folder.path().join("store"))?;
    let plain = folder.path().join("plain");
    let bytes = [key(0).as_ref(), &target.value].concat();
    let littoral = Littoral::start(plan, 1).await?;
    let script = folder.path().join("put.lua");
    let path = format!("{}/values/", littoral.namespace()?);
    std::fs::write(
        &script,
        SCRIPT.replace("PATH", &path).replace("BYTES", &VALUE_BYTES.to_string()),
    )?;
    let url = format!("http://{}", littoral.address);
    let http = |connections| {
        let (url, token) = (url.as_str(), Some(TOKEN));
        Wrk { url, token, connections, script: Some(&script) }.run(plan)
    };

    let mut raw = Rounds::default();
    let (mut one, mut many) = (Rounds::default(), Rounds::default());
    let (mut http_one, mut http_many) = (Rounds::default(), Rounds::default());
    for _ in 0..plan.rounds {
        raw.0.push(raw::appends(plan, &plain, &bytes)?);
        one.0.push(target.rate(plan, 1).await?);
        many.0.push(target.rate(plan, CLIENTS).await?);
        http_one.0.push(http(1)?);
        http_many.0.push(http(CLIENTS)?);
    }
    drop(littoral);
    let row = |name, door, ours, goal, note: &str| Row {
        name,
        door,
        trips: "none",
        unit: "writes/s",
        ours,
        peer: Some(("append + fdatasync", raw.clone())),
        goal: Goal::AtLeast(goal),
        note: note.into(),
    };
    Ok(vec![
        row("store-write-1", "store", one, 0.6, "one client, 1 KiB under a new key each time"),
        row(
            "store-write-64",
            "store",
            many,
            8.0,
            "64 clients, beside one client of the plain file",
        ),
        large(plan, &target, &plain).await?,
        amplification(plan, folder.path().join("amplified")).await?,
        row(
            "http-write-1",
            "http",
            http_one,
            0.3,
            "one connection; acknowledged when both stores have it on the same disk, or one has it \
             and the other's debt is on disk",
        ),
        row(
            "http-write-64",
            "http",
            http_many,
            0.3,
            "64 connections, beside one client of the plain file",
        ),
    ])
}

/// Every request a key of its own.
const SCRIPT: &str = r#"
local n = 0
local run = os.time() .. "-" .. math.random(1, 1000000000)
wrk.body = string.rep("x", BYTES)
wrk.headers["Content-Type"] = "application/octet-stream"
request = function()
  n = n + 1
  return wrk.format("PUT", "PATH" .. run .. "-" .. n)
end
"#;

fn key(n: u64) -> Bytes {
    Bytes::from(format!("orders/{n:010}"))
}

impl Target {
    fn open(plan: &Plan, dir: PathBuf) -> Result<Self> {
        let store = Fjall::open(&dir, Options::default(), plan.clock.clone())?;
        let value = Bytes::from(value(VALUE_BYTES));
        Ok(Self { store, next: AtomicU64::new(1), value })
    }

    async fn write(&self, key: Bytes, n: u64, body: Bytes) -> Result<()> {
        let row = Stored {
            version: Version::new(Wall(n), 0, 1),
            body: Body::Bytes(body),
            ..Stored::default()
        };
        let (space, condition, now) = (SpaceId(1), Condition::Newer, Wall(n));
        let applied = self.store.apply(Write { space, key, row, condition, now }).await?;
        ensure!(matches!(applied, Applied::Yes { .. }), "a write was not applied: {applied:?}");
        Ok(())
    }

    /// Writes of so many clients, each waiting for its own, in a second.
    async fn rate(&self, plan: &Plan, clients: usize) -> Result<f64> {
        let began = plan.clock.mono();
        let written = AtomicU64::new(0);
        let client = || async {
            while plan.clock.mono().since(began) < plan.span {
                let n = self.next.fetch_add(1, Ordering::Relaxed);
                self.write(key(n), n, self.value.clone()).await?;
                written.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        };
        try_join_all((0..clients).map(|_| client())).await?;
        Ok(written.into_inner() as f64 / seconds(&plan.clock, began))
    }
}

async fn large(plan: &Plan, target: &Target, plain: &std::path::Path) -> Result<Row> {
    let body = Bytes::from(value(LARGE_BYTES));
    let (mut ours, mut peer) = (Rounds::default(), Rounds::default());
    for _ in 0..plan.rounds {
        peer.0.push(raw::large(plan, plain, &body)?);
        let n = target.next.fetch_add(1, Ordering::Relaxed);
        let began = plan.clock.mono();
        target.write(Bytes::from_static(b"large"), n, body.clone()).await?;
        ours.0.push(seconds(&plan.clock, began));
    }
    Ok(Row {
        name: "store-write-large",
        door: "store",
        trips: "none",
        unit: "s",
        ours,
        peer: Some(("write + fdatasync", peer)),
        goal: Goal::AtMost(3.0),
        note: "25 MiB, into a file of its own, then the row".into(),
    })
}

/// Bytes that reach the disk for each byte accepted, over many overwrites.
async fn amplification(plan: &Plan, dir: PathBuf) -> Result<Row> {
    let target = Target::open(plan, dir)?;
    let (writes, keys) = (plan.of(200_000, 40_000), plan.of(50_000, 10_000));
    let before = written_bytes()?;
    let next = AtomicU64::new(0);
    let client = || async {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= writes {
                return anyhow::Ok(());
            }
            // A version is never lower than the one it replaces: numbers only grow.
            target.write(key(n % keys), n + 1, target.value.clone()).await?;
        }
    };
    try_join_all((0..4 * CLIENTS).map(|_| client())).await?;
    drop(target);
    let accepted = writes as f64 * (key(0).len() + VALUE_BYTES) as f64;
    Ok(Row {
        name: "write-amplification",
        door: "store",
        trips: "none",
        unit: "bytes/byte",
        ours: Rounds::one((written_bytes()? - before) as f64 / accepted),
        peer: None,
        goal: Goal::None,
        note: format!(
            "{writes} writes of 1 KiB over {keys} keys: journal, tables, outbox and merges, as the \
             system counts what goes to the disk"
        ),
    })
}

/// What this process has had written to disks.
fn written_bytes() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/io")?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).context("the system does not count written bytes")
}
