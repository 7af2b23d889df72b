//! What is small stays small.

use std::time::Duration;

use littoral_types::Ctx;

use super::world::{Setup, World, text};
use crate::{Limits, Policy};

#[tokio::test(start_paused = true)]
async fn an_evicted_answer_leaves_its_version_behind() {
    let limits = Limits { memory_bytes: 600, ..Limits::default() };
    let world = World::with(Setup { limits, ..Setup::default() }).await;
    for key in ["a", "b", "c", "d", "e", "f"] {
        world.put(key, "v").await;
        world.get(6, key).await;
    }
    let state = world.tiers(6).state();
    assert!(state.entries < 6 && state.entry_bytes <= 600);
    assert!(state.remembered + state.entries >= 6);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_hit_needs_no_waiting() {
    let world = World::new().await;
    let (ctx, policy): (Ctx, Policy) = (world.ctx(), Policy::default());
    let key = world.far_key(6);
    world.put(key, "v").await;
    assert!(world.tiers(6).peek(&ctx, super::world::SPACE, key.as_bytes(), &policy).is_none());
    world.get(6, key).await;
    let peeked = world.tiers(6).peek(&ctx, super::world::SPACE, key.as_bytes(), &policy);
    assert_eq!(peeked.as_ref().and_then(text).as_deref(), Some("v"));
    world.pass(Duration::from_secs(31)).await;
    let old = world.tiers(6).peek(&ctx, super::world::SPACE, key.as_bytes(), &policy);
    assert!(old.is_none(), "a refresh is due");
}
