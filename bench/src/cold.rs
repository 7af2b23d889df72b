//! Cold reads: what the walk costs beyond its trips, and how many a herd sends to the stores.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use littoral_kv::{Put, ReadOptions};
use littoral_peer::{Hop, Outcome};
use littoral_types::{Body, LocationId, RegionId, StoreId};

use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};
use crate::serving::{VALUE_BYTES, value};
use crate::world::{Spec, World, namespace};

/// The reader's region, the home's, and one that holds the other store.
const FAR_APART: Spec<'_> = Spec {
    regions: &[3, 3, 1],
    stores: [3, 6],
    near: Duration::from_millis(2),
    far: Duration::from_millis(20),
    durable: true,
};
const READER: LocationId = LocationId(0);
const HOME: RegionId = RegionId(1);
const HOME_STORE: LocationId = LocationId(3);
const OTHER_STORE: LocationId = LocationId(6);

/// Twenty edges in four regions, the stores in two more.
const HERD: Spec<'_> = Spec {
    regions: &[5, 5, 5, 5, 1, 1],
    stores: [20, 21],
    near: Duration::from_millis(2),
    far: Duration::from_millis(20),
    durable: true,
};
const HERD_HOME: StoreId = StoreId(0);
const EDGES: usize = 20;
const READERS: usize = 1_000;

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("cold-").tempdir_in(&plan.folder)?;
    let far = World::start(&FAR_APART, &folder.path().join("far"))?;
    let cold = cold(plan, &far).await?;
    drop(far);
    let herd = World::start(&HERD, &folder.path().join("herd"))?;
    Ok(vec![cold, self::herd(plan, &herd).await?])
}

fn put() -> Put {
    Put { body: Body::Bytes(value(VALUE_BYTES).into()), ..Put::default() }
}

/// A key whose walk from the reader takes all four hops, each at another location.
fn four_hops(world: &World, key: &[u8]) -> bool {
    let hash = world.topology.now().hash(namespace().id, key);
    world.topology.now().home(hash) == StoreId(0)
        && world.topology.now().tier(RegionId(0), hash) != Some(READER)
        && world.topology.now().tier(HOME, hash) != Some(HOME_STORE)
}

async fn cold(plan: &Plan, world: &World) -> Result<Row> {
    world.followed().await;
    let space = namespace();
    let reads = plan.of(300, 60);
    let keys = (0..).map(|n: u64| Bytes::from(format!("cold/{n}")));
    let keys: Vec<Bytes> = keys.filter(|key| four_hops(world, key)).take(reads as usize).collect();
    // Written where no walk of these passes, so that no tier of theirs holds them.
    let writer = &world.nodes[OTHER_STORE.index()].kv;
    for key in &keys {
        writer.put(&world.ctx(), &space, key.clone(), put()).await?;
    }
    let mut over = Rounds::default();
    let mut total = Rounds::default();
    for key in keys {
        world.waits.take();
        let began = world.clock.mono();
        let kv = &world.nodes[READER.index()].kv;
        let value = kv.get(&world.ctx(), &space, key, ReadOptions::default()).await?;
        let took = world.clock.mono().since(began);
        ensure!(value.body.len() == VALUE_BYTES as u64, "a cold read found nothing");
        ensure!(value.hops.len() == 4, "a walk of {} hops", value.hops.len());
        let other = |at| at == OTHER_STORE;
        // Both stores are asked at once; the answer is the near one's.
        let waits = world.waits.take();
        let waits = waits.iter().filter(|wait| !other(wait.from) && !other(wait.to));
        let waited: Duration = waits.map(|wait| wait.took).sum();
        over.0.push(took.saturating_sub(waited).as_secs_f64() * 1_000.0);
        total.0.push(took.as_secs_f64() * 1_000.0);
    }
    Ok(Row {
        name: "cold-read",
        door: "engine",
        trips: "2 ms near, 20 ms far",
        unit: "ms",
        ours: over,
        peer: None,
        goal: Goal::AtMost(1.0),
        note: format!(
            "edge, regional, upper, origin at four locations; a read takes {:.2} ms, of which the \
             carrier's own measured waits are subtracted",
            total.median()
        ),
    })
}

async fn herd(plan: &Plan, world: &World) -> Result<Row> {
    world.followed().await;
    let (space, writer) = (namespace(), &world.nodes[OTHER_EDGE].kv);
    let mut reached = Rounds::default();
    // Whose walk does not pass the writer: it holds what it wrote.
    let elsewhere = |key: &Bytes| {
        world.topology.now().home(world.topology.now().hash(space.id, key)) == HERD_HOME
    };
    let keys = (0..).map(|n: u64| Bytes::from(format!("herd/{n}")));
    for key in keys.filter(elsewhere).take(plan.rounds) {
        writer.put(&world.ctx(), &space, key.clone(), put()).await?;
        let before = asked_of_stores(world);
        let readers = (0..READERS).map(|n| {
            let (kv, key, ctx) = (&world.nodes[n % EDGES].kv, key.clone(), world.ctx());
            let space = &space;
            async move { kv.get(&ctx, space, key, ReadOptions::default()).await }
        });
        let values = try_join_all(readers).await?;
        ensure!(values.iter().all(|value| !value.body.is_absent()), "a reader found nothing");
        let asked = asked_of_stores(world) - before;
        ensure!(asked > 0, "the key was not cold");
        reached.0.push(asked as f64);
    }
    Ok(Row {
        name: "cold-herd",
        door: "engine",
        trips: "2 ms near, 20 ms far",
        unit: "questions to the stores",
        ours: reached,
        peer: None,
        goal: Goal::AtMost(1.0),
        note: format!(
            "{READERS} readers of one cold key at once, at {EDGES} edges of four regions"
        ),
    })
}

/// A location at which nobody of the herd reads.
const OTHER_EDGE: usize = 21;

/// As `littoral_tiers_answers_total{hop="origin"}` says, over all nodes.
fn asked_of_stores(world: &World) -> u64 {
    let of = |node: &std::sync::Arc<crate::world::Node>| -> u64 {
        Outcome::ALL.iter().map(|outcome| node.tiers.metrics().of(Hop::Origin, *outcome)).sum()
    };
    world.nodes.iter().map(of).sum()
}
