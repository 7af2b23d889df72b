//! Calls as their callers see them: what goes there, what comes back, and when it ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use littoral_peer::{
    Carrier as _, Error, Filter, Follow, Followed, Reply, Request, StoreCall, StoreReply,
};
use littoral_store::{Applied, Found, Item, List, Listed, Purge, Record, Row, Scope};
use littoral_tasks::Tasks;
use littoral_types::{
    Allowed, Body, Ctx, Epoch, LocationId, Position, SpaceId, StoreId, Tag, Tenant, Trace, Version,
};
use tokio::sync::{Notify, mpsc};

use super::world::{
    AMS, Does, NYC, Running, SOON, World, ams, answer, ask, body_of, named, nyc, peer, says, write,
};
use crate::client::Options;
use crate::{Formats, server};

fn requests() -> Vec<Request> {
    let key = || Bytes::from_static(b"key");
    let list = List {
        space: SpaceId(7),
        prefix: key(),
        after: Some(key()),
        reverse: true,
        limit: 1_000,
        values: true,
    };
    let filters =
        [Filter::Location(LocationId(4)), Filter::Prefix { space: SpaceId(7), prefix: key() }];
    let mut calls = vec![StoreCall::Get { space: SpaceId(7), key: key() }, StoreCall::List(list)];
    for scope in [Scope::Key(key()), Scope::Prefix(key()), Scope::Tag(Tag(9)), Scope::Everything] {
        calls.push(StoreCall::Purge { space: SpaceId(7), scope });
    }
    let mut requests = vec![ask("key")];
    for body in [Body::Absent, Body::Bytes(Bytes::new()), Body::Bytes(vec![7; 100_000].into())] {
        requests.push(write(body));
    }
    requests.extend(filters.map(|filter| {
        let hold = Duration::from_secs(1);
        let after = Position::new(3, 9);
        Request::Follow(StoreId(1), Follow { after, filter, hold, limit: 4_096, rows: true })
    }));
    requests.extend(calls.into_iter().map(|call| Request::Store(StoreId(1), call)));
    requests
}

fn replies() -> Vec<Result<Reply, Error>> {
    let (position, mark) = (Position::new(3, 9), Version::from_parts(3, 4));
    let row = |len| Row { body: Body::Bytes(vec![3; len].into()), ..Row::default() };
    let item = |len| Item { key: Bytes::from_static(b"key"), live: true, row: row(len) };
    let items = [0, 1, 9_000, 200_000, 5, 8_192].map(item).to_vec();
    let purge = Purge::Hand(Scope::Everything);
    let records = vec![Record { number: 9, space: SpaceId(7), purge }];
    let stores = [
        StoreReply::Found(Found { row: Some(row(9)), position, mark }),
        StoreReply::Found(Found { row: None, position, mark }),
        StoreReply::Applied(Applied::Newer { current: Version::from_parts(1, 2), position }),
        StoreReply::Listed(Listed { items, more: true, position }),
        StoreReply::Purged(position),
    ];
    let mut replies: Vec<Result<Reply, Error>> = stores.map(|r| Ok(Reply::Store(r))).into();
    let through = position;
    replies.push(Ok(Reply::Followed(Followed {
        epoch: Epoch(3),
        records,
        through,
        rows: vec![(9, row(200))],
        gap: true,
    })));
    replies.push(Ok(Reply::Answer(answer(Body::Absent))));
    replies.push(Ok(Reply::Answer(answer(Body::Bytes(vec![1; 50_000].into())))));
    replies.push(Err(Error::MinimumUnmet));
    replies.push(Err(Error::Overloaded));
    replies.push(Err(Error::Unavailable("both stores".into())));
    replies.push(Err(Error::Skew("a clock".into())));
    replies
}

