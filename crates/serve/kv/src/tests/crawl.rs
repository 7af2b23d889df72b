//! What no read touches is brought together, and nothing else is touched.

use std::time::Duration;

use bytes::Bytes;
use littoral_store::{Condition, Row, Scan, Store as _, Write};
use littoral_telemetry::metrics::Registry;
use littoral_types::{Body, Version, Wall};

use super::world::World;
use crate::CrawlLimits;

fn limits() -> CrawlLimits {
    CrawlLimits {
        crawl_page: 7,
        crawl_pause: Duration::from_secs(5),
        tombstone_grace: Duration::from_secs(60),
        ..CrawlLimits::default()
    }
}

fn row(world: &World, ago_s: u64, body: Body) -> Row {
    let version = Version::new(Wall(world.clock.wall().0 - ago_s * 1_000), 0, 99);
    Row { version, body, ..Row::default() }
}

fn value() -> Body {
    Body::Bytes(Bytes::from_static(b"v"))
}

async fn apply(world: &World, store: usize, key: String, row: Row) {
    let (space, now) = (world.namespace.id, world.clock.wall());
    let write = Write { space, key: key.into(), row, condition: Condition::Newer, now };
    world.stores[store].inner.apply(write).await.expect("a model takes everything");
}

async fn all(world: &World, store: usize) -> Vec<(Bytes, Version)> {
    let scan = Scan { after: None, limit: usize::MAX };
    let scanned = world.stores[store].inner.scan(scan).await.expect("a model answers");
    scanned.digests.into_iter().map(|digest| (digest.key, digest.version)).collect()
}

fn position(world: &World, store: usize) -> u64 {
    world.stores[store].inner.committed().borrow().number
}

fn shown(metrics: &Registry, name: &str) -> u64 {
    let text = metrics.encode();
    let line = text.lines().find(|line| line.contains(name) && !line.starts_with('#'));
    let number = line.and_then(|line| line.rsplit_once(' ')).expect("the metric is shown").1;
    number.parse().expect("a number")
}

#[tokio::test(start_paused = true)]
async fn one_crawl_finds_and_heals_what_differs_and_touches_nothing_else() {
    let world = World::new().await;
    let keys = 1_000;
    for n in 0..keys {
        for store in [0, 1] {
            apply(&world, store, format!("{n:04}"), row(&world, 100, value())).await;
        }
    }
    // Ten of each kind: only in one, only in the other, newer in one, newer in the other.
    for n in (0..keys).step_by(25) {
        let (key, store) = (format!("{n:04}"), n / 25 % 2);
        if n % 50 < 25 {
            apply(&world, store, format!("{key}+"), row(&world, 90, value())).await;
        } else {
            apply(&world, store, key, row(&world, 80, value())).await;
        }
    }
    let before = [position(&world, 0), position(&world, 1)];
    let metrics = Registry::new("test");
    world.kv(0).crawl(CrawlLimits { crawl_page: 64, ..limits() }, &metrics);
    world.pass(4_000).await;
    assert_eq!(shown(&metrics, "crawl_finished"), 1);
    assert_eq!(all(&world, 0).await, all(&world, 1).await);
    assert_eq!(shown(&metrics, "crawl_different"), 40);
    for store in [0, 1] {
        let name = format!("crawl_repaired_total{{location=\"test\",store=\"{store}\"}}");
        let repaired = shown(&metrics, &name);
        assert_eq!(repaired, 20, "as many as differed");
        assert_eq!(position(&world, store) - before[store], repaired, "and no other record");
    }
    assert_eq!(shown(&metrics, "crawl_drift_ppm"), 40 * 1_000_000 / 1_020);
    world.pass(12_000).await;
    assert!(shown(&metrics, "crawl_finished") >= 2);
    assert_eq!(shown(&metrics, "crawl_drift_ppm"), 0);
}

#[tokio::test(start_paused = true)]
async fn rows_are_compared_no_faster_than_allowed() {
    let world = World::new().await;
    for n in 0..300 {
        apply(&world, 0, format!("{n:04}"), row(&world, 100, value())).await;
        apply(&world, 1, format!("{n:04}"), row(&world, 100, value())).await;
    }
    let metrics = Registry::new("test");
    world.kv(0).crawl(CrawlLimits { crawl_rows_per_second: 20, ..limits() }, &metrics);
    world.pass(5_000).await;
    let compared = shown(&metrics, "crawl_rows");
    assert!((93..=107).contains(&compared), "{compared}");
    assert_eq!(shown(&metrics, "crawl_progress_rows"), compared);
    world.stores[1].off();
    world.pass(3_600_000).await;
    world.stores[1].on();
    world.pass(7_000).await;
    let since = shown(&metrics, "crawl_rows") - compared;
    assert!((30..=160).contains(&since), "it does not make up for lost time: {since}");
}

