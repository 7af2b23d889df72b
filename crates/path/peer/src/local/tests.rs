//! What a carrier that encodes changes, and what it does not.

use std::time::Duration;

use bytes::Bytes;
use littoral_types::{Body, Mono, Position, Positions, SpaceId, StoreId, Version, Wall};
use tokio::sync::watch;

use super::*;
use crate::{Answer, Hops, StoreCall, Trailer, Truth};

/// Answers with the body of the write it is sent, and remembers the deadline.
#[derive(Default)]
struct Echo {
    deadline: Mutex<Mono>,
    trailer: Mutex<Option<watch::Sender<Option<Trailer>>>>,
}

impl Service for Echo {
    fn handle(
        &self,
        _from: LocationId,
        ctx: Ctx,
        request: Request,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        *self.deadline.lock().unwrap() = ctx.deadline;
        let Request::Store(_, StoreCall::Apply(write)) = request else {
            return Box::pin(async { Err(Error::Refused("only echoes".into())) });
        };
        let (sender, trailing) = trailer();
        *self.trailer.lock().unwrap() = Some(sender);
        Box::pin(async move {
            Ok(Reply::Answer(Answer {
                version: write.row.version,
                truth: Truth::Whole {
                    body: write.row.body,
                    meta: write.row.meta,
                    tags: None,
                    expires_at: None,
                },
                age: Duration::MAX,
                positions: Positions::NONE,
                confirmed: false,
                stale: false,
                hops: Hops::default(),
                trailing,
            }))
        })
    }
}

fn write(key: Vec<u8>, body: &Bytes) -> Request {
    let row = littoral_store::Row {
        version: Version::from_parts(5, 6),
        body: Body::Bytes(body.clone()),
        ..littoral_store::Row::default()
    };
    Request::Store(
        StoreId(1),
        StoreCall::Apply(littoral_store::Write {
            space: SpaceId(1),
            key: key.into(),
            row,
            condition: littoral_store::Condition::Newer,
            now: Wall(1),
        }),
    )
}

const TRIP: Duration = Duration::from_millis(40);

fn world(encoding: bool) -> (Clock, Arc<Echo>, Arc<dyn Service>, Arc<Local>) {
    let clock = Clock::simulated(Wall(1_700_000_000_000), 0);
    let trips = Trips::new(vec![vec![TRIP; 2]; 2]);
    let network = Network::new(clock.clone(), Tasks::new(clock.clone()), trips, Faults::none());
    network.encoding(encoding);
    let echo = Arc::new(Echo::default());
    let service: Arc<dyn Service> = Arc::clone(&echo) as _;
    network.attach(LocationId(1), &service);
    let end = network.end(LocationId(0), Limits::default());
    (clock, echo, service, end)
}

#[tokio::test(start_paused = true)]
async fn bodies_and_trailers_arrive_the_same_whether_messages_are_encoded_or_not() {
    for encoding in [false, true] {
        let (clock, echo, _service, end) = world(encoding);
        let sent = Bytes::from_static(b"a body that is not copied");
        let deadline = clock.after(Duration::from_secs(1));
        let ctx = Ctx { deadline, ..Ctx::default() };
        let reply = end.call(LocationId(1), ctx, write(b"key".to_vec(), &sent)).await;
        let Ok(Reply::Answer(answer)) = reply else { panic!("{reply:?}") };
        let Truth::Whole { body: Body::Bytes(body), .. } = &answer.truth else { panic!("bytes") };
        assert_eq!(body.as_ptr(), sent.as_ptr());
        assert_eq!(answer.version, Version::from_parts(5, 6));
        let late = Trailer::Confirmed { store: StoreId(1), position: Position::new(1, 2) };
        let sender = echo.trailer.lock().unwrap().take().unwrap();
        sender.send_replace(Some(late));
        assert_eq!(answer.trailing.wait().await, Some(late));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_deadline_is_counted_from_where_an_encoded_message_arrives() {
    for (encoding, later) in [(false, Duration::ZERO), (true, TRIP)] {
        let (clock, echo, _service, end) = world(encoding);
        let deadline = clock.after(Duration::from_secs(1));
        let ctx = Ctx { deadline, ..Ctx::default() };
        let reply = end.call(LocationId(1), ctx, write(b"key".to_vec(), &Bytes::new())).await;
        assert!(reply.is_ok());
        assert_eq!(*echo.deadline.lock().unwrap(), deadline.plus(later));
    }
}

#[tokio::test(start_paused = true)]
async fn an_encoded_message_over_a_limit_is_refused_where_it_arrives() {
    let (clock, echo, _service, end) = world(true);
    let ctx = Ctx { deadline: clock.after(Duration::from_secs(1)), ..Ctx::default() };
    let long = write(vec![b'k'; crate::wire::KEY_BYTES_MAX + 1], &Bytes::new());
    let reply = end.call(LocationId(1), ctx, long).await;
    assert!(
        matches!(&reply, Err(Error::Refused(why)) if why.contains("key is longer")),
        "{reply:?}"
    );
    assert_eq!(*echo.deadline.lock().unwrap(), Mono::default(), "the service was not asked");
}
