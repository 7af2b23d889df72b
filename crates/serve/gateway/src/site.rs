//! A site: how it is asked, and what may be kept of what it answers.
//!
//! The origin does this for everybody who waits for the same, the front for somebody alone.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use http::{HeaderMap, Method, StatusCode, header};
use littoral_clock::{Chance, Clock, Hlc};
use littoral_peer::Answer;
use littoral_tasks::{TaskKind, Tasks};
use littoral_tiers::{Entry, Manner, Reach, Scope, Tiers};
use littoral_types::{Allowed, Body, Ctx, Mono, Space, StoreId, Trace};
use tokio::sync::oneshot;

use crate::desk::Desk;
use crate::fill::{Budget, Fill, NotWhole};
use crate::meta::{Head, Meta};
use crate::origin::Stamp;
use crate::read::Reads;
use crate::rules::{
    self, Directives, Fields, Unstorable, Validators, hops, initial_age, storable, update,
};
use crate::upstream::{Answered, Finder, Upstream, nothing};
use crate::{Error, Limits, Purger, key, part};

pub(crate) use crate::asking::Asking;
pub(crate) use crate::fills::{Filling, Fills};

/// What a gateway's origin and front share.
pub(crate) struct Site {
    pub(crate) space: Space,
    /// What no other location can be told of is asked from here.
    pub(crate) here: Allowed,
    /// Finds whom other locations name.
    pub(crate) finder: OnceLock<Arc<dyn Finder>>,
    pub(crate) upstream: Upstream,
    pub(crate) tiers: Tiers,
    pub(crate) hlc: Arc<Hlc>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) limits: Limits,
    pub(crate) desk: Arc<Desk>,
    pub(crate) fills: Fills,
    pub(crate) budget: Arc<Budget>,
    pub(crate) chance: Mutex<Chance>,
    /// What was read of entries lately.
    pub(crate) reads: Reads,
}

/// An answer as it is handed to whoever asked for it first.
pub(crate) struct Live {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: LiveBody,
    pub how: How,
    /// As old as it was when its question was sent.
    pub age: Duration,
    pub at: u64,
}

pub(crate) enum LiveBody {
    Here(Bytes),
    Coming(BoxStream<'static, io::Result<Bytes>>),
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It will be kept once it is whole.
    Kept,
    /// What was held is still it.
    Renewed,
    Passed(Unstorable),
    /// The site's fault, while something older is held.
    Failed,
}

/// An answer to be kept.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    pub head: Head,
    pub body: Bytes,
    /// As old as it was when its question was sent…
    pub age: Duration,
    /// …which was then.
    pub sent_at: Mono,
}

/// When the site was asked, how long it took to begin its answer, and what that is stamped with.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub sent_at: Mono,
    pub took: Duration,
    pub stamp: Stamp,
}

/// What an exchange with the site came to.
#[derive(Debug)]
pub(crate) enum Settled {
    Keep(Keep),
    Pass(Unstorable),
    /// It was not the answer's fault: nothing changes.
    Nothing(String),
}

/// An answer that is held, as it is validated.
#[derive(Clone)]
pub(crate) struct Held {
    pub head: Head,
    pub body: Bytes,
}

impl Held {
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let Meta::Answer(head) = Meta::decode(&entry.meta)? else { return None };
        let Body::Bytes(body) = &entry.body else { return None };
        Some(Self { head, body: body.clone() })
    }
}

impl Site {
    pub(crate) fn now(&self) -> u64 {
        self.clock.wall().seconds()
    }

    /// For how many seconds of its age an entry may have been fresh: a soft purge ends that.
    pub(crate) fn fresh_until(&self, key: &[u8], entry: &Entry, age: Duration) -> u64 {
        let since = self.tiers.stale_since(self.space.id, key, entry);
        let stale_for = |since| self.clock.mono().since(since);
        since.map_or(u64::MAX, |since| age.saturating_sub(stale_for(since)).as_secs())
    }

    /// Whether a body on its way may still be joined: no purge has come since, from wherever.
    pub(crate) fn stands(&self, key: &[u8], filling: &Filling) -> bool {
        let Stamp { version, positions } = filling.stamp;
        let tags = rules::tags(&filling.head.headers);
        !self.tiers.overtaken(self.space.id, key, &tags, (version, positions))
    }

