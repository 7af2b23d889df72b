//! Messages of every kind, by chance.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_store::{
    Applied, Collect, Condition, Digest, Doomed, Found, Item, List, Listed, Purge,
};
use littoral_store::{Record, Row, Scan, Scanned, Scope};
use littoral_types::{
    Allowed, Blob, Body, Ctx, Epoch, Kind, LocationId, Mono, Position, Positions,
};
use littoral_types::{Space, SpaceId, StoreId, Tag, Tenant, Trace, Version, Wall};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::wire::PAGE_MAX;
use crate::{
    Answer, Error, Filter, Follow, Followed, Gossip, Hop, HopReport, Hops, Measured, Minimum,
    Opaque, Outcome, Push, Question, Reply, Request, StoreCall, StoreReply, Terms, Trailer,
    Trailing, Trip, Truth, Wrote,
};

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn version() -> impl Strategy<Value = Version> {
    any::<(u64, u64)>().prop_map(|(time, writer)| Version::from_parts(time, writer))
}

fn position() -> impl Strategy<Value = Position> {
    any::<(u32, u64)>().prop_map(|(incarnation, number)| Position::new(incarnation, number))
}

fn positions() -> impl Strategy<Value = Positions> {
    (position(), position()).prop_map(|(first, second)| {
        Positions::NONE.with(StoreId(0), first).with(StoreId(1), second)
    })
}

fn space() -> impl Strategy<Value = SpaceId> {
    any::<u128>().prop_map(SpaceId)
}

fn store() -> impl Strategy<Value = StoreId> {
    (0..2_u8).prop_map(StoreId)
}

fn wall() -> impl Strategy<Value = Wall> {
    any::<u64>().prop_map(Wall)
}

fn tags() -> impl Strategy<Value = Option<Arc<[Tag]>>> {
    option::of(vec(any::<u64>().prop_map(Tag), 0..4).prop_map(Arc::from))
}

/// Endless as often as not: that is what an age is after a restart.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::MAX), any::<u64>().prop_map(Duration::from_nanos)]
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        Just(Body::Absent),
        Just(Body::Bytes(Bytes::new())),
        bytes(300).prop_map(Body::Bytes),
        (0..100_u64).prop_map(|len| Body::File(Blob::new("never opened".into(), len))),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    (version(), body(), bytes(20), tags(), option::of(wall())).prop_map(
        |(version, body, meta, tags, expires_at)| Row { version, body, meta, tags, expires_at },
    )
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        bytes(9).prop_map(Scope::Key),
        bytes(9).prop_map(Scope::Prefix),
        any::<u64>().prop_map(|tag| Scope::Tag(Tag(tag))),
        Just(Scope::Everything),
    ]
}

/// With a deadline in whole milliseconds, as the wire tells it.
pub(super) fn ctx(now: Mono) -> impl Strategy<Value = Ctx> {
    let allowed = prop_oneof![
        Just(Allowed::Everywhere),
        vec(any::<u16>().prop_map(LocationId), 0..5).prop_map(Allowed::only),
    ];
    let trace = any::<(u128, u64, bool)>();
    (0..100_000_u64, any::<u128>(), trace, option::of(version()), allowed).prop_map(
        move |(left, tenant, (trace, span, sampled), minimum, allowed)| Ctx {
            deadline: Mono(now.0 + left * 1_000_000),
            tenant: Tenant(tenant),
            trace: Trace { trace, span, sampled },
            minimum,
            allowed,
        },
    )
}

fn question() -> impl Strategy<Value = Question> {
    let minimum = (option::of(version()), version(), positions())
        .prop_map(|(client, own, positions)| Minimum { client, own, positions });
    let hop = prop::sample::select(&Hop::ALL[..]);
    let space = (space(), any::<u8>()).prop_map(|(id, kind)| Space { id, kind: Kind(kind) });
    let rest = (any::<bool>(), bytes(20));
    (space, bytes(40), hop, option::of(version()), minimum, rest).prop_map(
        |(space, key, hop, held, minimum, (through, asked))| Question {
            space,
            key,
            hop,
            held,
            minimum,
            through,
            asked: Opaque(asked),
        },
    )
}

fn terms() -> impl Strategy<Value = Terms> {
    (time(), time(), time(), time()).prop_map(|(refresh, cache_ttl, absent, stale_if_error)| {
        Terms { refresh, cache_ttl, absent, stale_if_error }
    })
}

fn wrote() -> impl Strategy<Value = Wrote> {
    let space = (space(), any::<u8>()).prop_map(|(id, kind)| Space { id, kind: Kind(kind) });
    (space, bytes(9), row(), time(), positions())
        .prop_map(|(space, key, row, age, positions)| Wrote { space, key, row, age, positions })
}

