//! The site as the origin of a space: what a question between tiers is answered with.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_peer::{Answer, Error, Hops, Trailing, Truth};
use littoral_tiers::{Asked, Origin, Policy};
use littoral_types::{Body, Ctx, Kind, Positions, Trace, Version, Wall};

use crate::desk::Slot;
use crate::key;
use crate::meta::{Index, Meta};
use crate::rules::{Unstorable, Vary, tags};
use crate::site::{Asking, Held, Keep, Settled, Site};

/// Spaces of responses.
pub const KIND: Kind = Kind(2);

const LONG: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Whatever is held, however old: each answer brings its own freshness, which the front judges.
pub(crate) const HELD: Policy = Policy {
    refresh: LONG,
    cache_ttl: LONG,
    absent: Duration::ZERO,
    stale_if_error: Duration::ZERO,
};

/// Nothing that is held.
pub(crate) const ANEW: Policy = Policy {
    refresh: Duration::ZERO,
    cache_ttl: Duration::ZERO,
    absent: Duration::ZERO,
    stale_if_error: Duration::ZERO,
};

/// Answers for the responses of one site.
pub(crate) struct SiteOrigin(pub Arc<Site>);

/// What answers share: the stamp of when it was asked, and what had been applied by then.
#[derive(Clone, Copy)]
pub(crate) struct Stamp {
    pub version: Version,
    pub positions: Positions,
}

impl Origin for SiteOrigin {
    fn fetch(&self, ctx: Ctx, asked: Asked) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.answer(ctx, asked))
    }
}

impl SiteOrigin {
    async fn answer(&self, ctx: Ctx, asked: Asked) -> Result<Answer, Error> {
        let site = &*self.0;
        let stamp = Stamp { version: asked.stamp, positions: asked.applied };
        let (asking, leader) = match site.desk.take(&ctx) {
            Some(Slot::Keep(mut answer)) => {
                answer.stale = answer.version < asked.minimum.own;
                return Ok(*answer);
            }
            Some(Slot::Ask(asking, leader)) => (*asking, Some(leader)),
            None => {
                let asking = Asking::of_key(&asked.key);
                (asking.ok_or_else(|| Error::Refused("no key of a site".into()))?, None)
            }
        };
        let held = asked.held.and_then(|version| site.held(&asked.key, version));
        match site.exchange(&asked.key, &asking, held.as_ref(), leader).await {
            Settled::Keep(keep) => {
                Ok(site.place(&asked.key, &asking, keep, stamp, ctx.trace).await)
            }
            Settled::Pass(why) => Ok(site.mark(why, stamp)),
            Settled::Nothing(why) => Err(Error::Unavailable(why)),
        }
    }
}

impl Site {
    /// What is held under a key, if it is that version.
    fn held(&self, key: &Bytes, version: Version) -> Option<Held> {
        let served = self.tiers.peek(&Ctx::default(), self.space, key, &HELD)?;
        (served.entry.version == version && !served.absent).then(|| Held::of(&served.entry))?
    }

    /// The answer to a question for `key`, after what else is to be kept has been: an answer that
    /// varies stands elsewhere, and an index in its place.
    pub(crate) async fn place(
        &self,
        key: &Bytes,
        asking: &Asking,
        keep: Keep,
        stamp: Stamp,
        trace: Trace,
    ) -> Answer {
        let names = match Vary::of(&keep.head.headers) {
            Vary::Nothing => return kept(&keep, stamp),
            Vary::By(names) => names,
            Vary::Star => return self.mark(Unstorable::VaryStar, stamp),
        };
        let url = key::base(key);
        let known = self.index(&url);
        let index = match &known {
            Some(index) => index.with(&names),
            None => Index { number: self.number(), names },
        };
        let Some(own) = key::of_variant(&url, &index, &asking.headers) else {
            return self.mark(Unstorable::VaryStar, stamp);
        };
        let changed = known.as_ref() != Some(&index);
        let index = whole(Meta::Index(index).encode(), Bytes::new(), stamp);
        if own == *key {
            if changed {
                self.keep(&url, index, trace).await;
            }
            return kept(&keep, stamp);
        }
        self.keep(&own, self.late(&keep, stamp), trace).await;
        if url == *key {
            return index;
        }
        self.keep(&url, index, trace).await;
        absent(stamp)
    }

    pub(crate) fn index(&self, url: &[u8]) -> Option<Index> {
        let served = self.tiers.peek(&Ctx::default(), self.space, url, &HELD)?;
        match Meta::decode(&served.entry.meta) {
            Some(Meta::Index(index)) if !served.absent => Some(index),
            _ => None,
        }
    }

    /// "Nothing is kept here, and here is why."
    pub(crate) fn mark(&self, why: Unstorable, stamp: Stamp) -> Answer {
        let mut answer = whole(Meta::Mark(why).encode(), Bytes::new(), stamp);
        if let Truth::Whole { expires_at, .. } = &mut answer.truth {
            *expires_at = Some(self.clock.wall().plus(self.limits.mark_time));
        }
        answer
    }

    /// An answer that is kept by a question of its own, now: it has aged since it was asked for.
    pub(crate) fn late(&self, keep: &Keep, stamp: Stamp) -> Answer {
        let mut answer = kept(keep, stamp);
        answer.age += self.clock.mono().since(keep.sent_at);
        answer
    }

    /// Keeps an answer that nobody asked for under this key. Boxed: a question within a question.
    pub(crate) fn keep(&self, key: &Bytes, answer: Answer, trace: Trace) -> BoxFuture<'_, bool> {
        let (key, ctx) = (key.clone(), self.ctx(trace));
        Box::pin(async move {
            let version = answer.version;
            let _left = self.desk.leave(&ctx, Slot::Keep(Box::new(answer)));
            let kept = self.tiers.get(&ctx, self.space, key, &ANEW).await;
            // Whoever joined another's question was not heard.
            kept.is_ok_and(|served| served.entry.version == version)
        })
    }
}

impl Index {
    /// The index for answers that vary by these as well.
    fn with(&self, names: &[http::HeaderName]) -> Self {
        let mut all = self.names.clone();
        all.extend(names.iter().cloned());
        all.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        all.dedup();
        Self { number: self.number, names: all }
    }
}

pub(crate) fn kept(keep: &Keep, stamp: Stamp) -> Answer {
    let mut answer = whole(Meta::Answer(keep.head.clone()).encode(), keep.body.clone(), stamp);
    answer.age = keep.age;
    if let Truth::Whole { tags: labels, .. } = &mut answer.truth {
        let tags = tags(&keep.head.headers);
        *labels = (!tags.is_empty()).then(|| tags.into());
    }
    answer
}

fn whole(meta: Bytes, body: Bytes, stamp: Stamp) -> Answer {
    made(Body::Bytes(body), meta, None, stamp)
}

/// Nothing, as of now.
fn absent(stamp: Stamp) -> Answer {
    made(Body::Absent, Bytes::new(), None, stamp)
}

fn made(body: Body, meta: Bytes, expires_at: Option<Wall>, stamp: Stamp) -> Answer {
    Answer {
        version: stamp.version,
        truth: Truth::Whole { body, meta, tags: None, expires_at },
        age: Duration::ZERO,
        positions: stamp.positions,
        confirmed: false,
        stale: false,
        hops: Hops::default(),
        trailing: Trailing::NONE,
    }
}