    /// Nobody joins any more what is on its way and in one of these scopes.
    pub(crate) fn overtake(&self, scopes: &[Scope]) {
        let covers = |key: &Bytes, filling: &Filling| {
            scopes.iter().any(|scope| match scope {
                Scope::Everything => true,
                Scope::Key(one) => key == one,
                Scope::Prefix(prefix) => key.starts_with(prefix),
                Scope::Tag(tag) => rules::tags(&filling.head.headers).contains(tag),
            })
        };
        self.fills.forget_if(covers);
    }

    /// The context of a question of our own.
    pub(crate) fn ctx(&self, trace: Trace) -> Ctx {
        let span = self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64() | 1;
        let deadline = self.clock.after(self.limits.answer_time);
        Ctx { deadline, trace: Trace { span, ..trace }, ..Ctx::default() }
    }

    /// How the tiers are walked for what is asked: everywhere, if other locations can be told what.
    pub(crate) fn walk(
        &self,
        ctx: &Ctx,
        asking: &Asking,
        key: &Bytes,
        through: bool,
    ) -> (Ctx, Manner) {
        match asking.tell(key) {
            Some(asked) => (ctx.clone(), Manner { asked, through }),
            None => (Ctx { allowed: self.here.clone(), ..ctx.clone() }, Manner::default()),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64()
    }

    /// What an answer that is asked for now will be stamped with.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { version: self.hlc.now(), positions: self.tiers.applied() }
    }

    /// What is held of a URL, and what is on its way, is old: whoever asks from now on asks the site.
    pub(crate) fn make_old(&self, url: &Bytes) {
        let (stamp, now) = (self.stamp(), self.clock.mono());
        let gone = Entry {
            version: stamp.version,
            body: Body::Absent,
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
            vouched_at: now,
            copied_at: now,
            positions: stamp.positions,
            confirmed: false,
            stale_since: None,
        };
        self.tiers.wrote(self.space.id, url, gone, StoreId(0));
        self.fills.forget_if(|key, _| key.starts_with(url));
    }

    /// The same for all other nodes: whoever asks any of them is answered by the site, too. Waits for
    /// their word; who does not answer in time hears of it by the stores' streams.
    pub(crate) async fn make_old_elsewhere(&self, urls: Vec<Bytes>, purger: &Arc<dyn Purger>) {
        let deadline = self.clock.after(self.limits.purge_time);
        let ctx = Ctx { deadline, ..Ctx::default() };
        let version = self.hlc.now();
        let each = urls.into_iter().map(|url| {
            let ctx = &ctx;
            async move {
                let reach = Reach::Everywhere;
                let reached = self.tiers.spread(ctx, self.space, &url, version, reach).await;
                (!reached.missing.is_empty()).then_some(url)
            }
        });
        let unheard: Vec<_> = join_all(each).await.into_iter().flatten().collect();
        if unheard.is_empty() {
            return;
        }
        let (space, purger, ctx) = (self.space, Arc::clone(purger), self.ctx(Trace::default()));
        self.tasks.spawn(TaskKind::Write, async move {
            for url in unheard {
                if let Err(error) = purger.purge(&ctx, space, Scope::Prefix(url)).await {
                    tracing::warn!(error, "a location may hold what a request made old");
                }
            }
        });
    }

    /// The answer to a HEAD about what is held: if it is about the same, its fields are newer; else
    /// what is held is old.
    pub(crate) fn brought_up(
        &self,
        key: &Bytes,
        entry: &Entry,
        newer: HeaderMap,
        (sent_at, took): (Mono, Duration),
        stamp: Stamp,
    ) {
        let Some(Held { mut head, body }) = Held::of(entry) else { return };
        if !rules::same_as_stored(&head.headers, &newer) {
            return self.make_old(&key::base(key));
        }
        head.at = self.now();
        let age = initial_age(&newer, head.at, took);
        update(&mut head.headers, newer);
        self.keep(key, &self.late(&Keep { head, body, age, sent_at }, stamp));
    }

