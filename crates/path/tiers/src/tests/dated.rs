//! An origin whose answers bring a freshness of their own, as a site's do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_peer::{Answer, Error, Hop, Hops, Opaque, Outcome, Trailing, Truth};
use littoral_store::Scope;
use littoral_types::{Body, Ctx, Kind, Positions, Space, SpaceId, Version};

use super::world::{World, path, text};
use crate::{Asked, Entry, Manner, Origin, Policy, Served};

const SITE: Space = Space { id: SpaceId(6), kind: Kind(8) };
const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(1_000_000);
const HELD: Policy =
    Policy { refresh: LONG, cache_ttl: LONG, absent: Duration::ZERO, stale_if_error: LONG };
const ANEW: Policy = Policy { refresh: Duration::ZERO, cache_ttl: Duration::ZERO, ..HELD };

/// Answers with what it is told, and takes its time.
struct Dated {
    clock: Clock,
    fresh: Duration,
    takes: Duration,
    fetched: Mutex<Vec<Bytes>>,
}

impl Origin for Dated {
    fn fetch(&self, _: Ctx, asked: Asked) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(async move {
            self.fetched.lock().unwrap().push(asked.asked.0.clone());
            self.clock.sleep(self.takes).await;
            let body = Body::Bytes(asked.asked.0);
            Ok(Answer {
                version: asked.stamp,
                truth: Truth::Whole { body, meta: Bytes::new(), tags: None, expires_at: None },
                age: Duration::ZERO,
                positions: asked.applied,
                confirmed: false,
                stale: false,
                hops: Hops::default(),
                trailing: Trailing::NONE,
            })
        })
    }

    fn fresh_for(&self, _: &Arc<Entry>) -> Option<Duration> {
        Some(self.fresh)
    }

    fn place<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        key.split(|byte| *byte == b'/').next().unwrap_or_default()
    }

    fn time(&self) -> Option<Duration> {
        Some(SECOND * 60)
    }

    fn misses_purges(&self) -> bool {
        false
    }
}

/// A world in which one more space has this origin.
async fn with(fresh: Duration, takes: Duration) -> (World, Arc<Dated>) {
    let world = World::new().await;
    let clock = world.clock.clone();
    let origin = Arc::new(Dated { clock, fresh, takes, fetched: Mutex::default() });
    for at in 0..9 {
        assert!(world.tiers(at).register(SITE.kind, Arc::clone(&origin) as _, HELD));
    }
    (world, origin)
}

impl Dated {
    fn fetched(&self) -> usize {
        self.fetched.lock().unwrap().len()
    }
}

async fn ask(
    world: &World,
    at: u16,
    key: &'static str,
    policy: &Policy,
    says: &'static str,
) -> Result<Served, Error> {
    let ctx = Ctx { deadline: world.clock.after(SECOND * 60), ..Ctx::default() };
    let manner = Manner { asked: Opaque(says.into()), through: false };
    world.tiers(at).get_as(&ctx, SITE, key.into(), policy, manner).await
}

/// Where the walk for a key ends.
async fn ends(world: &World, at: u16, key: &'static str) -> Vec<(u16, Hop, Outcome)> {
    path(&ask(world, at, key, &ANEW, "").await.expect("an answer"))
}

#[tokio::test(start_paused = true)]
async fn a_tier_hands_an_answer_on_for_as_long_as_that_is_fresh() {
    let (world, origin) = with(SECOND * 60, Duration::ZERO).await;
    let first = ask(&world, 0, "k", &HELD, "one").await.expect("an answer");
    assert_eq!(text(&first).as_deref(), Some("one"));
    world.pass(SECOND * 59).await;
    let far = ask(&world, 8, "k", &HELD, "two").await.expect("an answer");
    assert_eq!((text(&far).as_deref(), origin.fetched()), (Some("one"), 1));
    assert!(far.age >= SECOND * 59, "{:?}", far.age);
    world.pass(SECOND).await;
    let stale = ask(&world, 8, "k", &ANEW, "three").await.expect("an answer");
    assert_eq!((text(&stale).as_deref(), origin.fetched()), (Some("three"), 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_fresh_is_handed_on_to_nobody_however_young() {
    let (world, origin) = with(Duration::ZERO, Duration::ZERO).await;
    for at in 0..9 {
        ask(&world, at, "k", &ANEW, "").await.expect("an answer");
    }
    assert_eq!(origin.fetched(), 9);
}

#[tokio::test(start_paused = true)]
async fn keys_of_one_place_have_the_same_tiers() {
    let (world, _) = with(Duration::ZERO, Duration::ZERO).await;
    for (one, other) in [("a/1", "a/2"), ("b/1", "b/2"), ("c/1", "c/2"), ("d/1", "d/2")] {
        assert_eq!(ends(&world, 8, one).await[0], ends(&world, 8, other).await[0], "{one}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_takes_its_time_is_asked_once_by_a_herd_everywhere() {
    let (world, origin) = with(SECOND * 60, SECOND * 20).await;
    let all = (0..90).map(|n| ask(&world, n % 9, "k", &HELD, "one"));
    for served in futures_util::future::join_all(all).await {
        assert_eq!(text(&served.expect("an answer")).as_deref(), Some("one"));
    }
    assert_eq!(origin.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_asked_for_is_kept_unless_a_purge_overtook_it() {
    let (world, _) = with(LONG, Duration::ZERO).await;
    let (tiers, key) = (world.tiers(4), Bytes::from_static(b"k"));
    let answer = |version: Version, positions: Positions| Answer {
        version,
        truth: Truth::Whole {
            body: Body::Bytes("given".into()),
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
        },
        age: SECOND,
        positions,
        confirmed: false,
        stale: false,
        hops: Hops::default(),
        trailing: Trailing::NONE,
    };
    let hlc = &tiers.inner().hlc;
    let before = (hlc.now(), tiers.applied());
    assert!(tiers.keep(SITE.id, &key, &answer(before.0, before.1)));
    let served = tiers.peek(&world.ctx(), SITE, &key, &HELD).expect("it is held");
    assert_eq!((text(&served).as_deref(), served.age), (Some("given"), SECOND));
    assert!(!tiers.overtaken(SITE.id, &key, &[], before));
    let purged = world.purge_in(SITE.id, Scope::Key(key.clone())).await;
    assert!(tiers.applies(purged, SECOND * 5).await);
    assert!(tiers.overtaken(SITE.id, &key, &[], before));
    assert!(!tiers.keep(SITE.id, &key, &answer(before.0, before.1)));
    assert!(tiers.peek(&world.ctx(), SITE, &key, &HELD).is_none());
    assert!(tiers.keep(SITE.id, &key, &answer(hlc.now(), tiers.applied())));
}