#[tokio::test(start_paused = true)]
async fn a_young_row_is_repaired_only_if_it_differs_at_a_second_look() {
    let world = World::new().await;
    apply(&world, 0, "lost".into(), row(&world, 0, value())).await;
    apply(&world, 0, "late".into(), row(&world, 0, value())).await;
    let late = all(&world, 0).await.remove(0).1;
    let metrics = Registry::new("test");
    world.kv(0).crawl(limits(), &metrics);
    world.pass(5_000).await;
    assert_eq!(all(&world, 1).await, [], "it may be under way");
    apply(&world, 1, "late".into(), Row { version: late, body: value(), ..Row::default() }).await;
    world.pass(10_000).await;
    assert_eq!(all(&world, 0).await, all(&world, 1).await);
    assert_eq!(shown(&metrics, "crawl_different"), 1);
}

#[tokio::test(start_paused = true)]
async fn tombstones_and_expired_rows_go_when_both_stores_hold_them_past_their_grace() {
    let world = World::new().await;
    let now = world.clock.wall();
    let expiring =
        |at: u64| Row { expires_at: Some(Wall(now.0 - at * 1_000)), ..row(&world, 500, value()) };
    for store in [0, 1] {
        apply(&world, store, "deleted long ago".into(), row(&world, 61, Body::Absent)).await;
        apply(&world, store, "deleted lately".into(), row(&world, 30, Body::Absent)).await;
        apply(&world, store, "expired long ago".into(), expiring(61)).await;
        apply(&world, store, "expired lately".into(), expiring(30)).await;
        apply(&world, store, "live".into(), row(&world, 500, value())).await;
    }
    let before = [position(&world, 0), position(&world, 1)];
    world.kv(0).crawl(limits(), &Registry::new("test"));
    world.pass(1_000).await;
    for store in [0, 1] {
        let left: Vec<_> = all(&world, store).await.into_iter().map(|(key, _)| key).collect();
        assert_eq!(left, ["deleted lately", "expired lately", "live"], "in {store}");
        assert_eq!(position(&world, store), before[store], "no record");
    }
    world.pass(60_000).await;
    for store in [0, 1] {
        assert_eq!(all(&world, store).await.len(), 1, "only what lives");
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_store_has_collected_alone_is_collected_in_the_other() {
    let world = World::new().await;
    for store in [0, 1] {
        apply(&world, store, "k".into(), row(&world, 100, Body::Absent)).await;
    }
    let (key, version) = all(&world, 0).await.remove(0);
    let doomed = vec![littoral_store::Doomed { space: world.namespace.id, key, version }];
    let collect = littoral_store::Collect { doomed, now: world.clock.wall() };
    world.stores[0].inner.collect(collect).await.expect("a model answers");
    world.kv(0).crawl(limits(), &Registry::new("test"));
    world.pass(1_000).await;
    assert_eq!(all(&world, 1).await, []);
}

#[tokio::test(start_paused = true)]
async fn one_in_a_thousand_keys_is_healed_at_the_rate_that_does_a_million_in_a_minute() {
    let world = World::new().await;
    let (old, new) = (row(&world, 200, value()), row(&world, 100, value()));
    for n in 0..100_000 {
        for store in [0, 1] {
            let row = if n % 1_000 == store { &new } else { &old };
            apply(&world, store, format!("{n:07}"), row.clone()).await;
        }
    }
    let before = [position(&world, 0), position(&world, 1)];
    let metrics = Registry::new("test");
    world.kv(0).crawl(CrawlLimits::default(), &metrics);
    world.pass(6_000).await;
    assert_eq!(shown(&metrics, "crawl_finished"), 1);
    assert_eq!(shown(&metrics, "crawl_different"), 200);
    for store in [0, 1] {
        assert_eq!(position(&world, store) - before[store], 100);
    }
    assert_eq!(all(&world, 0).await, all(&world, 1).await);
}