    /// Asks the site, hands the answer over as soon as its head is there, and reads on until it is
    /// whole.
    pub(crate) async fn exchange(
        &self,
        key: &Bytes,
        asking: &Asking,
        held: Option<&Held>,
        stamp: Stamp,
        leader: Option<oneshot::Sender<Result<Live, Error>>>,
    ) -> Settled {
        let whole = held.filter(|held| held.head.status != StatusCode::PARTIAL_CONTENT);
        let mut part = held.filter(|_| whole.is_none());
        let old = whole.is_some();
        let mut held = whole.filter(|held| Validators::of(&held.head.headers).any());
        loop {
            let mut conditional = asking.clone();
            // Of what is held in part, only the rest.
            let rest = part.filter(|part| {
                !asking.headers.contains_key(header::RANGE)
                    && part.ask_for_rest(&mut conditional.headers)
            });
            if let Some(held) = held {
                Validators::of(&held.head.headers).condition(&mut conditional.headers);
            }
            let sent_at = self.clock.mono();
            let answered = match self.upstream.ask(conditional.request(nothing())).await {
                Ok(answered) => answered,
                Err(error) => {
                    let why = error.to_string();
                    hand(leader, Err(error));
                    return Settled::Nothing(why);
                }
            };
            let took = self.clock.mono().since(sent_at);
            if let Some(of) = rest
                && matches!(answered.head.status.as_u16(), 206 | 416)
            {
                let now = self.now();
                match self.completed(of, answered, now).await {
                    Some((whole, age)) => {
                        let age = initial_age(&age, now, took);
                        return self.completes(whole, (age, sent_at), leader);
                    }
                    // It has changed, or is not to be had so: ask for all of it.
                    None => part = None,
                }
                continue;
            }
            let ranged = part.filter(|_| rest.is_none());
            let Some(of) = held.filter(|_| answered.head.status == StatusCode::NOT_MODIFIED) else {
                let at = At { sent_at, took, stamp };
                return self.take(key, asking, answered, at, (old, ranged), leader).await;
            };
            if Validators::of(&of.head.headers).confirmed_by(&answered.head.headers) {
                return self.renew(of, answered.head.headers, (sent_at, took), leader);
            }
            // About something that we do not hold: ask for the whole.
            held = None;
        }
    }

    /// A part and the rest of it, if that is what came; and the headers of the rest.
    async fn completed(
        &self,
        part: &Held,
        answered: Answered,
        now: u64,
    ) -> Option<(Held, HeaderMap)> {
        let Answered { head, body } = answered;
        let rest = part::collect(body, self.limits.body_bytes_max).await?;
        let all = part.with(&head.headers, &rest, now)?;
        let fits = all.body.len() as u64 <= self.limits.body_bytes_max;
        (all.head.status == StatusCode::OK && fits).then_some((all, head.headers))
    }

    /// What was held in part is whole.
    fn completes(
        &self,
        whole: Held,
        (age, sent_at): (Duration, Mono),
        leader: Option<oneshot::Sender<Result<Live, Error>>>,
    ) -> Settled {
        let Held { head, body } = whole;
        let live = Live {
            status: head.status,
            headers: head.headers.clone(),
            body: LiveBody::Here(body.clone()),
            how: How::Renewed,
            age,
            at: head.at,
        };
        hand(leader, Ok(live));
        Settled::Keep(Keep { head, body, age, sent_at })
    }

    /// Keeps what was asked for without a question.
    pub(crate) fn settle(&self, key: &Bytes, asking: &Asking, settled: Settled, stamp: Stamp) {
        let Settled::Keep(keep) = settled else { return };
        let late = self.clock.mono().since(keep.sent_at);
        let answer = self.place(key, asking, keep, stamp);
        self.keep(key, &Answer { age: answer.age + late, ..answer });
    }

    /// What is held is still it (RFC 9111, section 4.3.4).
    fn renew(
        &self,
        held: &Held,
        newer: HeaderMap,
        (sent_at, took): (Mono, Duration),
        leader: Option<oneshot::Sender<Result<Live, Error>>>,
    ) -> Settled {
        let now = self.now();
        let age = initial_age(&newer, now, took);
        let mut head = held.head.clone();
        update(&mut head.headers, newer);
        head.at = now;
        let live = Live {
            status: head.status,
            headers: head.headers.clone(),
            body: LiveBody::Here(held.body.clone()),
            how: How::Renewed,
            age,
            at: now,
        };
        hand(leader, Ok(live));
        Settled::Keep(Keep { head, body: held.body.clone(), age, sent_at })
    }