fn call() -> impl Strategy<Value = StoreCall> {
    let condition = prop_oneof![
        Just(Condition::Newer),
        Just(Condition::Absent),
        Just(Condition::Present),
        Just(Condition::Revive),
        version().prop_map(Condition::Version),
    ];
    let write = (space(), bytes(9), row(), condition, wall()).prop_map(
        |(space, key, row, condition, now)| littoral_store::Write {
            space,
            key,
            row,
            condition,
            now,
        },
    );
    let flags = any::<(bool, bool)>();
    let list = (space(), bytes(9), option::of(bytes(9)), flags, 0..=PAGE_MAX).prop_map(
        |(space, prefix, after, (reverse, values), limit)| List {
            space,
            prefix,
            after,
            reverse,
            limit,
            values,
        },
    );
    let scan = (option::of((space(), bytes(9))), 0..=PAGE_MAX)
        .prop_map(|(after, limit)| Scan { after, limit });
    let doomed = (space(), bytes(9), version()).prop_map(|(space, key, version)| Doomed {
        space,
        key,
        version,
    });
    let collect = (vec(doomed, 0..5), wall()).prop_map(|(doomed, now)| Collect { doomed, now });
    prop_oneof![
        scan.prop_map(StoreCall::Scan),
        collect.prop_map(StoreCall::Collect),
        (space(), bytes(9)).prop_map(|(space, key)| StoreCall::Get { space, key }),
        write.prop_map(StoreCall::Apply),
        list.prop_map(StoreCall::List),
        (space(), scope()).prop_map(|(space, scope)| StoreCall::Purge { space, scope }),
    ]
}

fn follow() -> impl Strategy<Value = Follow> {
    let filter = prop_oneof![
        any::<u16>().prop_map(|location| Filter::Location(LocationId(location))),
        (space(), bytes(9)).prop_map(|(space, prefix)| Filter::Prefix { space, prefix }),
    ];
    (position(), filter, time(), 0..=PAGE_MAX, any::<bool>())
        .prop_map(|(after, filter, hold, limit, rows)| Follow { after, filter, hold, limit, rows })
}

fn gossip() -> impl Strategy<Value = Gossip> {
    let document = option::of(bytes(40));
    (any::<u64>(), document).prop_map(|(epoch, document)| Gossip { epoch: Epoch(epoch), document })
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        question().prop_map(Request::Ask),
        (store(), call()).prop_map(|(store, call)| Request::Store(store, call)),
        (store(), follow()).prop_map(|(store, follow)| Request::Follow(store, follow)),
        gossip().prop_map(Request::Epoch),
        (space(), any::<u8>(), bytes(9), version(), any::<bool>(), option::of(row())).prop_map(
            |(id, kind, key, version, drop, row)| {
                let space = Space { id, kind: Kind(kind) };
                Request::Push(Push { space, key, version, drop, row })
            }
        ),
        any::<()>().prop_map(|()| Request::Measured),
        (question(), terms()).prop_map(|(question, terms)| Request::AskKeeper(question, terms)),
        wrote().prop_map(Request::Wrote),
    ]
}

fn hops() -> impl Strategy<Value = Hops> {
    let report = (
        any::<u16>().prop_map(LocationId),
        prop::sample::select(&Hop::ALL[..]),
        prop::sample::select(&Outcome::ALL[..]),
        any::<(bool, Option<i64>)>(),
        time(),
    );
    let report = report.prop_map(|(location, hop, outcome, (stored, ttl), took)| HopReport {
        location,
        hop,
        outcome,
        stored,
        ttl,
        took,
    });
    vec(report, 0..6).prop_map(|reports| {
        let mut hops = Hops::default();
        reports.into_iter().for_each(|report| hops.push(report));
        hops
    })
}

fn truth() -> impl Strategy<Value = Truth> {
    prop_oneof![
        Just(Truth::NotModified),
        (body(), bytes(20), tags(), option::of(wall())).prop_map(
            |(body, meta, tags, expires_at)| Truth::Whole { body, meta, tags, expires_at }
        ),
    ]
}

/// Without a trailer: that one is a channel, and has a test of its own.
fn answer() -> impl Strategy<Value = Answer> {
    (version(), truth(), time(), positions(), any::<(bool, bool)>(), hops()).prop_map(
        |(version, truth, age, positions, (confirmed, stale), hops)| Answer {
            version,
            truth,
            age,
            positions,
            confirmed,
            stale,
            hops,
            trailing: Trailing::NONE,
        },
    )
}

