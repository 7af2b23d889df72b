//! One request: look, judge, ask if need be, answer.

mod ask;
mod pass;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode, header};
use littoral_http::{Answer, Call, Front, Res};
use littoral_peer::Outcome;
use littoral_tiers::{Entry, Served};
use littoral_types::{Body, Ctx};

use crate::asking::key_of;
use crate::origin::HELD;
use crate::read::{Known, Read};
use crate::respond::Said;
use crate::rules::{ContentRange, Standing, Stretch, Verdict, Wants};
use crate::site::{Asking, Site, reads};
use crate::{Error, Gateway, Via, key};

/// What stands under a URL for those who ask like this.
enum Found {
    Answer(Box<Stored>),
    /// It cannot be kept, or could not lately.
    Mark(&'static str),
    /// Nothing, under this key.
    Nothing(Bytes),
}

/// A stored answer.
struct Stored {
    key: Bytes,
    entry: Arc<Entry>,
    known: Arc<Known>,
    /// For how long it was fresh, unless somebody made it stale since.
    lifetime: u64,
    age: Duration,
}

impl Stored {
    fn of(key: Bytes, served: &Served, site: &Site) -> Option<Self> {
        match site.reads.of(&served.entry, site.limits.heuristics)? {
            Read::Answer(known) => Some(Self::read(key, served, known, site)),
            _ => None,
        }
    }

    fn read(key: Bytes, served: &Served, known: Arc<Known>, site: &Site) -> Self {
        let (entry, age) = (Arc::clone(&served.entry), served.age);
        let lifetime = known.lifetime.min(site.fresh_until(&key, &entry, age));
        Self { key, entry, known, lifetime, age }
    }

    /// Only a part of an answer is stored.
    fn is_part(&self) -> bool {
        self.known.head.status == StatusCode::PARTIAL_CONTENT
    }

    /// Whether it has what is asked for: of a part, that must lie in it.
    fn has(&self, request: &Request) -> bool {
        !self.is_part() || request.method == Method::GET && self.cut(request).is_some()
    }

    fn cut(&self, request: &Request) -> Option<(usize, ContentRange)> {
        let headers = &self.known.head.headers;
        let stretch = Stretch::of(self.known.head.status, headers, self.body().len() as u64)?;
        stretch.answers(&request.headers, headers)
    }

    /// Whether it may be served because the site has failed.
    fn serves_on_error(&self, request: &Request) -> bool {
        self.has(request) && self.standing().serves_on_error(&request.wants, None)
    }

    fn standing(&self) -> Standing<'_> {
        Standing { directives: &self.known.directives, lifetime: self.lifetime, age: self.age }
    }

    fn body(&self) -> Bytes {
        match &self.entry.body {
            Body::Bytes(body) => body.clone(),
            _ => Bytes::new(),
        }
    }
}

/// One request on its way.
struct Request {
    method: Method,
    /// As the client asked.
    headers: HeaderMap,
    asking: Asking,
    wants: Wants,
    url: Bytes,
    ctx: Ctx,
}

impl Request {
    fn of(call: &Call, ctx: Ctx) -> Result<Self, Error> {
        let head = &call.head;
        let asking = Asking::of(head, call.peer.ip(), &ctx, call.interim.clone())?;
        let url = asking.key();
        let (method, headers) = (head.method.clone(), head.headers.clone());
        Ok(Self { method, wants: Wants::of(&headers), headers, asking, url, ctx })
    }

    fn shape(&self) -> (&Method, &HeaderMap) {
        (&self.method, &self.headers)
    }

    /// Whether its answer may not be meant for others, or is only a part: nobody joins it.
    fn alone(&self) -> bool {
        self.wants.no_store
            || self.wants.no_cache
            || self.headers.contains_key(header::AUTHORIZATION)
            || self.headers.contains_key(header::RANGE)
    }

    /// Whether what tiers hold may be too old for it, however fresh.
    fn strict(&self) -> bool {
        self.wants.max_age.is_some() || self.wants.min_fresh.is_some()
    }

    /// Whether it depends on a state that only the site knows (RFC 9110, section 13.1.1).
    fn conditional_on_site(&self) -> bool {
        only_site_knows(&self.headers)
    }
}

fn only_site_knows(asked: &HeaderMap) -> bool {
    asked.contains_key(header::IF_MATCH) || asked.contains_key(header::IF_UNMODIFIED_SINCE)
}

impl Front for Gateway {
    fn answer(&self, call: Call) -> Answer {
        if self.is_ours(&call) {
            return Answer::Later(self.clone().door(call));
        }
        if let Some(res) = self.at_once(&call) {
            return Answer::Ready(res);
        }
        let deadline = self.site.clock.after(self.site.limits.answer_time);
        let ctx = Ctx { deadline, ..call.ctx.clone() };
        let request = match Request::of(&call, ctx) {
            Ok(request) => request,
            Err(error) => {
                return Answer::Ready(self.respond.refused(&error, &Said::of(Outcome::Bypass)));
            }
        };
        // With a body, even a GET asks for something that its URL does not say.
        let asks_more = call.body.declared() != Some(0) || request.conditional_on_site();
        let passed = request.asking.via.as_ref().is_some_and(|via| !via.kept);
        if !reads(&request.method) || asks_more || passed {
            return Answer::Later(self.clone().pass(request, call.body));
        }
        let found = self.find(&request);
        if let Found::Answer(stored) = &found
            && matches!(stored.standing().judge(&request.wants), Verdict::Fresh | Verdict::Accepted)
            && stored.has(&request)
        {
            return Answer::Ready(self.serve(&request, stored));
        }
        Answer::Later(self.clone().look(request, found))
    }
}

