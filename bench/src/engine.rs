//! A memory hit inside the engine: its time on the processor, its allocations; what memory holds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use littoral_clock::Chance;
use littoral_control::{Account, Bootstrap, Control, Front, Options as ControlOptions, hash};
use littoral_http::{Options as HttpOptions, Places, Server};
use littoral_kv::doors::{Access, Doors, Options as DoorOptions};
use littoral_kv::{KIND, Put, ReadOptions};
use littoral_tasks::TaskKind;
use littoral_tiers::Policy;
use littoral_types::{Body, Space};
use tokio::net::TcpListener;

use crate::allocator::counted;
use crate::bare;
use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};
use crate::serving::{TOKEN, VALUE_BYTES, value};
use crate::wire::{Wire, request};
use crate::world::{Spec, TENANT, World, namespace};

/// Alone, its stores in memory: nothing else happens while a hit is measured.
const ALONE: Spec<'_> = Spec {
    regions: &[1],
    stores: [0, 0],
    near: Duration::ZERO,
    far: Duration::ZERO,
    durable: false,
};

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let world = World::start(&ALONE, &plan.folder.join("alone"))?;
    let mut rows = hits(plan, &world).await?;
    rows.push(http(plan, &world).await?);
    Ok(rows)
}

/// `peek` of the tiers and of the store. The runtime is this thread's, so that no task runs while
/// it is measured.
async fn hits(plan: &Plan, world: &World) -> Result<Vec<Row>> {
    let (node, ctx, space) = (&world.nodes[0], world.ctx(), namespace());
    let key = Bytes::from_static(b"assets/app.js");
    let put = Put { body: Body::Bytes(value(VALUE_BYTES).into()), ..Put::default() };
    node.kv.put(&ctx, &space, key.clone(), put).await?;
    node.kv.get(&ctx, &space, key.clone(), ReadOptions::default()).await?;
    let policy = Policy::default();
    let of_kind = Space { id: space.id, kind: KIND };
    let tiers = || node.tiers.peek(&ctx, of_kind, &key, &policy).is_some();
    let kv = || node.kv.peek(&ctx, &space, &key, ReadOptions::default()).is_some();
    ensure!(tiers() && kv(), "what was just read is no hit");
    let times = plan.of(1_000_000, 200_000);
    let (mut of_tiers, mut of_kv) = (Rounds::default(), Rounds::default());
    for _ in 0..plan.rounds {
        of_tiers.0.push(micros(times, &tiers)?);
        of_kv.0.push(micros(times, &kv)?);
    }
    let allocations = |hit: &dyn Fn() -> bool| {
        let (all, heap) = counted(|| (0..1_000).all(|_| std::hint::black_box(hit())));
        ensure!(all, "a hit went missing");
        Ok(Rounds::one(heap.allocations as f64 / 1_000.0))
    };
    Ok(vec![
        row(
            "hit-cpu-tiers",
            "µs/hit",
            of_tiers,
            Goal::AtMost(2.0),
            "Tiers::peek, CPU time of its thread",
        ),
        row("hit-cpu-kv", "µs/hit", of_kv, Goal::AtMost(2.0), "Kv::peek, CPU time of its thread"),
        row(
            "hit-allocations-tiers",
            "allocations/hit",
            allocations(&tiers)?,
            Goal::AtMost(0.0),
            "",
        ),
        row("hit-allocations-kv", "allocations/hit", allocations(&kv)?, Goal::AtMost(0.0), ""),
    ])
}

fn row(name: &'static str, unit: &'static str, ours: Rounds, goal: Goal, note: &str) -> Row {
    Row { name, door: "engine", trips: "none", unit, ours, peer: None, goal, note: note.into() }
}

/// CPU time of one call, in microseconds.
fn micros(times: u64, hit: &dyn Fn() -> bool) -> Result<f64> {
    let before = cpu_nanos()?;
    let hits = (0..times).filter(|_| std::hint::black_box(hit())).count() as u64;
    let spent = cpu_nanos()? - before;
    ensure!(hits == times, "{} of {times} were no hits", times - hits);
    Ok(spent as f64 / times as f64 / 1_000.0)
}