pub(super) fn answer_of_nothing() -> Answer {
    Answer {
        version: Version::ZERO,
        truth: Truth::NotModified,
        age: Duration::ZERO,
        positions: Positions::NONE,
        confirmed: false,
        stale: false,
        hops: Hops::default(),
        trailing: Trailing::NONE,
    }
}

fn applied() -> impl Strategy<Value = Applied> {
    prop_oneof![
        position().prop_map(|position| Applied::Yes { position }),
        (version(), position())
            .prop_map(|(current, position)| Applied::Newer { current, position }),
        (option::of(version()), position())
            .prop_map(|(current, position)| Applied::Mismatch { current, position }),
        (version(), position()).prop_map(|(mark, position)| Applied::Collected { mark, position }),
    ]
}

fn scanned() -> impl Strategy<Value = Scanned> {
    let digest = (space(), bytes(9), version(), any::<bool>(), option::of(wall()));
    let digest = digest.prop_map(|(space, key, version, live, expires_at)| Digest {
        space,
        key,
        version,
        live,
        expires_at,
    });
    (vec(digest, 0..5), any::<bool>(), version(), position())
        .prop_map(|(digests, more, mark, position)| Scanned { digests, more, mark, position })
}

fn listed() -> impl Strategy<Value = Listed> {
    let item = (bytes(9), any::<bool>(), row());
    let item = item.prop_map(|(key, live, row)| Item { key, live, row });
    (vec(item, 0..5), any::<bool>(), position()).prop_map(|(items, more, position)| Listed {
        items,
        more,
        position,
    })
}

fn followed() -> impl Strategy<Value = Followed> {
    let purge = prop_oneof![
        (bytes(9), version(), any::<bool>()).prop_map(|(key, version, live)| Purge::Write {
            key,
            version,
            live
        }),
        scope().prop_map(Purge::Hand),
    ];
    let record = (any::<u64>(), space(), purge);
    let record = record.prop_map(|(number, space, purge)| Record { number, space, purge });
    let rows = vec((any::<u64>(), row()), 0..3);
    (any::<u64>(), vec(record, 0..5), position(), rows, any::<bool>()).prop_map(
        |(epoch, records, through, rows, gap)| {
            let epoch = Epoch(epoch);
            Followed { epoch, records, through, rows, gap }
        },
    )
}

fn words() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..9).prop_map(String::from_iter)
}

fn error() -> impl Strategy<Value = Error> {
    prop_oneof![
        Just(Error::Unreachable),
        Just(Error::Deadline),
        Just(Error::Overloaded),
        Just(Error::MinimumUnmet),
        words().prop_map(Error::Unavailable),
        words().prop_map(Error::Skew),
        words().prop_map(Error::Refused),
    ]
}

fn measured() -> impl Strategy<Value = Measured> {
    let time = |most: u64| (0..most).prop_map(Duration::from_millis);
    let trip = (time(60_000), time(60_000));
    let trip = trip.prop_map(|(mean, deviation)| Trip { mean, deviation });
    let trips = vec((any::<u16>().prop_map(LocationId), trip), 0..5);
    (trips, any::<u64>(), time(1 << 40)).prop_map(|(trips, answered, during)| Measured {
        trips,
        answered,
        during,
    })
}

pub(super) fn reply() -> impl Strategy<Value = Result<Reply, Error>> {
    let found = (option::of(row()), position(), version())
        .prop_map(|(row, position, mark)| Found { row, position, mark });
    prop_oneof![
        answer().prop_map(|answer| Ok(Reply::Answer(answer))),
        found.prop_map(|found| Ok(Reply::Store(StoreReply::Found(found)))),
        applied().prop_map(|applied| Ok(Reply::Store(StoreReply::Applied(applied)))),
        listed().prop_map(|listed| Ok(Reply::Store(StoreReply::Listed(listed)))),
        position().prop_map(|position| Ok(Reply::Store(StoreReply::Purged(position)))),
        scanned().prop_map(|scanned| Ok(Reply::Store(StoreReply::Scanned(scanned)))),
        any::<u64>().prop_map(|count| Ok(Reply::Store(StoreReply::Collected(count)))),
        followed().prop_map(|followed| Ok(Reply::Followed(followed))),
        gossip().prop_map(|gossip| Ok(Reply::Epoch(gossip))),
        any::<bool>().prop_map(|held| Ok(Reply::Pushed { held })),
        measured().prop_map(|measured| Ok(Reply::Measured(measured))),
        error().prop_map(Err),
    ]
}

pub(super) fn trailer() -> impl Strategy<Value = Trailer> {
    prop_oneof![
        (store(), position()).prop_map(|(store, position)| Trailer::Confirmed { store, position }),
        version().prop_map(|version| Trailer::Superseded { version }),
    ]
}
