//! What requests and replies have in common: bodies beside the head, rows, versions, positions.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_store::{Row, Scope};
use littoral_types::{Body, Position, Positions, STORES, StoreId, Tag, Version, Wall};
use serde::{Deserialize, Serialize, Serializer};

use super::bounded::Bounded;
use super::{ASKED_BYTES_MAX, BODY_BYTES_MAX, KEY_BYTES_MAX, META_BYTES_MAX, TAGS_MAX, WireError};
use crate::Opaque;

/// A body as the head names it: its length, or that there is none.
pub(super) type BodyForm = Option<u64>;
pub(super) type VersionForm = (u64, u64);
pub(super) type PositionForm = (u32, u64);
pub(super) type PositionsForm = [PositionForm; STORES];
pub(super) type TagsForm = Option<Bounded<u64, TAGS_MAX>>;

/// The bodies that came with a head, taken in order.
pub(super) struct Bodies(std::vec::IntoIter<Body>);

#[derive(Serialize, Deserialize)]
pub(super) struct RowForm<'a> {
    version: VersionForm,
    body: BodyForm,
    #[serde(borrow, serialize_with = "run")]
    meta: &'a [u8],
    tags: TagsForm,
    expires_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum ScopeForm<'a> {
    Key(#[serde(borrow, serialize_with = "run")] &'a [u8]),
    Prefix(#[serde(borrow, serialize_with = "run")] &'a [u8]),
    Tag(u64),
    Everything,
}

/// Bytes as one run, not as a sequence of numbers: the same encoding, at once.
pub(super) fn run<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// A body is named in the head and put beside it; cloning it copies no byte.
pub(super) fn name_body(body: &Body, bodies: &mut Vec<Body>) -> BodyForm {
    if body.is_absent() {
        return None;
    }
    bodies.push(body.clone());
    Some(body.len())
}

impl Bodies {
    pub(super) fn new(bodies: Vec<Body>) -> Self {
        Self(bodies.into_iter())
    }

    pub(super) fn take(&mut self, named: BodyForm) -> Result<Body, WireError> {
        let Some(len) = named else { return Ok(Body::Absent) };
        if len > BODY_BYTES_MAX {
            return Err(WireError::TooLong { what: "body", max: BODY_BYTES_MAX });
        }
        let body = self.0.next().filter(|body| !body.is_absent() && body.len() == len);
        body.ok_or(WireError::Bodies)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), WireError> {
        if self.0.len() == 0 { Ok(()) } else { Err(WireError::Bodies) }
    }
}

/// Copied: a key of a few bytes must not hold a whole head in memory.
fn copied(bytes: &[u8], what: &'static str, max: usize) -> Result<Bytes, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLong { what, max: max as u64 });
    }
    Ok(Bytes::copy_from_slice(bytes))
}

pub(super) fn key(bytes: &[u8]) -> Result<Bytes, WireError> {
    copied(bytes, "key", KEY_BYTES_MAX)
}

pub(super) fn meta(bytes: &[u8]) -> Result<Bytes, WireError> {
    copied(bytes, "metadata", META_BYTES_MAX)
}

pub(super) fn asked(bytes: &[u8]) -> Result<Opaque, WireError> {
    copied(bytes, "what the origin is told", ASKED_BYTES_MAX).map(Opaque)
}

pub(super) fn version((time, writer): VersionForm) -> Version {
    Version::from_parts(time, writer)
}

pub(super) fn store(number: u8) -> Result<StoreId, WireError> {
    StoreId::all().find(|store| store.0 == number).ok_or(WireError::Store(number))
}

pub(super) fn position_form(position: Position) -> PositionForm {
    (position.incarnation, position.number)
}

pub(super) fn position((incarnation, number): PositionForm) -> Position {
    Position::new(incarnation, number)
}

pub(super) fn positions_form(positions: Positions) -> PositionsForm {
    std::array::from_fn(|store| position_form(positions.of(StoreId(store as u8))))
}

pub(super) fn positions(form: PositionsForm) -> Positions {
    let streams = StoreId::all().zip(form);
    streams.fold(Positions::NONE, |all, (store, form)| all.with(store, position(form)))
}

pub(super) fn tags_form(tags: Option<&Arc<[Tag]>>) -> TagsForm {
    tags.map(|tags| Bounded(tags.iter().map(|Tag(tag)| *tag).collect()))
}

pub(super) fn tags(form: TagsForm) -> Option<Arc<[Tag]>> {
    form.map(|Bounded(tags)| tags.into_iter().map(Tag).collect())
}

/// Nanoseconds; what they cannot say is endless, and so is an age that nobody knows.
pub(super) fn time_form(time: Duration) -> Option<u64> {
    u64::try_from(time.as_nanos()).ok()
}

pub(super) fn time(form: Option<u64>) -> Duration {
    form.map_or(Duration::MAX, Duration::from_nanos)
}

impl<'a> RowForm<'a> {
    pub(super) fn of(row: &'a Row, bodies: &mut Vec<Body>) -> Self {
        Self {
            version: row.version.parts(),
            body: name_body(&row.body, bodies),
            meta: &row.meta,
            tags: tags_form(row.tags.as_ref()),
            expires_at: row.expires_at.map(|Wall(at)| at),
        }
    }

    pub(super) fn decode(self, bodies: &mut Bodies) -> Result<Row, WireError> {
        Ok(Row {
            version: version(self.version),
            body: bodies.take(self.body)?,
            meta: meta(self.meta)?,
            tags: tags(self.tags),
            expires_at: self.expires_at.map(Wall),
        })
    }
}

impl<'a> From<&'a Scope> for ScopeForm<'a> {
    fn from(scope: &'a Scope) -> Self {
        match scope {
            Scope::Key(key) => Self::Key(key),
            Scope::Prefix(prefix) => Self::Prefix(prefix),
            Scope::Tag(Tag(tag)) => Self::Tag(*tag),
            Scope::Everything => Self::Everything,
        }
    }
}

impl ScopeForm<'_> {
    pub(super) fn decode(self) -> Result<Scope, WireError> {
        Ok(match self {
            Self::Key(bytes) => Scope::Key(key(bytes)?),
            Self::Prefix(bytes) => Scope::Prefix(key(bytes)?),
            Self::Tag(tag) => Scope::Tag(Tag(tag)),
            Self::Everything => Scope::Everything,
        })
    }
}

/// An enum of the wire with the variants of one of ours, in an order that never changes.
macro_rules! mirrored {
    ($form:ident of $domain:ident { $($variant:ident),* $(,)? }) => {
        #[derive(Clone, Copy, ::serde::Serialize, ::serde::Deserialize)]
        pub(super) enum $form {
            $($variant),*
        }

        impl From<$domain> for $form {
            fn from(domain: $domain) -> Self {
                match domain {
                    $($domain::$variant => Self::$variant),*
                }
            }
        }

        impl From<$form> for $domain {
            fn from(form: $form) -> Self {
                match form {
                    $($form::$variant => Self::$variant),*
                }
            }
        }
    };
}
pub(super) use mirrored;