/// What this thread has spent on a processor.
fn cpu_nanos() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    text.split_whitespace().next().and_then(|n| n.parse().ok()).context("no time in schedstat")
}

/// Allocations of a whole request, beside those of the bare hyper.
async fn http(plan: &Plan, world: &World) -> Result<Row> {
    let requests = plan.of(20_000, 4_000);
    let (address, path) = serve(world).await?;
    let bare = TcpListener::bind(("127.0.0.1", 0)).await?;
    let bare_address = bare.local_addr()?;
    let tasks = world.tasks.clone();
    world.tasks.spawn(TaskKind::Listener, async move {
        // Ends with the world.
        let _ = bare::serve(bare, tasks).await;
    });
    let ours = per_request(address, request("GET", &path, TOKEN, b""), requests).await?;
    let peer = per_request(bare_address, request("GET", bare::PATH, TOKEN, b""), requests).await?;
    Ok(Row {
        name: "hit-allocations-http",
        door: "http",
        trips: "none",
        unit: "allocations/request",
        ours: Rounds::one(ours),
        peer: Some(("bare hyper", Rounds::one(peer))),
        goal: Goal::None,
        note: "everything from the request's first byte to the answer's last; engine: none".into(),
    })
}

/// The node behind its real door, and the path of a hot key.
async fn serve(world: &World) -> Result<(SocketAddr, String)> {
    let (kv, clock, tasks) = (&world.nodes[0].kv, world.clock.clone(), world.tasks.clone());
    let options = ControlOptions {
        accounts: vec![Account { id: TENANT, name: "bench".into() }],
        bootstrap: vec![Bootstrap { account: TENANT, hash: hash(TOKEN), access: Access::Write }],
        ..ControlOptions::default()
    };
    let doors = DoorOptions::default();
    let control = Control::new(kv.clone(), options, doors);
    let doors = Doors::new(kv.clone(), Arc::new(control.clone()), Places::new(["here"]), doors);
    let front = Arc::new(Front::new(doors, control));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server =
        Server::bind(any, HttpOptions::default(), front, clock, tasks.clone(), Chance::seeded(2))?;
    let (address, shutdown) = (server.local_addr(), tasks.shutdown().clone());
    tasks.spawn(TaskKind::Listener, async move {
        // Ends with the world.
        let _ = server.run(shutdown).await;
    });
    let path = tokio::task::spawn_blocking(move || hot_key(address)).await??;
    Ok((address, path))
}

fn hot_key(address: SocketAddr) -> Result<String> {
    let namespaces = format!("/client/v4/accounts/{:032x}/storage/kv/namespaces", TENANT.0);
    let mut wire = Wire::open(address)?;
    let made = wire.send(&request("POST", &namespaces, TOKEN, b"{\"title\":\"bench\"}"))?;
    let made: serde_json::Value = serde_json::from_slice(made.body)?;
    let id = made["result"]["id"].as_str().context("a namespace has an id")?;
    let path = format!("{namespaces}/{id}/values/hot");
    let put = wire.send(&request("PUT", &path, TOKEN, &value(VALUE_BYTES)))?;
    ensure!(put.status == 200, "a write was answered {}", put.status);
    Ok(path)
}

async fn per_request(address: SocketAddr, request: Vec<u8>, requests: u64) -> Result<f64> {
    let asked = move || -> Result<f64> {
        let mut wire = Wire::open(address)?;
        let mut ask = || -> Result<()> {
            let status = wire.send(&request)?.status;
            ensure!(status == 200, "a read was answered {status}");
            Ok(())
        };
        (0..100).try_for_each(|_| ask())?;
        let (done, heap) = counted(|| (0..requests).try_for_each(|_| ask()));
        done?;
        Ok(heap.allocations as f64 / requests as f64)
    };
    tokio::task::spawn_blocking(asked).await?
}
