//! Writes that depend on what is there.

use bytes::Bytes;
use littoral_store::{Condition, Row, Store as _, Write};
use littoral_types::{Body, Version};

use super::world::World;
use crate::{Error, Policy, Precondition};

async fn counts_right(world: &World) {
    world.put(0, "n", "0").await;
    let increments = (0..12).map(|worker| async move {
        let mut tries = 0;
        loop {
            let ctx = world.ctx();
            let key = Bytes::from_static(b"n");
            let kv = world.kv(worker % 4);
            let value = kv.get(&ctx, &world.namespace, key, crate::ReadOptions::default()).await;
            let value = value.expect("an answer");
            let Body::Bytes(bytes) = &value.body else { panic!("a number") };
            let number: u64 = String::from_utf8_lossy(bytes).parse().expect("a number");
            let condition = Precondition::Version(value.version);
            match world.try_put(worker % 4, "n", &(number + 1).to_string(), condition).await {
                Ok(_) => return tries,
                Err(Error::Precondition { current: Some(current) }) => {
                    tries += 1;
                    let ctx = littoral_types::Ctx { minimum: Some(current), ..world.ctx() };
                    world.try_get(worker % 4, "n", &ctx).await.expect("met");
                }
                Err(error) => panic!("{error}"),
            }
        }
    });
    let tries: u32 = futures_util::future::join_all(increments).await.into_iter().sum();
    assert!(tries > 0, "they did contend");
    world.pass(70_000).await;
    assert_eq!(world.get(0, "n").await.as_deref(), Some("12"));
}

#[tokio::test(start_paused = true)]
async fn twelve_increments_make_twelve() {
    counts_right(&World::new().await).await;
    counts_right(&World::with(Policy { compare: true, ..Policy::default() }, true).await).await;
}

#[tokio::test(start_paused = true)]
async fn only_one_creates() {
    let world = World::new().await;
    let creates = (0..8).map(|at| world.try_put(at % 4, "k", "v", Precondition::Absent));
    let created = futures_util::future::join_all(creates).await;
    assert_eq!(created.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = created.iter().filter(|r| matches!(r, Err(Error::Precondition { .. })));
    assert_eq!(refused.count(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_only_the_other_store_has_fails_an_older_condition() {
    let world = World::new().await;
    let key = world.key_at_home(0);
    let old = world.put(0, key, "old").await;
    world.pass(5_000).await;
    let version = Version::new(world.clock.stamp_wall(), 9, 9);
    let row = Row { version, body: Body::Bytes(Bytes::new()), ..Row::default() };
    let (space, now) = (world.namespace.id, world.clock.wall());
    let bytes = Bytes::from_static(key.as_bytes());
    let write = Write { space, key: bytes, row, condition: Condition::Newer, now };
    world.stores[1].inner.apply(write).await.expect("a model takes everything");
    let refused = world.try_put(0, key, "new", Precondition::Version(old)).await;
    let Err(Error::Precondition { current }) = refused else { panic!("{refused:?}") };
    assert_eq!(current, Some(version));
}

#[tokio::test(start_paused = true)]
async fn with_its_home_lost_a_condition_is_refused_and_a_plain_write_is_not() {
    let world = World::new().await;
    let key = world.key_at_home(1);
    let version = world.put(0, key, "v").await;
    world.stores[1].off();
    let refused = world.try_put(0, key, "w", Precondition::Version(version)).await;
    assert!(matches!(refused, Err(Error::StoreNeeded { store: 1, .. })), "{refused:?}");
    world.put(0, key, "w").await;

    let strict = World::with(Policy { compare: true, ..Policy::default() }, true).await;
    let key = strict.key_at_home(1);
    strict.stores[1].off();
    let refused = strict.try_put(0, key, "w", Precondition::None).await;
    assert!(matches!(refused, Err(Error::StoreNeeded { store: 1, .. })), "{refused:?}");
}
