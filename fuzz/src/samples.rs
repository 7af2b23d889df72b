//! Samples of peer messages, as our own encoders write them.

use std::time::Duration;

use bytes::Bytes;
use littoral_peer::wire;
use littoral_peer::{
    Answer, Error, Filter, Follow, Followed, Gossip, Hop, HopReport, Hops, Measured, Minimum,
    Opaque, Outcome, Push, Question, Reply, Request, StoreCall, StoreReply, Terms, Trailer,
    Trailing, Trip, Truth, Wrote,
};
use littoral_store::{
    Applied, Collect, Condition, Digest, Doomed, Found, Item, List, Listed, Purge, Record, Row,
    Scan, Scanned, Scope, Write,
};
use littoral_types::{
    Allowed, Body, Ctx, Epoch, Kind, LocationId, Mono, Position, Positions, Space,
};
use littoral_types::{SpaceId, StoreId, Tag, Tenant, Trace, Version, Wall};

use crate::inside::write_message;

const KEY: Bytes = Bytes::from_static(b"main/de/delimiters.json");
const SPACE: SpaceId = SpaceId(0x0123_4567_89ab_cdef);
const NOW: Mono = Mono(1_000_000_000);

/// For formats that people write.
pub(crate) fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    let requests = requests().into_iter().map(|request| {
        let message = wire::encode_request(&ctx(), &request, NOW);
        write_message(0, &message)
    });
    let replies = replies().into_iter().map(|reply| write_message(1, &wire::encode_reply(&reply)));
    let confirmed = Trailer::Confirmed { store: StoreId(1), position: position() };
    let trailers = [confirmed, Trailer::Superseded { version: version() }].map(|trailer| {
        let head = wire::encode_trailer(trailer);
        write_message(2, &wire::Message { head, bodies: Vec::new() })
    });
    requests.chain(replies).chain(trailers).collect()
}

fn ctx() -> Ctx {
    Ctx {
        deadline: NOW.plus(Duration::from_secs(30)),
        tenant: Tenant(7),
        trace: Trace { trace: u128::MAX / 3, span: 5, sampled: true },
        minimum: Some(version()),
        allowed: Allowed::only([LocationId(1), LocationId(4)]),
    }
}

fn version() -> Version {
    Version::new(Wall(1_700_000_000_000), 2, 0xc5fc_598e_707e_7291)
}

fn position() -> Position {
    Position::new(3, 1_000)
}

fn positions() -> Positions {
    Positions::NONE.with(StoreId(1), position())
}

fn row() -> Row {
    Row {
        version: version(),
        body: Body::Bytes(Bytes::from_static(b"value")),
        meta: Bytes::from_static(b"{\"a\":1}"),
        tags: Some([Tag(1), Tag(u64::MAX)].into()),
        expires_at: Some(Wall(1_700_000_060_000)),
    }
}

