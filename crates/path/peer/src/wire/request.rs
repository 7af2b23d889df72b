//! What is asked, on the wire: the context of the call and the request.

use bytes::Bytes;
use littoral_store::{Collect, Condition, Doomed, List, Row, Scan, Write};
use littoral_types::{
    Allowed, Body, Ctx, Epoch, LocationId, Mono, Space, SpaceId, Tenant, Trace, Wall,
};
use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::keeper::{TermsForm, WroteForm};
use super::parts::{self, Bodies, PositionForm, RowForm, ScopeForm, VersionForm, run};
use super::question::QuestionForm;
use super::{ALLOWED_MAX, DOCUMENT_BYTES_MAX, PAGE_MAX, WireError};
use crate::{Filter, Follow, Gossip, Push, Request, StoreCall};

#[derive(Serialize, Deserialize)]
pub(super) struct Form<'a> {
    ctx: CtxForm,
    #[serde(borrow)]
    request: RequestForm<'a>,
}

#[derive(Serialize, Deserialize)]
struct CtxForm {
    /// What is left of the deadline: no two clocks agree.
    left_ms: u64,
    tenant: u128,
    trace: u128,
    span: u64,
    sampled: bool,
    minimum: Option<VersionForm>,
    /// `None`: everywhere.
    allowed: Option<Bounded<u16, ALLOWED_MAX>>,
}