#[tokio::test]
async fn every_kind_of_message_arrives_as_it_was_sent() {
    let world = World::new();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let next = AtomicUsize::new(0);
    let notes = Arc::clone(&seen);
    let service = Does(move |from, _, request: Request| {
        assert_eq!(from, NYC);
        notes.lock().unwrap().push(format!("{request:?}"));
        let at = next.fetch_add(1, Ordering::Relaxed);
        std::future::ready(replies().swap_remove(at % replies().len())).boxed()
    });
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let rounds = requests().len().max(replies().len());
    for round in 0..rounds {
        let request = || requests().swap_remove(round % requests().len());
        let reply = client.call(AMS, world.ctx(), request()).await;
        let expected = replies().swap_remove(round % replies().len());
        assert_eq!(format!("{reply:?}"), format!("{expected:?}"));
        assert_eq!(seen.lock().unwrap().pop(), Some(format!("{:?}", request())));
    }
}

#[tokio::test]
async fn the_context_of_a_call_goes_with_it() {
    let world = World::new();
    let (seen, mut seeing) = mpsc::channel(1);
    let service = Does(move |_, ctx: Ctx, _| {
        seen.try_send(ctx).unwrap();
        std::future::ready(Err(Error::MinimumUnmet)).boxed()
    });
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let sent = Ctx {
        tenant: Tenant(5),
        trace: Trace { trace: 6, span: 7, sampled: true },
        minimum: Some(Version::from_parts(8, 9)),
        allowed: Allowed::only([AMS]),
        ..world.ctx()
    };
    assert_eq!(client.call(AMS, sent.clone(), ask("key")).await.err(), Some(Error::MinimumUnmet));
    let came = seeing.recv().await.unwrap();
    assert_eq!((came.tenant, came.trace, came.minimum), (sent.tenant, sent.trace, sent.minimum));
    assert_eq!(came.allowed, sent.allowed);
    let off = came.deadline.since(sent.deadline).max(sent.deadline.since(came.deadline));
    assert!(off < Duration::from_secs(5), "what is left of the deadline goes along: {off:?}");
}

#[tokio::test]
async fn a_call_ends_by_its_deadline_and_takes_its_question_back() {
    let world = World::new();
    let dropped = Arc::new(Notify::new());
    let notify = Arc::clone(&dropped);
    let service = Does(move |_, mut ctx: Ctx, _| {
        struct Told(Arc<Notify>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        ctx.deadline = ctx.deadline.plus(SOON);
        let told = Told(Arc::clone(&notify));
        async move {
            let _told = told;
            std::future::pending().await
        }
        .boxed()
    });
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let ctx = Ctx { deadline: world.clock.after(Duration::from_millis(300)), ..Ctx::default() };
    let began = world.clock.mono();
    assert_eq!(client.call(AMS, ctx, ask("key")).await.err(), Some(Error::Deadline));
    assert!(world.clock.mono().since(began) < Duration::from_secs(3));
    assert!(world.clock.timeout(SOON, dropped.notified()).await.is_ok());
    // The caller goes away long before the deadline.
    let call = client.call(AMS, world.ctx(), ask("key"));
    assert!(world.clock.timeout(Duration::from_millis(100), call).await.is_err());
    let reset = world.clock.timeout(Duration::from_secs(5), dropped.notified());
    assert!(reset.await.is_ok(), "its stream is reset");
}

/// A server that says when a write has begun and has ended, and waits in between to be told.
async fn gated(world: &World) -> (Running, [Arc<Notify>; 3]) {
    let signals: [Arc<Notify>; 3] = std::array::from_fn(|_| Arc::new(Notify::new()));
    let [begun, go_on, done] = signals.clone();
    let service = Does(move |_, _, _| {
        let (begun, go_on, done) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&done));
        async move {
            begun.notify_one();
            go_on.notified().await;
            done.notify_one();
            Err(Error::MinimumUnmet)
        }
        .boxed()
    });
    (world.serve(&ams("a"), Arc::new(service)).await, signals)
}

#[tokio::test]
async fn a_write_is_sent_although_its_caller_goes_away_at_once() {
    let world = World::new();
    let (running, [begun, ..]) = gated(&world).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    tokio::select! {
        biased;
        _ = client.call(AMS, world.ctx(), write(Body::Absent)) => panic!("too early"),
        () = std::future::ready(()) => {}
    }
    drop(client);
    assert!(world.clock.timeout(SOON, begun.notified()).await.is_ok());
}

