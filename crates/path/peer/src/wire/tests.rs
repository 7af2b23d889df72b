//! Every message comes back as it was sent, and nothing else is read as one.

mod messages;

use std::sync::Arc;

use bytes::Bytes;
use littoral_types::{
    Allowed, Blob, Body, Ctx, Kind as SpaceKind, LocationId, Mono, Space, SpaceId, StoreId,
};
use proptest::prelude::*;

use super::*;
use crate::{Hop, Minimum, Opaque, Question, StoreCall, StoreReply};

const NOW: Mono = Mono(7_000_000_000);

fn get(store: u8) -> Request {
    let get = StoreCall::Get { space: SpaceId(9), key: Bytes::from_static(b"key") };
    Request::Store(StoreId(store), get)
}

/// Where the bytes of bodies lie.
fn places(bodies: &[Body]) -> Vec<*const u8> {
    let place = |body: &Body| match body {
        Body::Bytes(bytes) => bytes.as_ptr(),
        Body::File(blob) => Arc::as_ptr(blob).cast(),
        Body::Absent => std::ptr::null(),
    };
    bodies.iter().map(place).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 1_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_request_comes_back(ctx in messages::ctx(NOW), request in messages::request()) {
        let message = encode_request(&ctx, &request, NOW);
        let (ctx_back, back) = decode_request(message.clone(), NOW).expect("our own");
        prop_assert_eq!(format!("{ctx:?} {request:?}"), format!("{ctx_back:?} {back:?}"));
        let again = encode_request(&ctx_back, &back, NOW);
        prop_assert_eq!(&again.head, &message.head);
        prop_assert_eq!(places(&again.bodies), places(&message.bodies), "no body is copied");
    }

    #[test]
    fn every_reply_comes_back(reply in messages::reply()) {
        let message = encode_reply(&reply);
        let back = decode_reply(message.clone(), Trailing::NONE).expect("our own");
        prop_assert_eq!(format!("{reply:?}"), format!("{back:?}"));
        let again = encode_reply(&back);
        prop_assert_eq!(&again.head, &message.head);
        prop_assert_eq!(places(&again.bodies), places(&message.bodies), "no body is copied");
    }

    #[test]
    fn every_trailer_comes_back(trailer in messages::trailer()) {
        prop_assert_eq!(decode_trailer(&encode_trailer(trailer)), Ok(trailer));
    }

    #[test]
    fn a_message_that_is_cut_short_or_goes_on_is_none(
        request in messages::request(),
        reply in messages::reply(),
        cut in any::<prop::sample::Index>(),
    ) {
        let asked = encode_request(&Ctx::default(), &request, NOW);
        let answered = encode_reply(&reply);
        let less = |message: &Message| Message {
            head: message.head.slice(..cut.index(message.head.len())),
            bodies: message.bodies.clone(),
        };
        let more = |message: &Message| Message {
            head: [&message.head, &[0_u8][..]].concat().into(),
            bodies: message.bodies.clone(),
        };
        prop_assert!(decode_request(less(&asked), NOW).is_err());
        prop_assert!(decode_reply(less(&answered), Trailing::NONE).is_err());
        let after = decode_request(more(&asked), NOW).map(drop);
        prop_assert_eq!(after, Err(WireError::Trailing));
        let after = decode_reply(more(&answered), Trailing::NONE).map(drop);
        prop_assert_eq!(after, Err(WireError::Trailing));
    }

    #[test]
    fn bodies_are_exactly_those_that_the_head_names(reply in messages::reply()) {
        let message = encode_reply(&reply);
        let with = |bodies: Vec<Body>| {
            let message = Message { head: message.head.clone(), bodies };
            decode_reply(message, Trailing::NONE).map(drop)
        };
        let mut more = message.bodies.clone();
        more.push(Body::Bytes(Bytes::new()));
        prop_assert_eq!(with(more), Err(WireError::Bodies));
        if let Some(last) = message.bodies.last() {
            let mut other = message.bodies.clone();
            other.pop();
            prop_assert_eq!(with(other.clone()), Err(WireError::Bodies));
            other.push(Body::Bytes(vec![0; last.len() as usize + 1].into()));
            prop_assert_eq!(with(other.clone()), Err(WireError::Bodies));
        }
    }
}

#[test]
fn a_deadline_travels_as_what_is_left_of_it() {
    let over = |deadline, there: u64| {
        let ctx = Ctx { deadline, ..Ctx::default() };
        let message = encode_request(&ctx, &get(0), NOW);
        decode_request(message, Mono(there)).expect("our own").0.deadline
    };
    let in_2_5_ms = Mono(NOW.0 + 2_500_000);
    assert_eq!(over(in_2_5_ms, 100), Mono(2_000_100), "whole milliseconds, never more");
    assert_eq!(over(Mono(3), 100), Mono(100), "past is past");
    assert!(over(Mono(u64::MAX), u64::MAX - 5) > Mono(u64::MAX - 6), "never stays never");
}

