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

use crate::meta::{Head, Meta};
use crate::origin::HELD;
use crate::respond::Said;
use crate::rules::{ContentRange, Directives, Standing, Stretch, Verdict, Wants, lifetime};
use crate::site::{Asking, Site, reads};
use crate::{Error, Gateway, key};

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
    head: Head,
    directives: Directives,
    lifetime: u64,
    age: Duration,
}

impl Stored {
    fn of(key: Bytes, served: &Served, site: &Site) -> Option<Self> {
        let Some(Meta::Answer(head)) = Meta::decode(&served.entry.meta) else { return None };
        let (directives, _) = Directives::effective(&head.headers);
        let heuristics = site.limits.heuristics;
        let lifetime = lifetime(head.status, &head.headers, head.at, heuristics).seconds();
        let (entry, age) = (Arc::clone(&served.entry), served.age);
        let lifetime = lifetime.min(site.fresh_until(&key, &entry, age));
        Some(Self { key, entry, head, directives, lifetime, age })
    }

    /// Only a part of an answer is stored.
    fn is_part(&self) -> bool {
        self.head.status == StatusCode::PARTIAL_CONTENT
    }

    /// Whether it has what is asked for: of a part, that must lie in it.
    fn has(&self, request: &Request) -> bool {
        !self.is_part() || request.method == Method::GET && self.cut(request).is_some()
    }

    fn cut(&self, request: &Request) -> Option<(usize, ContentRange)> {
        let headers = &self.head.headers;
        let stretch = Stretch::of(self.head.status, headers, self.body().len() as u64)?;
        stretch.answers(&request.headers, headers)
    }

    /// Whether it may be served because the site has failed.
    fn serves_on_error(&self, request: &Request) -> bool {
        self.has(request) && self.standing().serves_on_error(&request.wants, None)
    }

    fn standing(&self) -> Standing<'_> {
        Standing { directives: &self.directives, lifetime: self.lifetime, age: self.age }
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

    /// Whether it depends on a state that only the site knows (RFC 9110, section 13.1.1).
    fn conditional_on_site(&self) -> bool {
        self.headers.contains_key(header::IF_MATCH)
            || self.headers.contains_key(header::IF_UNMODIFIED_SINCE)
    }
}

impl Front for Gateway {
    fn answer(&self, call: Call) -> Answer {
        if self.is_ours(&call) {
            return Answer::Later(self.clone().door(call));
        }
        let deadline = self.site.clock.after(self.site.limits.answer_time);
        let allowed = self.site.allowed.clone();
        let ctx = Ctx { deadline, allowed, ..call.ctx.clone() };
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
        // What is fresh in memory is answered where the connection is read.
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
    fn find(&self, request: &Request) -> Found {
        let mut key = request.url.clone();
        for _ in 0..2 {
            let peeked = self.site.tiers.peek(&request.ctx, self.site.space, &key, &HELD);
            let Some(served) = peeked.filter(|served| !served.absent) else { break };
            match Meta::decode(&served.entry.meta) {
                Some(Meta::Mark(why)) => return Found::Mark(why.name()),
                Some(Meta::Answer(_)) => {
                    return match Stored::of(key.clone(), &served, &self.site) {
                        Some(stored) => Found::Answer(Box::new(stored)),
                        None => Found::Nothing(key),
                    };
                }
                Some(Meta::Index(index)) => {
                    match key::of_variant(&request.url, &index, &request.headers) {
                        Some(variant) if key == request.url => key = variant,
                        _ => return Found::Mark("vary"),
                    }
                }
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
        let body = stored.body();
        if let Some((offset, at)) = stored.cut(request) {
            return self.respond.part(&stored.head, &body, (offset, at), stored.age, said);
        }
        self.respond.stored(request.shape(), &stored.head, &body, stored.age, said)
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
        if request.alone() || stored.directives.always_validate() {
            return self.alone(request, Some(stored), None).await;
        }
        let key = stored.key.clone();
        self.together(request, key, Some(stored), 0).await
    }
}