#[tokio::test]
async fn a_write_that_has_arrived_is_finished_when_its_connection_is_lost() {
    let world = World::new();
    let (running, [begun, go_on, done]) = gated(&world).await;
    let away = World { tasks: Tasks::new(world.clock.clone()), ..World::new() };
    let peers = vec![peer(AMS, ams("a"), running.address)];
    let client = away.client_with(world.certificates(&nyc("b")), peers, Options::default());
    tokio::select! {
        _ = client.call(AMS, world.ctx(), write(Body::Absent)) => panic!("it was not told to go on"),
        () = begun.notified() => {}
    }
    away.tasks.cut();
    let open = "littoral_link_connections{location=\"test\"} 0";
    world.until("the connection is lost", || world.registry.encode().contains(open)).await;
    go_on.notify_one();
    assert!(world.clock.timeout(SOON, done.notified()).await.is_ok());
}

#[tokio::test]
async fn calls_over_the_limit_of_a_node_are_shed() {
    let world = World::new();
    let service = Does(|_, _, _| std::future::pending().boxed());
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let options = Options { in_flight_per_node: 2, ..Options::default() };
    let peers = vec![peer(AMS, ams("a"), running.address)];
    let client = world.client_with(world.certificates(&nyc("b")), peers, options);
    let ctx = || Ctx { deadline: world.clock.after(Duration::from_secs(1)), ..Ctx::default() };
    let calls = (0..3).map(|_| client.call(AMS, ctx(), ask("key")));
    let mut ends: Vec<_> = join_all(calls).await.into_iter().map(Result::err).collect();
    ends.sort_by_key(|end| *end == Some(Error::Overloaded));
    assert_eq!(ends, [Some(Error::Deadline), Some(Error::Deadline), Some(Error::Overloaded)]);
}

#[tokio::test]
async fn calls_over_the_limit_of_a_server_are_shed() {
    let world = World::new();
    let options = server::Options { calls_max: 0, ..server::Options::default() };
    let running = world.serve_with(&ams("a"), named("a"), options).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::Overloaded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_are_answered() {
    let world = World::new();
    let service = Does(|_, _, request| {
        let Request::Ask(question) = request else { panic!("a question") };
        async move {
            tokio::task::yield_now().await;
            Ok(Reply::Answer(answer(Body::Bytes(question.key))))
        }
        .boxed()
    });
    let running = world.serve(&ams("a"), Arc::new(service)).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    let keys: Vec<String> = (0..1_000).map(|n| format!("key-{n}")).collect();
    let replies = join_all(keys.iter().map(|key| client.call(AMS, world.ctx(), ask(key)))).await;
    for (key, reply) in keys.iter().zip(replies) {
        assert_eq!(body_of(reply), key.as_bytes());
    }
    let text = world.registry.encode();
    assert!(
        text.contains(r#"littoral_link_calls_total{location="test",peer="ams",outcome="ok"} 1000"#),
        "{text}"
    );
}

#[tokio::test]
async fn nodes_of_two_releases_settle_on_what_both_read() {
    let world = World::new();
    let running = world.serve(&ams("a"), named("a")).await;
    let client = |formats| {
        let options = Options { formats: Formats::new(formats), ..Options::default() };
        let peers = vec![peer(AMS, ams("a"), running.address)];
        world.client_with(world.certificates(&nyc("b")), peers, options)
    };
    for _ in 0..2 {
        let newer = client(vec![1, 2]);
        assert_eq!(body_of(newer.call(AMS, world.ctx(), ask("key")).await), b"a");
    }
    let reply = client(vec![2]).call(AMS, world.ctx(), ask("key")).await;
    assert!(matches!(&reply, Err(Error::Refused(why)) if why.contains("of format 1")), "{reply:?}");
}

#[tokio::test]
async fn who_is_in_no_address_book_is_unreachable() {
    let world = World::new();
    let client = world.client(&nyc("b"), Vec::new());
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::Unreachable));
    let running = world.serve(&ams("a"), says(|| Err(Error::MinimumUnmet))).await;
    client.set_peers(vec![peer(AMS, ams("a"), running.address)]);
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::MinimumUnmet), "a book is replaced while it is in use");
    client.set_peers(Vec::new());
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    assert_eq!(reply.err(), Some(Error::Unreachable));
}