    pub(crate) async fn take(
        &self,
        key: &Bytes,
        asking: &Asking,
        answered: Answered,
        At { sent_at, took, stamp }: At,
        (old, part): (bool, Option<&Held>),
        leader: Option<oneshot::Sender<Result<Live, Error>>>,
    ) -> Settled {
        let Answered { head, mut body } = answered;
        let (status, mut headers, now) = (head.status, head.headers, self.now());
        let Asking { method, headers: asked, .. } = asking;
        let long = body.declared().is_some_and(|len| len > self.limits.body_bytes_max);
        let verdict = match storable(method, asked, status, &headers, now, self.limits.heuristics) {
            // Several parts in one answer, or one that does not say where it lies.
            Ok(()) if status == StatusCode::PARTIAL_CONTENT && !lies(&headers) => {
                Err(Unstorable::Status)
            }
            Ok(()) if long => Err(Unstorable::Long),
            verdict => verdict,
        };
        let age = initial_age(&headers, now, took);
        hops::strip(&mut headers);
        let failed = old && matches!(status.as_u16(), 500 | 502..=504);
        if let Err(why) = verdict {
            let how = if failed { How::Failed } else { How::Passed(why) };
            let body = LiveBody::Coming(body.stream());
            hand(leader, Ok(Live { status, headers, body, how, age, at: now }));
            return if failed { Settled::Nothing(status.to_string()) } else { Settled::Pass(why) };
        }
        let (fill, mut filler) = Fill::new(self.limits.body_bytes_max, &self.budget);
        let kept = Head { status, at: now, headers: storable_fields(&headers) };
        // The leader first: seeing its own answer on its way, and that not for it, it would ask again.
        if let Some(reader) = fill.read() {
            let body = LiveBody::Coming(reader);
            hand(leader, Ok(Live { status, headers, body, how: How::Kept, age, at: now }));
        }
        let (head, asked) = (kept.clone(), asked.clone());
        let filling = Filling { head, age, since: sent_at, stamp, asked, fill };
        let _shown = self.fills.show(key.clone(), filling);
        let whole = loop {
            match body.next().await {
                None => break true,
                Some(Ok(part)) => filler.push(part, &self.clock).await,
                Some(Err(_)) => break false,
            }
            if filler.long() && !filler.wanted() {
                break false;
            }
        };
        let long = filler.long();
        match filler.finish(whole) {
            Ok(body) => {
                let both = part.and_then(|part| part.with(&kept.headers, &body, now));
                let both = both.filter(|b| b.body.len() as u64 <= self.limits.body_bytes_max);
                let Held { head, body } = both.unwrap_or(Held { head: kept, body });
                Settled::Keep(Keep { head, body, age, sent_at })
            }
            Err(NotWhole::Long) => Settled::Pass(Unstorable::Long),
            Err(NotWhole::Cut) if long => Settled::Pass(Unstorable::Long),
            Err(NotWhole::Cut) => Settled::Nothing("the site cut its answer short".into()),
        }
    }
}

/// Whether a part says where it lies.
fn lies(headers: &HeaderMap) -> bool {
    rules::Stretch::of(StatusCode::PARTIAL_CONTENT, headers, 1).is_some()
}

/// Nobody may be waiting any more.
fn hand(leader: Option<oneshot::Sender<Result<Live, Error>>>, live: Result<Live, Error>) {
    if let Some(leader) = leader {
        let _ = leader.send(live);
    }
}

/// Fields that may be stored with an answer: without those of a proxy, and those that it names in
/// `private` or `no-cache` (RFC 9111, sections 3.1, 5.2.2.4 and 5.2.2.7).
fn storable_fields(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    hops::strip_stored(&mut kept);
    let (directives, _) = Directives::effective(headers);
    for fields in [directives.no_cache, directives.private].into_iter().flatten() {
        if let Fields::Only(names) = fields {
            names.iter().for_each(|name| drop(kept.remove(name)));
        }
    }
    kept
}

/// Whether a request may be answered from what is kept at all.
pub(crate) fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