#[derive(Serialize, Deserialize)]
enum RequestForm<'a> {
    #[serde(borrow)]
    Ask(QuestionForm<'a>),
    Store(u8, #[serde(borrow)] CallForm<'a>),
    Follow(u8, #[serde(borrow)] FollowForm<'a>),
    #[serde(borrow)]
    Epoch(GossipForm<'a>),
    #[serde(borrow)]
    Push(PushForm<'a>),
    Measured,
    // A node that knows fewer refuses the rest, and whoever sent it does without.
    AskKeeper(#[serde(borrow)] QuestionForm<'a>, TermsForm),
    #[serde(borrow)]
    Wrote(WroteForm<'a>),
    /// As `Follow`, by who takes rows.
    FollowRows(u8, #[serde(borrow)] FollowForm<'a>),
    /// As `Push`, with the write.
    PushRow(#[serde(borrow)] PushForm<'a>, #[serde(borrow)] RowForm<'a>),
    /// As `Ask`, with what the origin is told.
    AskWith(#[serde(borrow)] QuestionForm<'a>, #[serde(borrow, serialize_with = "run")] &'a [u8]),
    /// As `AskKeeper`, with the same.
    AskKeeperWith(
        #[serde(borrow)] QuestionForm<'a>,
        TermsForm,
        #[serde(borrow, serialize_with = "run")] &'a [u8],
    ),
}

#[derive(Serialize, Deserialize)]
struct PushForm<'a> {
    space: u128,
    kind: u8,
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    version: VersionForm,
    drop: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct GossipForm<'a> {
    epoch: u64,
    #[serde(borrow)]
    document: Option<&'a [u8]>,
}

impl<'a> From<&'a Gossip> for GossipForm<'a> {
    fn from(gossip: &'a Gossip) -> Self {
        Self { epoch: gossip.epoch.0, document: gossip.document.as_deref() }
    }
}

impl GossipForm<'_> {
    pub(super) fn decode(self) -> Result<Gossip, WireError> {
        let long = |document: &&[u8]| document.len() > DOCUMENT_BYTES_MAX;
        if self.document.as_ref().is_some_and(long) {
            let max = DOCUMENT_BYTES_MAX as u64;
            return Err(WireError::TooLong { what: "document of an epoch", max });
        }
        let document = self.document.map(Bytes::copy_from_slice);
        Ok(Gossip { epoch: Epoch(self.epoch), document })
    }
}

#[derive(Serialize, Deserialize)]
enum CallForm<'a> {
    Get {
        space: u128,
        #[serde(borrow, serialize_with = "run")]
        key: &'a [u8],
    },
    #[serde(borrow)]
    Apply(WriteForm<'a>),
    #[serde(borrow)]
    List(ListForm<'a>),
    Purge {
        space: u128,
        #[serde(borrow)]
        scope: ScopeForm<'a>,
    },
    Scan {
        #[serde(borrow)]
        after: Option<(u128, &'a [u8])>,
        limit: u64,
    },
    Collect {
        #[serde(borrow)]
        doomed: Bounded<DoomedForm<'a>, PAGE_MAX>,
        now: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct DoomedForm<'a> {
    space: u128,
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    version: VersionForm,
}

#[derive(Serialize, Deserialize)]
struct WriteForm<'a> {
    space: u128,
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    #[serde(borrow)]
    row: RowForm<'a>,
    condition: ConditionForm,
    now: u64,
}

#[derive(Serialize, Deserialize)]
enum ConditionForm {
    Newer,
    Version(VersionForm),
    Absent,
    Present,
    Revive,
}

#[derive(Serialize, Deserialize)]
struct ListForm<'a> {
    space: u128,
    #[serde(borrow, serialize_with = "run")]
    prefix: &'a [u8],
    #[serde(borrow)]
    after: Option<&'a [u8]>,
    reverse: bool,
    limit: u64,
    values: bool,
}

#[derive(Serialize, Deserialize)]
struct FollowForm<'a> {
    after: PositionForm,
    #[serde(borrow)]
    filter: FilterForm<'a>,
    hold_ns: Option<u64>,
    limit: u64,
}

#[derive(Serialize, Deserialize)]
enum FilterForm<'a> {
    Location(u16),
    Prefix {
        space: u128,
        #[serde(borrow, serialize_with = "run")]
        prefix: &'a [u8],
    },
}

impl<'a> Form<'a> {
    pub(super) fn of(ctx: &Ctx, request: &'a Request, now: Mono, bodies: &mut Vec<Body>) -> Self {
        let request = match request {
            Request::Ask(question) => match &question.asked.0[..] {
                [] => RequestForm::Ask(question.into()),
                asked => RequestForm::AskWith(question.into(), asked),
            },
            Request::Store(store, call) => RequestForm::Store(store.0, CallForm::of(call, bodies)),
            Request::Follow(store, follow) if follow.rows => {
                RequestForm::FollowRows(store.0, follow.into())
            }
            Request::Follow(store, follow) => RequestForm::Follow(store.0, follow.into()),
            Request::Epoch(gossip) => RequestForm::Epoch(gossip.into()),
            Request::Push(push) => match &push.row {
                None => RequestForm::Push(push.into()),
                Some(row) => RequestForm::PushRow(push.into(), RowForm::of(row, bodies)),
            },
            Request::Measured => RequestForm::Measured,
            Request::AskKeeper(question, terms) => match &question.asked.0[..] {
                [] => RequestForm::AskKeeper(question.into(), terms.into()),
                asked => RequestForm::AskKeeperWith(question.into(), terms.into(), asked),
            },
            Request::Wrote(wrote) => RequestForm::Wrote(WroteForm::of(wrote, bodies)),
        };
        Self { ctx: CtxForm::of(ctx, now), request }
    }

    pub(super) fn decode(
        self,
        now: Mono,
        bodies: &mut Bodies,
    ) -> Result<(Ctx, Request), WireError> {
        let request = match self.request {
            RequestForm::Ask(question) => Request::Ask(question.decode(&[])?),
            RequestForm::AskWith(question, asked) => Request::Ask(question.decode(asked)?),
            RequestForm::Store(store, call) => {
                Request::Store(parts::store(store)?, call.decode(bodies)?)
            }
            RequestForm::Follow(store, follow) => {
                Request::Follow(parts::store(store)?, follow.decode(false)?)
            }
            RequestForm::FollowRows(store, follow) => {
                Request::Follow(parts::store(store)?, follow.decode(true)?)
            }
            RequestForm::Epoch(gossip) => Request::Epoch(gossip.decode()?),
            RequestForm::Push(push) => Request::Push(push.decode(None)?),
            RequestForm::PushRow(push, row) => {
                let row = row.decode(bodies)?;
                Request::Push(push.decode(Some(row))?)
            }
            RequestForm::Measured => Request::Measured,
            RequestForm::AskKeeper(question, terms) => {
                Request::AskKeeper(question.decode(&[])?, terms.into())
            }
            RequestForm::AskKeeperWith(question, terms, asked) => {
                Request::AskKeeper(question.decode(asked)?, terms.into())
            }
            RequestForm::Wrote(wrote) => Request::Wrote(wrote.decode(bodies)?),
        };
        Ok((self.ctx.decode(now), request))
    }
}

impl<'a> From<&'a Push> for PushForm<'a> {
    fn from(Push { space, key, version, drop, row: _ }: &'a Push) -> Self {
        Self { space: space.id.0, kind: space.kind.0, key, version: version.parts(), drop: *drop }
    }
}

impl PushForm<'_> {
    fn decode(self, row: Option<Row>) -> Result<Push, WireError> {
        let Self { space, kind, key, version, drop } = self;
        let space = Space { id: SpaceId(space), kind: littoral_types::Kind(kind) };
        Ok(Push { space, key: parts::key(key)?, version: parts::version(version), drop, row })
    }
}

const NANOSECONDS_PER_MS: u64 = 1_000_000;

impl CtxForm {
    fn of(ctx: &Ctx, now: Mono) -> Self {
        Self {
            left_ms: ctx.deadline.0.saturating_sub(now.0) / NANOSECONDS_PER_MS,
            tenant: ctx.tenant.0,
            trace: ctx.trace.trace,
            span: ctx.trace.span,
            sampled: ctx.trace.sampled,
            minimum: ctx.minimum.map(littoral_types::Version::parts),
            allowed: match &ctx.allowed {
                Allowed::Everywhere => None,
                Allowed::Only(list) => Some(Bounded(list.iter().map(|l| l.0).collect())),
            },
        }
    }

    fn decode(self, now: Mono) -> Ctx {
        let left = self.left_ms.saturating_mul(NANOSECONDS_PER_MS);
        Ctx {
            deadline: Mono(now.0.saturating_add(left)),
            tenant: Tenant(self.tenant),
            trace: Trace { trace: self.trace, span: self.span, sampled: self.sampled },
            minimum: self.minimum.map(parts::version),
            allowed: match self.allowed {
                None => Allowed::Everywhere,
                Some(Bounded(list)) => Allowed::only(list.into_iter().map(LocationId)),
            },
        }
    }
}

impl<'a> CallForm<'a> {
    fn of(call: &'a StoreCall, bodies: &mut Vec<Body>) -> Self {
        match call {
            StoreCall::Get { space, key } => Self::Get { space: space.0, key },
            StoreCall::Apply(write) => Self::Apply(WriteForm::of(write, bodies)),
            StoreCall::List(list) => Self::List(list.into()),
            StoreCall::Purge { space, scope } => {
                Self::Purge { space: space.0, scope: scope.into() }
            }
            StoreCall::Scan(Scan { after, limit }) => Self::Scan {
                after: after.as_ref().map(|(space, key)| (space.0, &key[..])),
                limit: limit_form(*limit),
            },
            StoreCall::Collect(Collect { doomed, now }) => Self::Collect {
                doomed: Bounded(doomed.iter().map(DoomedForm::from).collect()),
                now: now.0,
            },
        }
    }

    fn decode(self, bodies: &mut Bodies) -> Result<StoreCall, WireError> {
        Ok(match self {
            Self::Get { space, key } => {
                StoreCall::Get { space: SpaceId(space), key: parts::key(key)? }
            }
            Self::Apply(write) => StoreCall::Apply(write.decode(bodies)?),
            Self::List(list) => StoreCall::List(list.decode()?),
            Self::Purge { space, scope } => {
                StoreCall::Purge { space: SpaceId(space), scope: scope.decode()? }
            }
            Self::Scan { after, limit: most } => {
                let after = after.map(|(space, key)| Ok((SpaceId(space), parts::key(key)?)));
                StoreCall::Scan(Scan { after: after.transpose()?, limit: limit(most) })
            }
            Self::Collect { doomed: Bounded(doomed), now } => {
                let doomed = doomed.into_iter().map(DoomedForm::decode);
                let doomed = doomed.collect::<Result<_, _>>()?;
                StoreCall::Collect(Collect { doomed, now: Wall(now) })
            }
        })
    }
}

impl<'a> From<&'a Doomed> for DoomedForm<'a> {
    fn from(Doomed { space, key, version }: &'a Doomed) -> Self {
        Self { space: space.0, key, version: version.parts() }
    }
}

impl DoomedForm<'_> {
    fn decode(self) -> Result<Doomed, WireError> {
        let (space, key) = (SpaceId(self.space), parts::key(self.key)?);
        Ok(Doomed { space, key, version: parts::version(self.version) })
    }
}

impl<'a> WriteForm<'a> {
    fn of(write: &'a Write, bodies: &mut Vec<Body>) -> Self {
        Self {
            space: write.space.0,
            key: &write.key,
            row: RowForm::of(&write.row, bodies),
            condition: match write.condition {
                Condition::Newer => ConditionForm::Newer,
                Condition::Version(version) => ConditionForm::Version(version.parts()),
                Condition::Absent => ConditionForm::Absent,
                Condition::Present => ConditionForm::Present,
                Condition::Revive => ConditionForm::Revive,
            },
            now: write.now.0,
        }
    }

    fn decode(self, bodies: &mut Bodies) -> Result<Write, WireError> {
        Ok(Write {
            space: SpaceId(self.space),
            key: parts::key(self.key)?,
            row: self.row.decode(bodies)?,
            condition: match self.condition {
                ConditionForm::Newer => Condition::Newer,
                ConditionForm::Version(version) => Condition::Version(parts::version(version)),
                ConditionForm::Absent => Condition::Absent,
                ConditionForm::Present => Condition::Present,
                ConditionForm::Revive => Condition::Revive,
            },
            now: Wall(self.now),
        })
    }
}

fn limit_form(limit: usize) -> u64 {
    limit.min(PAGE_MAX) as u64
}

fn limit(form: u64) -> usize {
    usize::try_from(form).map_or(PAGE_MAX, |limit| limit.min(PAGE_MAX))
}

impl<'a> From<&'a List> for ListForm<'a> {
    fn from(list: &'a List) -> Self {
        Self {
            space: list.space.0,
            prefix: &list.prefix,
            after: list.after.as_deref(),
            reverse: list.reverse,
            limit: limit_form(list.limit),
            values: list.values,
        }
    }
}