fn requests() -> Vec<Request> {
    let question = Question {
        space: Space { id: SPACE, kind: Kind(1) },
        key: KEY,
        hop: Hop::Upper,
        held: Some(version()),
        minimum: Minimum { client: Some(version()), own: version(), positions: positions() },
        through: true,
        asked: Opaque::default(),
    };
    let asked = Opaque(Bytes::from_static(b"\x01GET"));
    let told = Question { asked, ..question.clone() };
    let write = |condition| Write { space: SPACE, key: KEY, row: row(), condition, now: Wall(5) };
    let list = List {
        space: SPACE,
        prefix: Bytes::from_static(b"main/"),
        after: Some(KEY),
        reverse: true,
        limit: 1_000,
        values: true,
    };
    let prefix = Filter::Prefix { space: SPACE, prefix: Bytes::from_static(b"main/") };
    let follow = |filter, rows| {
        let hold = Duration::from_secs(1);
        Follow { after: position(), filter, hold, limit: 4_096, rows }
    };
    let mut calls = vec![
        StoreCall::Get { space: SPACE, key: KEY },
        StoreCall::Apply(write(Condition::Newer)),
        StoreCall::Apply(write(Condition::Version(version()))),
        StoreCall::List(list),
        StoreCall::Apply(write(Condition::Revive)),
        StoreCall::Scan(Scan { after: Some((SPACE, KEY)), limit: 4_096 }),
        StoreCall::Collect(Collect {
            doomed: vec![Doomed { space: SPACE, key: KEY, version: version() }],
            now: Wall(1_700_000_000_000),
        }),
    ];
    for scope in [Scope::Key(KEY), Scope::Prefix(KEY), Scope::Tag(Tag(9)), Scope::Everything] {
        calls.push(StoreCall::Purge { space: SPACE, scope });
    }
    let seconds = Duration::from_secs;
    let terms = Terms {
        refresh: seconds(60),
        cache_ttl: seconds(60),
        absent: seconds(10),
        stale_if_error: seconds(86_400),
    };
    let wrote = Wrote {
        space: Space { id: SPACE, kind: Kind(1) },
        key: KEY,
        row: row(),
        age: Duration::from_millis(3),
        positions: positions(),
    };
    let mut requests = vec![
        Request::Ask(question.clone()),
        Request::Follow(StoreId(0), follow(Filter::Location(LocationId(4)), true)),
        Request::Follow(StoreId(1), follow(prefix, false)),
        Request::Epoch(Gossip { epoch: Epoch(7), document: None }),
        Request::Push(Push {
            space: Space { id: SPACE, kind: Kind(1) },
            key: KEY,
            version: version(),
            drop: true,
            row: None,
        }),
        Request::Push(Push {
            space: Space { id: SPACE, kind: Kind(1) },
            key: KEY,
            version: version(),
            drop: false,
            row: Some(row()),
        }),
        Request::Measured,
        Request::AskKeeper(Question { hop: Hop::Keeper, ..question.clone() }, terms),
        Request::AskKeeper(Question { hop: Hop::Keeper, ..told.clone() }, terms),
        Request::Ask(told),
        Request::Wrote(wrote),
        Request::Epoch(Gossip { epoch: Epoch(7), document: Some(Bytes::from_static(b"text")) }),
    ];
    requests.extend(calls.into_iter().map(|call| Request::Store(StoreId(1), call)));
    requests
}

fn replies() -> Vec<Result<Reply, Error>> {
    let report = HopReport {
        location: LocationId(4),
        hop: Hop::Regional,
        outcome: Outcome::Suspect,
        stored: true,
        ttl: Some(-5),
        took: Duration::from_millis(40),
    };
    let Row { body, meta, tags, expires_at, .. } = row();
    let answer = |truth| Answer {
        version: version(),
        truth,
        age: Duration::MAX,
        positions: positions(),
        confirmed: true,
        stale: false,
        hops: Hops::one(report),
        trailing: Trailing::NONE,
    };
    let item = |live| Item { key: KEY, live, row: row() };
    let purges =
        [Purge::Write { key: KEY, version: version(), live: true }, Purge::Hand(Scope::Everything)];
    let record = |purge| Record { number: 1_000, space: SPACE, purge };
    let stores = [
        StoreReply::Found(Found { row: Some(row()), position: position(), mark: version() }),
        StoreReply::Found(Found { row: None, position: position(), mark: version() }),
        StoreReply::Applied(Applied::Yes { position: position() }),
        StoreReply::Applied(Applied::Newer { current: version(), position: position() }),
        StoreReply::Applied(Applied::Mismatch { current: None, position: position() }),
        StoreReply::Applied(Applied::Collected { mark: version(), position: position() }),
        StoreReply::Scanned(Scanned {
            digests: vec![Digest {
                space: SPACE,
                key: KEY,
                version: version(),
                live: false,
                expires_at: Some(Wall(9)),
            }],
            more: true,
            mark: version(),
            position: position(),
        }),
        StoreReply::Collected(7),
        StoreReply::Listed(Listed {
            items: vec![item(true), item(false)],
            more: true,
            position: position(),
        }),
        StoreReply::Purged(position()),
    ];
    let mut replies = vec![
        Ok(Reply::Answer(answer(Truth::NotModified))),
        Ok(Reply::Answer(answer(Truth::Whole { body, meta, tags, expires_at }))),
        Ok(Reply::Followed(Followed {
            epoch: Epoch(1),
            records: purges.map(record).into(),
            through: position(),
            rows: vec![(1, row())],
            gap: false,
        })),
        Ok(Reply::Measured(Measured {
            trips: vec![(
                LocationId(4),
                Trip { mean: Duration::from_millis(80), deviation: Duration::MAX },
            )],
            answered: 9,
            during: Duration::from_secs(60),
        })),
        Err(Error::MinimumUnmet),
        Err(Error::Unavailable("store is busy".into())),
    ];
    replies.extend(stores.map(|reply| Ok(Reply::Store(reply))));
    replies
}