#[test]
fn what_this_node_does_not_know_is_refused_by_name() {
    let message = encode_request(&Ctx::default(), &get(0), NOW);
    let with = |change: fn(&mut Vec<u8>)| {
        let mut head = message.head.to_vec();
        change(&mut head);
        decode_request(Message { head: head.into(), bodies: Vec::new() }, NOW).map(drop)
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|head| head[0] = 2), Err(WireError::Version(2)));
    assert_eq!(with(|head| head[1] = Kind::Reply as u8), Err(WireError::Kind));
    assert_eq!(with(|head| head.truncate(1)), Err(WireError::Short));
    // After version, kind and a context of seven zeros: which request.
    assert_eq!(with(|head| head[9] = 99), Err(WireError::Shape), "an unknown variant");
    assert_eq!(with(|head| head[10] = 2), Err(WireError::Store(2)));
}

#[test]
fn a_question_that_tells_the_origin_nothing_goes_as_older_nodes_read_it() {
    let head = |told: &'static [u8]| {
        let question = Question {
            space: Space { id: SpaceId(9), kind: SpaceKind(2) },
            key: Bytes::from_static(b"key"),
            hop: Hop::Upper,
            held: None,
            minimum: Minimum::default(),
            through: false,
            asked: Opaque(Bytes::from_static(told)),
        };
        encode_request(&Ctx::default(), &Request::Ask(question), NOW).head
    };
    assert_eq!((head(b"")[9], head(b"told")[9]), (0, 10), "which request it is");
    let too_much = head(vec![7; ASKED_BYTES_MAX + 1].leak());
    let message = Message { head: too_much, bodies: Vec::new() };
    assert!(matches!(decode_request(message, NOW), Err(WireError::TooLong { .. })));
}

#[test]
fn what_is_longer_than_its_limit_is_refused() {
    let read = |request: &Request| {
        decode_request(encode_request(&Ctx::default(), request, NOW), NOW).map(drop)
    };
    let with_key = |len| {
        let get = StoreCall::Get { space: SpaceId(1), key: vec![b'k'; len].into() };
        read(&Request::Store(StoreId(0), get))
    };
    assert_eq!(with_key(KEY_BYTES_MAX), Ok(()));
    let too_long = WireError::TooLong { what: "key", max: KEY_BYTES_MAX as u64 };
    assert_eq!(with_key(KEY_BYTES_MAX + 1), Err(too_long));

    let allowed = |count: u16| {
        let ctx = Ctx { allowed: Allowed::only((0..count).map(LocationId)), ..Ctx::default() };
        decode_request(encode_request(&ctx, &get(0), NOW), NOW).map(drop)
    };
    assert_eq!(allowed(ALLOWED_MAX as u16), Ok(()));
    assert_eq!(allowed(ALLOWED_MAX as u16 + 1), Err(WireError::Shape));

    let found = |len| {
        let row = littoral_store::Row {
            body: Body::File(Blob::new("never opened".into(), len)),
            ..littoral_store::Row::default()
        };
        let found = littoral_store::Found {
            row: Some(row),
            position: Default::default(),
            mark: Default::default(),
        };
        let reply = Ok(Reply::Store(StoreReply::Found(found)));
        decode_reply(encode_reply(&reply), Trailing::NONE).map(drop)
    };
    assert_eq!(found(BODY_BYTES_MAX), Ok(()));
    assert!(found(BODY_BYTES_MAX + 1).is_err());
}

#[test]
fn the_words_of_an_error_are_cut_between_letters() {
    let long = Err(Error::Refused("é".repeat(TEXT_BYTES_MAX)));
    let back = decode_reply(encode_reply(&long), Trailing::NONE).expect("our own");
    assert_eq!(back.map(drop), Err(Error::Refused("é".repeat(TEXT_BYTES_MAX / 2))));
}

#[test]
fn an_answer_says_whether_a_trailer_may_follow() {
    let answer =
        |trailing| Ok(Reply::Answer(crate::Answer { trailing, ..messages::answer_of_nothing() }));
    let read = |reply| {
        let (_sender, trailing) = crate::trailer();
        match decode_reply(encode_reply(&reply), trailing).expect("our own") {
            Ok(Reply::Answer(answer)) => !answer.trailing.is_none(),
            _ => panic!("an answer"),
        }
    };
    assert!(!read(answer(Trailing::NONE)));
    assert!(read(answer(crate::trailer().1)));
}