impl Gateway {
    /// What is fresh in memory is answered where the connection is read, out of the request as it
    /// stands.
    fn at_once(&self, call: &Call) -> Option<Res> {
        let head = &call.head;
        if !reads(&head.method) || call.body.declared() != Some(0) || only_site_knows(&head.headers)
        {
            return None;
        }
        if head.extensions.get::<Via>().is_some_and(|via| !via.kept) {
            return None;
        }
        let url = key_of(head).ok()?;
        let found = self.find_by(&call.ctx, &url, &head.headers);
        let Found::Answer(stored) = found else { return None };
        if stored.is_part() {
            return None;
        }
        let verdict = stored.standing().judge(&Wants::of(&head.headers));
        let said = Said::hit(stored.standing().left());
        matches!(verdict, Verdict::Fresh | Verdict::Accepted)
            .then(|| self.shown((&head.method, &head.headers), &stored, &said))
    }

    fn find(&self, request: &Request) -> Found {
        self.find_by(&request.ctx, &request.url, &request.headers)
    }

    fn find_by(&self, ctx: &Ctx, url: &Bytes, asked: &HeaderMap) -> Found {
        let mut key = url.clone();
        for _ in 0..2 {
            let peeked = self.site.tiers.peek(ctx, self.site.space, &key, &HELD);
            let Some(served) = peeked.filter(|served| !served.absent) else { break };
            match self.site.reads.of(&served.entry, self.site.limits.heuristics) {
                Some(Read::Mark(why)) => return Found::Mark(why.name()),
                Some(Read::Answer(known)) => {
                    return Found::Answer(Box::new(Stored::read(key, &served, known, &self.site)));
                }
                Some(Read::Index(index)) => match key::of_variant(url, &index, asked) {
                    Some(variant) if key == *url => key = variant,
                    _ => return Found::Mark("vary"),
                },
                None => break,
            }
        }
        Found::Nothing(key)
    }

    fn serve(&self, request: &Request, stored: &Stored) -> Res {
        let said = Said::hit(stored.standing().left());
        self.served(request, stored, &said)
    }

    fn served(&self, request: &Request, stored: &Stored, said: &Said) -> Res {
        if let Some(at) = stored.cut(request) {
            let (head, body) = (&stored.known.head, stored.body());
            return self.respond.part(head, &body, at, stored.age, said);
        }
        self.shown(request.shape(), stored, said)
    }

    fn shown(&self, asked: (&Method, &HeaderMap), stored: &Stored, said: &Said) -> Res {
        let Known { head, shown, .. } = &*stored.known;
        self.respond.stored(asked, (head, shown), &stored.body(), stored.age, said)
    }

    fn look(self, request: Request, found: Found) -> BoxFuture<'static, Res> {
        Box::pin(async move {
            match found {
                _ if request.wants.only_if_cached => {
                    self.respond.refused(&Error::OnlyIfCached, &Said::of(Outcome::Miss))
                }
                Found::Answer(stored) if stored.is_part() => self.in_part(request, *stored).await,
                Found::Answer(stored) => match stored.standing().judge(&request.wants) {
                    Verdict::Fresh | Verdict::Accepted => self.serve(&request, &stored),
                    Verdict::Meanwhile => {
                        self.refresh(&request, stored.key.clone());
                        self.serve(&request, &stored)
                    }
                    Verdict::Validate => self.validate(request, *stored).await,
                },
                _ if request.method == Method::HEAD => self.head(request, None).await,
                Found::Mark(why) => self.alone(request, None, Some(why)).await,
                Found::Nothing(_) if request.alone() => self.alone(request, None, None).await,
                Found::Nothing(key) => self.together(request, key, None, 0).await,
            }
        })
    }

    /// Only a part is stored: it answers what lies in it; what is asked for beyond completes it.
    async fn in_part(self, request: Request, stored: Stored) -> Res {
        let fresh =
            matches!(stored.standing().judge(&request.wants), Verdict::Fresh | Verdict::Accepted);
        if fresh && stored.has(&request) {
            return self.serve(&request, &stored);
        }
        if request.method == Method::HEAD {
            return self.head(request, None).await;
        }
        if request.alone() || !fresh {
            return self.alone(request, Some(stored), None).await;
        }
        let key = stored.key.clone();
        self.together(request, key, Some(stored), 0).await
    }

    async fn validate(self, request: Request, stored: Stored) -> Res {
        if request.method == Method::HEAD {
            return self.head(request, Some(stored)).await;
        }
        // What must be validated for each request is validated for each by itself.
        if request.alone() || stored.known.directives.always_validate() {
            return self.alone(request, Some(stored), None).await;
        }
        let key = stored.key.clone();
        self.together(request, key, Some(stored), 0).await
    }
}
