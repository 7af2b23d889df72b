//! The site as the origin of a space: what a question between tiers is answered with.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use littoral_peer::{Answer, Error, Hops, Trailing, Truth};
use littoral_tiers::{Asked, Entry, Origin, Policy};
use littoral_types::{Body, Ctx, Kind, Positions, Version, Wall};

use crate::key;
use crate::meta::{Index, Meta};
use crate::read::Read;
use crate::rules::{Unstorable, Vary, tags};
use crate::site::{Asking, Held, Keep, Settled, Site};
use crate::told::Told;

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

    fn fresh_for(&self, entry: &Arc<Entry>) -> Option<Duration> {
        let limits = self.0.limits;
        Some(match self.0.reads.of(entry, limits.heuristics) {
            // It is nobody's answer by itself; the site is asked under the key that it leads to.
            Some(Read::Index(_)) => LONG,
            Some(Read::Mark(_)) => limits.mark_time,
            Some(Read::Answer(known)) if known.hands_on() => Duration::from_secs(known.lifetime),
            Some(Read::Answer(_)) | None => Duration::ZERO,
        })
    }

    /// All answers of a URL stand together: one question finds out by what they vary.
    fn place<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        key::url_part(key)
    }

    fn time(&self) -> Option<Duration> {
        Some(self.0.limits.answer_time)
    }

    /// What a request makes old is old everywhere before it is answered.
    fn misses_purges(&self) -> bool {
        false
    }
}

impl SiteOrigin {
    async fn answer(&self, ctx: Ctx, asked: Asked) -> Result<Answer, Error> {
        let site = &*self.0;
        let stamp = site.stamp_of(&asked);
        let (asking, leader) = match site.desk.take(&ctx) {
            Some((asking, leader)) => (*asking, Some(leader)),
            None => (site.asking_of(&asked)?, None),
        };
        let held = asked.held.and_then(|version| site.held(&asked.key, version));
        match site.exchange(&asked.key, &asking, held.as_ref(), stamp, leader).await {
            Settled::Keep(keep) => Ok(site.place(&asked.key, &asking, keep, stamp)),
            Settled::Pass(why) => Ok(site.mark(why, stamp)),
            Settled::Nothing(why) => Err(Error::Unavailable(why)),
        }
    }
}

impl Site {
    /// The site is asked after the question was: that is also after every purge that the question
    /// knows, and newer than whatever it knows.
    fn stamp_of(&self, asked: &Asked) -> Stamp {
        let positions = asked.applied.join(asked.minimum.positions);
        let mut version = asked.stamp;
        if version <= asked.minimum.own && self.hlc.observe(asked.minimum.own).is_ok() {
            version = self.hlc.now();
        }
        Stamp { version, positions }
    }

    /// What a question from elsewhere asks for.
    fn asking_of(&self, asked: &Asked) -> Result<Asking, Error> {
        let refused = |why: &str| Error::Refused(why.to_owned());
        if asked.asked.is_empty() {
            return Asking::of_key(&asked.key).ok_or_else(|| refused("no key of a site"));
        }
        let told = Told::read(&asked.asked.0, &asked.key);
        let Told { name, mut asking } = told.ok_or_else(|| refused("no request to a site"))?;
        if !name.is_empty() {
            let found = self.finder.get().and_then(|finder| finder.find(&name));
            asking.via = Some(found.ok_or_else(|| refused("no such version of a zone here"))?);
        }
        Ok(asking)
    }

    /// What is held under a key, if it is that version.
    fn held(&self, key: &Bytes, version: Version) -> Option<Held> {
        let served = self.tiers.peek(&Ctx::default(), self.space, key, &HELD)?;
        (served.entry.version == version && !served.absent).then(|| Held::of(&served.entry))?
    }

    /// The answer to a question for `key`, after what else is to be kept has been: an answer that
    /// varies stands elsewhere, and an index in its place.
    pub(crate) fn place(&self, key: &Bytes, asking: &Asking, keep: Keep, stamp: Stamp) -> Answer {
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
                self.keep(&url, &index);
            }
            return kept(&keep, stamp);
        }
        self.keep(&own, &self.late(&keep, stamp));
        if url == *key {
            return index;
        }
        self.keep(&url, &index);
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

    /// Keeps an answer that nobody asked for under this key, unless something overtook it.
    pub(crate) fn keep(&self, key: &Bytes, answer: &Answer) -> bool {
        self.tiers.keep(self.space.id, key, answer)
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