impl ListForm<'_> {
    fn decode(self) -> Result<List, WireError> {
        Ok(List {
            space: SpaceId(self.space),
            prefix: parts::key(self.prefix)?,
            after: self.after.map(parts::key).transpose()?,
            reverse: self.reverse,
            limit: limit(self.limit),
            values: self.values,
        })
    }
}

impl<'a> From<&'a Follow> for FollowForm<'a> {
    fn from(follow: &'a Follow) -> Self {
        Self {
            after: parts::position_form(follow.after),
            filter: match &follow.filter {
                Filter::Location(location) => FilterForm::Location(location.0),
                Filter::Prefix { space, prefix } => FilterForm::Prefix { space: space.0, prefix },
            },
            hold_ns: parts::time_form(follow.hold),
            limit: limit_form(follow.limit),
        }
    }
}

impl FollowForm<'_> {
    fn decode(self, rows: bool) -> Result<Follow, WireError> {
        Ok(Follow {
            after: parts::position(self.after),
            filter: match self.filter {
                FilterForm::Location(location) => Filter::Location(LocationId(location)),
                FilterForm::Prefix { space, prefix } => {
                    Filter::Prefix { space: SpaceId(space), prefix: parts::key(prefix)? }
                }
            },
            hold: parts::time(self.hold_ns),
            limit: limit(self.limit),
            rows,
        })
    }
}
