//! What is answered, on the wire: an answer, a store's reply, a stretch of a stream, or why not.

use littoral_store::{Applied, Digest, Found, Item, Listed, Scanned};
use littoral_types::{Body, LocationId, SpaceId, Wall};
use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::followed::FollowedForm;
use super::measured::MeasuredForm;
use super::parts::{self, Bodies, BodyForm, PositionForm, PositionsForm, RowForm};
use super::parts::{TagsForm, VersionForm, mirrored, run};
use super::question::HopForm;
use super::request::GossipForm;
use super::{PAGE_MAX, TEXT_BYTES_MAX, WireError};
use crate::message::HOPS_MAX;
use crate::{Answer, Error, HopReport, Hops, Outcome, Reply, StoreReply, Trailer, Trailing, Truth};

#[derive(Serialize, Deserialize)]
pub(super) enum Form<'a> {
    #[serde(borrow)]
    Answer(AnswerForm<'a>),
    Found {
        #[serde(borrow)]
        row: Option<RowForm<'a>>,
        position: PositionForm,
        mark: VersionForm,
    },
    Applied(AppliedForm),
    Listed {
        #[serde(borrow)]
        items: Bounded<ItemForm<'a>, PAGE_MAX>,
        more: bool,
        position: PositionForm,
    },
    Purged(PositionForm),
    #[serde(borrow)]
    Followed(FollowedForm<'a>),
    #[serde(borrow)]
    Refused(ErrorForm<'a>),
    Scanned {
        #[serde(borrow)]
        digests: Bounded<DigestForm<'a>, PAGE_MAX>,
        more: bool,
        mark: VersionForm,
        position: PositionForm,
    },
    /// How many rows were collected.
    Collected(u64),
    #[serde(borrow)]
    Epoch(GossipForm<'a>),
    Pushed(bool),
    Measured(MeasuredForm),
    /// As `Followed`, to who takes rows.
    FollowedRows(
        #[serde(borrow)] FollowedForm<'a>,
        #[serde(borrow)] Bounded<(u64, RowForm<'a>), PAGE_MAX>,
    ),
}

#[derive(Serialize, Deserialize)]
pub(super) struct AnswerForm<'a> {
    version: VersionForm,
    #[serde(borrow)]
    truth: TruthForm<'a>,
    age_ns: Option<u64>,
    positions: PositionsForm,
    confirmed: bool,
    stale: bool,
    hops: Bounded<HopReportForm, HOPS_MAX>,
    /// Whether a trailer may follow.
    trailing: bool,
}

#[derive(Serialize, Deserialize)]
enum TruthForm<'a> {
    NotModified,
    Whole {
        body: BodyForm,
        #[serde(borrow, serialize_with = "run")]
        meta: &'a [u8],
        tags: TagsForm,
        expires_at: Option<u64>,
    },
}

#[derive(Serialize, Deserialize)]
struct HopReportForm {
    location: u16,
    hop: HopForm,
    outcome: OutcomeForm,
    stored: bool,
    ttl: Option<i64>,
    took_ns: Option<u64>,
}

mirrored!(OutcomeForm of Outcome { Hit, Stale, Miss, Collapsed, Suspect, Bypass });

#[derive(Serialize, Deserialize)]
pub(super) enum AppliedForm {
    Yes { position: PositionForm },
    Newer { current: VersionForm, position: PositionForm },
    Mismatch { current: Option<VersionForm>, position: PositionForm },
    Collected { mark: VersionForm, position: PositionForm },
}

#[derive(Serialize, Deserialize)]
pub(super) struct ItemForm<'a> {
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    live: bool,
    #[serde(borrow)]
    row: RowForm<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DigestForm<'a> {
    space: u128,
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    version: VersionForm,
    live: bool,
    expires_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum ErrorForm<'a> {
    Unreachable,
    Deadline,
    Overloaded,
    MinimumUnmet,
    Unavailable(&'a str),
    Skew(&'a str),
    Refused(&'a str),
    Damaged(&'a str),
}

#[derive(Serialize, Deserialize)]
pub(super) enum TrailerForm {
    Confirmed { store: u8, position: PositionForm },
    Superseded { version: VersionForm },
}

impl<'a> Form<'a> {
    pub(super) fn of(reply: &'a Result<Reply, Error>, bodies: &mut Vec<Body>) -> Self {
        match reply {
            Ok(Reply::Answer(answer)) => Self::Answer(AnswerForm::of(answer, bodies)),
            Ok(Reply::Store(StoreReply::Found(Found { row, position, mark }))) => Self::Found {
                row: row.as_ref().map(|row| RowForm::of(row, bodies)),
                position: parts::position_form(*position),
                mark: mark.parts(),
            },
            Ok(Reply::Store(StoreReply::Applied(applied))) => Self::Applied(applied.into()),
            Ok(Reply::Store(StoreReply::Listed(Listed { items, more, position }))) => {
                Self::Listed {
                    items: Bounded(items.iter().map(|i| ItemForm::of(i, bodies)).collect()),
                    more: *more,
                    position: parts::position_form(*position),
                }
            }
            Ok(Reply::Store(StoreReply::Purged(position))) => {
                Self::Purged(parts::position_form(*position))
            }
            Ok(Reply::Store(StoreReply::Scanned(Scanned { digests, more, mark, position }))) => {
                Self::Scanned {
                    digests: Bounded(digests.iter().map(DigestForm::from).collect()),
                    more: *more,
                    mark: mark.parts(),
                    position: parts::position_form(*position),
                }
            }
            Ok(Reply::Store(StoreReply::Collected(count))) => Self::Collected(*count),
            Ok(Reply::Epoch(gossip)) => Self::Epoch(gossip.into()),
            Ok(Reply::Pushed { held }) => Self::Pushed(*held),
            Ok(Reply::Measured(measured)) => Self::Measured(measured.into()),
            Ok(Reply::Followed(followed)) if followed.rows.is_empty() => {
                Self::Followed(followed.into())
            }
            Ok(Reply::Followed(followed)) => {
                let rows = followed.rows.iter().map(|(n, row)| (*n, RowForm::of(row, bodies)));
                Self::FollowedRows(followed.into(), Bounded(rows.collect()))
            }
            Err(error) => Self::Refused(error.into()),
        }
    }

    pub(super) fn decode(
        self,
        trailing: Trailing,
        bodies: &mut Bodies,
    ) -> Result<Result<Reply, Error>, WireError> {
        Ok(Ok(match self {
            Self::Answer(answer) => Reply::Answer(answer.decode(trailing, bodies)?),
            Self::Found { row, position, mark } => Reply::Store(StoreReply::Found(Found {
                row: row.map(|row| row.decode(bodies)).transpose()?,
                position: parts::position(position),
                mark: parts::version(mark),
            })),
            Self::Applied(applied) => Reply::Store(StoreReply::Applied(applied.into())),
            Self::Listed { items: Bounded(items), more, position } => {
                let items = items.into_iter().map(|item| item.decode(bodies));
                let items = items.collect::<Result<_, _>>()?;
                let position = parts::position(position);
                Reply::Store(StoreReply::Listed(Listed { items, more, position }))
            }
            Self::Purged(position) => Reply::Store(StoreReply::Purged(parts::position(position))),
            Self::Scanned { digests: Bounded(digests), more, mark, position } => {
                let digests = digests.into_iter().map(DigestForm::decode);
                Reply::Store(StoreReply::Scanned(Scanned {
                    digests: digests.collect::<Result<_, _>>()?,
                    more,
                    mark: parts::version(mark),
                    position: parts::position(position),
                }))
            }
            Self::Collected(count) => Reply::Store(StoreReply::Collected(count)),
            Self::Followed(followed) => Reply::Followed(followed.decode(Vec::new())?),
            Self::FollowedRows(followed, Bounded(rows)) => {
                let rows = rows.into_iter().map(|(n, row)| Ok((n, row.decode(bodies)?)));
                let rows = rows.collect::<Result<_, WireError>>()?;
                Reply::Followed(followed.decode(rows)?)
            }
            Self::Epoch(gossip) => Reply::Epoch(gossip.decode()?),
            Self::Pushed(held) => Reply::Pushed { held },
            Self::Measured(measured) => Reply::Measured(measured.decode()),
            Self::Refused(error) => return error.decode().map(Err),
        }))
    }
}

impl<'a> AnswerForm<'a> {
    fn of(answer: &'a Answer, bodies: &mut Vec<Body>) -> Self {
        Self {
            version: answer.version.parts(),
            truth: match &answer.truth {
                Truth::NotModified => TruthForm::NotModified,
                Truth::Whole { body, meta, tags, expires_at } => TruthForm::Whole {
                    body: parts::name_body(body, bodies),
                    meta,
                    tags: parts::tags_form(tags.as_ref()),
                    expires_at: expires_at.map(|Wall(at)| at),
                },
            },
            age_ns: parts::time_form(answer.age),
            positions: parts::positions_form(answer.positions),
            confirmed: answer.confirmed,
            stale: answer.stale,
            hops: Bounded(answer.hops.iter().map(HopReportForm::from).collect()),
            trailing: !answer.trailing.is_none(),
        }
    }

    fn decode(self, trailing: Trailing, bodies: &mut Bodies) -> Result<Answer, WireError> {
        let mut hops = Hops::default();
        self.hops.0.into_iter().for_each(|hop| hops.push(hop.into()));
        Ok(Answer {
            version: parts::version(self.version),
            truth: match self.truth {
                TruthForm::NotModified => Truth::NotModified,
                TruthForm::Whole { body, meta, tags, expires_at } => Truth::Whole {
                    body: bodies.take(body)?,
                    meta: parts::meta(meta)?,
                    tags: parts::tags(tags),
                    expires_at: expires_at.map(Wall),
                },
            },
            age: parts::time(self.age_ns),
            positions: parts::positions(self.positions),
            confirmed: self.confirmed,
            stale: self.stale,
            hops,
            trailing: if self.trailing { trailing } else { Trailing::NONE },
        })
    }
}

impl From<&HopReport> for HopReportForm {
    fn from(report: &HopReport) -> Self {
        Self {
            location: report.location.0,
            hop: report.hop.into(),
            outcome: report.outcome.into(),
            stored: report.stored,
            ttl: report.ttl,
            took_ns: parts::time_form(report.took),
        }
    }
}

impl From<HopReportForm> for HopReport {
    fn from(form: HopReportForm) -> Self {
        Self {
            location: LocationId(form.location),
            hop: form.hop.into(),
            outcome: form.outcome.into(),
            stored: form.stored,
            ttl: form.ttl,
            took: parts::time(form.took_ns),
        }
    }
}

impl From<&Applied> for AppliedForm {
    fn from(applied: &Applied) -> Self {
        match applied {
            Applied::Yes { position } => Self::Yes { position: parts::position_form(*position) },
            Applied::Newer { current, position } => {
                Self::Newer { current: current.parts(), position: parts::position_form(*position) }
            }
            Applied::Mismatch { current, position } => Self::Mismatch {
                current: current.map(littoral_types::Version::parts),
                position: parts::position_form(*position),
            },
            Applied::Collected { mark, position } => {
                Self::Collected { mark: mark.parts(), position: parts::position_form(*position) }
            }
        }
    }
}

impl From<AppliedForm> for Applied {
    fn from(form: AppliedForm) -> Self {
        match form {
            AppliedForm::Yes { position } => Self::Yes { position: parts::position(position) },
            AppliedForm::Newer { current, position } => Self::Newer {
                current: parts::version(current),
                position: parts::position(position),
            },
            AppliedForm::Mismatch { current, position } => Self::Mismatch {
                current: current.map(parts::version),
                position: parts::position(position),
            },
            AppliedForm::Collected { mark, position } => {
                Self::Collected { mark: parts::version(mark), position: parts::position(position) }
            }
        }
    }
}

impl<'a> ItemForm<'a> {
    fn of(item: &'a Item, bodies: &mut Vec<Body>) -> Self {
        Self { key: &item.key, live: item.live, row: RowForm::of(&item.row, bodies) }
    }

    fn decode(self, bodies: &mut Bodies) -> Result<Item, WireError> {
        Ok(Item { key: parts::key(self.key)?, live: self.live, row: self.row.decode(bodies)? })
    }
}

impl<'a> From<&'a Digest> for DigestForm<'a> {
    fn from(digest: &'a Digest) -> Self {
        Self {
            space: digest.space.0,
            key: &digest.key,
            version: digest.version.parts(),
            live: digest.live,
            expires_at: digest.expires_at.map(|Wall(at)| at),
        }
    }
}

impl DigestForm<'_> {
    fn decode(self) -> Result<Digest, WireError> {
        Ok(Digest {
            space: SpaceId(self.space),
            key: parts::key(self.key)?,
            version: parts::version(self.version),
            live: self.live,
            expires_at: self.expires_at.map(Wall),
        })
    }
}

impl<'a> From<&'a Error> for ErrorForm<'a> {
    fn from(error: &'a Error) -> Self {
        let cut = |words: &'a str| &words[..words.floor_char_boundary(TEXT_BYTES_MAX)];
        match error {
            Error::Unreachable => Self::Unreachable,
            Error::Deadline => Self::Deadline,
            Error::Overloaded => Self::Overloaded,
            Error::MinimumUnmet => Self::MinimumUnmet,
            Error::Unavailable(words) => Self::Unavailable(cut(words)),
            Error::Skew(words) => Self::Skew(cut(words)),
            Error::Refused(words) => Self::Refused(cut(words)),
            Error::Damaged(words) => Self::Damaged(cut(words)),
        }
    }
}

impl ErrorForm<'_> {
    fn decode(self) -> Result<Error, WireError> {
        let whole = |words: &str| match words.len() {
            0..=TEXT_BYTES_MAX => Ok(words.to_owned()),
            _ => Err(WireError::TooLong { what: "error", max: TEXT_BYTES_MAX as u64 }),
        };
        Ok(match self {
            Self::Unreachable => Error::Unreachable,
            Self::Deadline => Error::Deadline,
            Self::Overloaded => Error::Overloaded,
            Self::MinimumUnmet => Error::MinimumUnmet,
            Self::Unavailable(words) => Error::Unavailable(whole(words)?),
            Self::Skew(words) => Error::Skew(whole(words)?),
            Self::Refused(words) => Error::Refused(whole(words)?),
            Self::Damaged(words) => Error::Damaged(whole(words)?),
        })
    }
}

impl From<Trailer> for TrailerForm {
    fn from(trailer: Trailer) -> Self {
        match trailer {
            Trailer::Confirmed { store, position } => {
                Self::Confirmed { store: store.0, position: parts::position_form(position) }
            }
            Trailer::Superseded { version } => Self::Superseded { version: version.parts() },
        }
    }
}

impl TrailerForm {
    pub(super) fn decode(self) -> Result<Trailer, WireError> {
        Ok(match self {
            Self::Confirmed { store, position } => Trailer::Confirmed {
                store: parts::store(store)?,
                position: parts::position(position),
            },
            Self::Superseded { version } => {
                Trailer::Superseded { version: parts::version(version) }
            }
        })
    }
}
