//! What follows an answer: late, or never.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use littoral_peer::{Carrier as _, Reply, Trailer, Trailing, trailer};
use littoral_types::{Body, Position, StoreId};
use tokio::sync::watch;

use super::world::{AMS, Does, Running, SOON, World, ams, answer, ask, nyc, peer};
use crate::{Client, server};

type Sender = watch::Sender<Option<Trailer>>;

/// A server whose answers have trailers, and where those are sent from.
async fn world(options: server::Options) -> (World, Running, Client, Arc<Mutex<Vec<Sender>>>) {
    let world = World::new();
    let senders: Arc<Mutex<Vec<Sender>>> = Arc::default();
    let kept = Arc::clone(&senders);
    let service = Does(move |_, _, _| {
        let (sender, trailing) = trailer();
        kept.lock().unwrap().push(sender);
        let mut answer = answer(Body::Absent);
        answer.trailing = trailing;
        std::future::ready(Ok(Reply::Answer(answer))).boxed()
    });
    let running = world.serve_with(&ams("a"), Arc::new(service), options).await;
    let client = world.client(&nyc("b"), vec![peer(AMS, ams("a"), running.address)]);
    (world, running, client, senders)
}

async fn ask_for_one(world: &World, client: &Client) -> Trailing {
    let reply = client.call(AMS, world.ctx(), ask("key")).await;
    let Ok(Reply::Answer(answer)) = reply else { panic!("{reply:?}") };
    assert!(!answer.trailing.is_none());
    answer.trailing
}

const CONFIRMED: Trailer =
    Trailer::Confirmed { store: StoreId(1), position: Position { incarnation: 1, number: 2 } };

#[tokio::test]
async fn a_trailer_arrives_when_it_is_there_after_its_answer() {
    let (world, _running, client, senders) = world(server::Options::default()).await;
    let trailing = ask_for_one(&world, &client).await;
    let early = world.clock.timeout(Duration::from_millis(50), trailing.clone().wait()).await;
    assert!(early.is_err(), "nothing yet: {early:?}");
    senders.lock().unwrap().pop().unwrap().send_replace(Some(CONFIRMED));
    assert_eq!(world.clock.timeout(SOON, trailing.wait()).await, Ok(Some(CONFIRMED)));
}

#[tokio::test]
async fn a_trailer_that_is_lost_ends_the_wait() {
    let (world, _running, client, senders) = world(server::Options::default()).await;
    let trailing = ask_for_one(&world, &client).await;
    drop(senders.lock().unwrap().pop());
    assert_eq!(world.clock.timeout(SOON, trailing.wait()).await, Ok(None));
}

#[tokio::test]
async fn a_trailer_is_not_awaited_for_ever() {
    let trailer_time = Duration::from_millis(100);
    let options = server::Options { trailer_time, ..server::Options::default() };
    let (world, _running, client, senders) = world(options).await;
    let trailing = ask_for_one(&world, &client).await;
    assert_eq!(world.clock.timeout(SOON, trailing.wait()).await, Ok(None));
    drop(senders);
}

#[tokio::test]
async fn a_server_stops_waiting_for_a_trailer_that_nobody_wants() {
    let (world, _running, client, senders) = world(server::Options::default()).await;
    drop(ask_for_one(&world, &client).await);
    let sender = senders.lock().unwrap().pop().unwrap();
    assert!(world.clock.timeout(Duration::from_secs(5), sender.closed()).await.is_ok());
}
