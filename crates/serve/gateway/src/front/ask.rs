//! Asking the site: with all who ask for the same, or alone.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header;
use http::response::Parts;
use littoral_peer::{Error as Unanswered, Hop, Hops, Outcome};
use littoral_tasks::TaskKind;
use littoral_tiers::Served;
use tokio::sync::oneshot;

use super::{Found, Request, Stored};
use crate::meta::Meta;
use crate::origin::{ANEW, HELD};
use crate::respond::Said;
use crate::rules::{Directives, Standing, Verdict, hops, lifetime, storable};
use crate::site::{At, Filling, Held, How, Live, LiveBody};
use crate::upstream::{Answered, nothing};
use crate::{Error, Gateway};
use littoral_http::Res;

/// Whatever answers first.
enum First {
    Led(Result<Box<Live>, Error>),
    Coming(Box<Filling>),
    Kept(Box<Result<Served, Unanswered>>),
}

impl Gateway {
    /// Asks with all who ask for the same. Whatever comes first answers: the site itself, if we lead; a
    /// body under way, if we joined late; else what has been kept.
    pub(super) async fn together(
        self,
        request: Request,
        key: Bytes,
        stored: Option<Stored>,
        round: usize,
    ) -> Res {
        if round >= self.site.limits.rounds_max {
            return self.alone(request, stored, None).await;
        }
        // What leads from a URL to nothing is asked for anew.
        let anew = stored.is_some() || round > 0 && key == request.url;
        let policy = if anew { &ANEW } else { &HELD };
        let (leader, led) = oneshot::channel();
        let asking = request.asking.clone().whole();
        let (ctx, manner) = self.site.walk(&request.ctx, &asking, &key, request.strict());
        let left = self.site.desk.leave(&ctx, (Box::new(asking), leader));
        let first = {
            let get = self.site.tiers.get_as(&ctx, self.site.space, key.clone(), policy, manner);
            let get = pin!(get);
            let stands = |filling: &Filling| self.site.stands(&key, filling);
            let follow = pin!(self.site.fills.appears(&key, stands));
            let rest = pin!(async {
                match select(get, follow).await {
                    Either::Left((served, _)) => First::Kept(Box::new(served)),
                    Either::Right((filling, _)) => First::Coming(Box::new(filling)),
                }
            });
            // The desk's end closes when we took our slot away, or the origin did and has gone.
            match select(led, rest).await {
                Either::Left((Ok(live), _)) => First::Led(live.map(Box::new)),
                Either::Left((Err(_), rest)) => rest.await,
                Either::Right((First::Kept(served), mut led)) => match led.try_recv() {
                    Ok(live) => First::Led(live.map(Box::new)),
                    Err(_) => First::Kept(served),
                },
                Either::Right((First::Coming(filling), mut led)) => match led.try_recv() {
                    Ok(live) => First::Led(live.map(Box::new)),
                    Err(_) => First::Coming(filling),
                },
                Either::Right((first, _)) => first,
            }
        };
        drop(left);
        match first {
            First::Led(Ok(live)) => self.led(&request, *live, stored.as_ref()),
            First::Led(Err(error)) => self.failed(&request, stored.as_ref(), &error),
            First::Coming(filling) => match self.follow(&request, *filling) {
                Some(res) => res,
                None => self.alone(request, stored, None).await,
            },
            First::Kept(kept) => match *kept {
                Ok(served) => self.joined(request, key, served, stored, round).await,
                Err(error) => self.unanswered(request, stored, error).await,
            },
        }
    }

    /// The site's own answer, handed over by the origin.
    pub(super) fn led(&self, request: &Request, live: Live, stored: Option<&Stored>) -> Res {
        let detail = match live.how {
            How::Passed(why) => Some(why.name()),
            How::Failed => {
                if let Some(stored) = stored.filter(|stored| stored.serves_on_error(request)) {
                    return self.serve_stale(request, stored);
                }
                Some("failed")
            }
            How::Kept | How::Renewed => None,
        };
        let outcome = outcome(stored);
        let kept = matches!(live.how, How::Kept | How::Renewed);
        let ttl = kept.then(|| ttl(&live, self.site.limits.heuristics));
        // "Suspect" says its own detail.
        let detail = detail.filter(|_| outcome != Outcome::Suspect);
        let said = Said { stored: kept, ttl, detail, ..Said::of(outcome) };
        let age = live.age;
        self.respond.live(request.shape(), live, age, &said)
    }

    pub(super) fn serve_stale(&self, request: &Request, stored: &Stored) -> Res {
        let ttl = Some(stored.standing().left());
        let said = Said { ttl, ..Said::of(Outcome::Stale) };
        self.served(request, stored, &said)
    }

    pub(super) fn failed(&self, request: &Request, stored: Option<&Stored>, error: &Error) -> Res {
        match stored.filter(|stored| stored.serves_on_error(request)) {
            Some(stored) => self.serve_stale(request, stored),
            None => self.respond.refused(error, &Said::of(outcome(stored))),
        }
    }

    /// A body that is coming for somebody else, if it is ours too.
    pub(super) fn follow(&self, request: &Request, filling: Filling) -> Option<Res> {
        let Filling { head, age, since, .. } = &filling;
        let (directives, _) = Directives::effective(&head.headers);
        let lifetime =
            lifetime(head.status, &head.headers, head.at, self.site.limits.heuristics).seconds();
        let age = *age + self.site.clock.mono().since(*since);
        let standing = Standing { directives: &directives, lifetime, age };
        let fresh = standing.judge(&request.wants) == Verdict::Fresh;
        if !fresh || !filling.answers(&request.headers) {
            return None;
        }
        let said = Said { ttl: Some(standing.left()), ..Said::of(Outcome::Collapsed) };
        let live = Live {
            status: head.status,
            headers: head.headers.clone(),
            body: LiveBody::Coming(filling.fill.read()?),
            how: How::Kept,
            age,
            at: head.at,
        };
        Some(self.respond.live(request.shape(), live, age, &said))
    }

    /// What the tiers had or were given while we waited.
    pub(super) async fn joined(
        self,
        request: Request,
        key: Bytes,
        served: Served,
        stored: Option<Stored>,
        round: usize,
    ) -> Res {
        let report = served.hops.last();
        let outcome = report.map_or(Outcome::Miss, |report| report.outcome);
        match Meta::decode(&served.entry.meta).filter(|_| !served.absent) {
            Some(Meta::Answer(_)) => {}
            Some(Meta::Mark(why)) => return self.alone(request, stored, Some(why.name())).await,
            // Another location knows by what it varies now.
            None if key != request.url => {
                let url = request.url.clone();
                return Box::pin(self.together(request, url, None, round + 1)).await;
            }
            // It varies, or has moved: look again.
            _ => return self.again(request, round).await,
        }
        let Some(new) = Stored::of(key.clone(), &served, &self.site) else {
            return self.alone(request, stored, None).await;
        };
        if !new.has(&request) {
            return self.alone(request, Some(new), None).await;
        }
        let verdict = new.standing().judge(&request.wants);
        // Asked of the site for this request alone, at another location: as if it had been from here.
        let own = own(&served.hops);
        let verdict = if own { Verdict::Fresh } else { verdict };
        match verdict {
            Verdict::Fresh | Verdict::Accepted | Verdict::Meanwhile => {
                let ttl = Some(new.standing().left());
                let stored = own && report.is_some_and(|report| report.stored);
                let before = before(&served.hops);
                let said = Said { outcome, stored, ttl, detail: None, before };
                self.served(&request, &new, &said)
            }
            // From the disk, and old: validated together. Just fetched, and not for us: alone.
            Verdict::Validate if outcome == Outcome::Hit => {
                Box::pin(self.together(request, key, Some(new), round + 1)).await
            }
            Verdict::Validate => self.alone(request, Some(new), None).await,
        }
    }

    pub(super) async fn again(self, request: Request, round: usize) -> Res {
        match self.find(&request) {
            Found::Answer(stored)
                if stored.standing().judge(&request.wants) != Verdict::Validate
                    && stored.has(&request) =>
            {
                let ttl = Some(stored.standing().left());
                let said = Said { ttl, ..Said::of(Outcome::Collapsed) };
                self.served(&request, &stored, &said)
            }
            Found::Nothing(key) => Box::pin(self.together(request, key, None, round + 1)).await,
            Found::Answer(stored) => self.alone(request, Some(*stored), None).await,
            Found::Mark(why) => self.alone(request, None, Some(why)).await,
        }
    }

    pub(super) async fn unanswered(
        self,
        request: Request,
        stored: Option<Stored>,
        error: Unanswered,
    ) -> Res {
        let usable = stored.as_ref().filter(|stored| stored.serves_on_error(&request));
        if let Some(stored) = usable {
            return self.serve_stale(&request, stored);
        }
        match error {
            Unanswered::Deadline => {
                let slow = Error::Slow(self.site.limits.answer_time);
                self.failed(&request, None, &slow)
            }
            Unanswered::Overloaded => {
                let busy = Error::Busy(self.site.limits.queue_time);
                self.failed(&request, None, &busy)
            }
            // Somebody else's question failed: ours may not.
            _ => self.alone(request, stored, None).await,
        }
    }

    /// Asks for one request only; what comes is kept all the same, if it may be.
    pub(super) async fn alone(
        self,
        request: Request,
        stored: Option<Stored>,
        why: Option<&'static str>,
    ) -> Res {
        if let (None, Some(why)) = (&stored, why) {
            return self.past(request, why).await;
        }
        let (leader, led) = oneshot::channel();
        let part = request.headers.contains_key(header::RANGE);
        let mut asking = request.asking.clone();
        // Conditions and ranges of a client go to the site with a request that nobody can share.
        let whole = stored.as_ref().is_some_and(|stored| !stored.is_part());
        if whole || (why.is_none() && !part) {
            asking = asking.whole();
        }
        let key = stored.as_ref().map_or_else(|| request.url.clone(), |s| s.key.clone());
        let held = stored.as_ref().and_then(|stored| Held::of(&stored.entry));
        let site = Arc::clone(&self.site);
        self.site.tasks.spawn(TaskKind::Flight, async move {
            let stamp = site.stamp();
            let settled = site.exchange(&key, &asking, held.as_ref(), stamp, Some(leader)).await;
            site.settle(&key, &asking, settled, stamp);
        });
        match led.await {
            Ok(Ok(live)) => {
                let mut res = self.led(&request, live, stored.as_ref());
                if let Some(why) = why {
                    let said = Said { detail: Some(why), ..Said::of(Outcome::Bypass) };
                    self.respond.restate(&mut res, &said);
                }
                res
            }
            Ok(Err(error)) => self.failed(&request, stored.as_ref(), &error),
            Err(_) => {
                let error = Error::Broken("this node ends".into());
                self.failed(&request, stored.as_ref(), &error)
            }
        }
    }

    /// Asks for what could not be kept lately: on the spot, with the client's own conditions. Only if it
    /// may be kept now, somebody reads on whatever becomes of the client.
    async fn past(self, request: Request, why: &'static str) -> Res {
        let (site, asking) = (&self.site, &request.asking);
        let (sent_at, when) = (site.clock.mono(), site.stamp());
        let answered = match site.upstream.ask(asking.request(nothing())).await {
            Ok(answered) => answered,
            Err(error) => return self.failed(&request, None, &error),
        };
        let said = Said { detail: Some(why), ..Said::of(Outcome::Bypass) };
        let Answered { head: Parts { status, headers, .. }, .. } = &answered;
        let (now, heuristics) = (site.now(), site.limits.heuristics);
        if let Err(unfit) =
            storable(&request.method, &asking.headers, *status, headers, now, heuristics)
        {
            let Answered { head: Parts { status, mut headers, .. }, body } = answered;
            hops::strip(&mut headers);
            let body = LiveBody::Coming(body.stream());
            let (how, age) = (How::Passed(unfit), Duration::ZERO);
            let live = Live { status, headers, body, how, age, at: now };
            return self.respond.live(request.shape(), live, age, &said);
        }
        let (leader, led) = oneshot::channel();
        let (site, key, asking) = (Arc::clone(site), request.url.clone(), asking.clone());
        self.site.tasks.spawn(TaskKind::Flight, async move {
            let at = At { sent_at, took: site.clock.mono().since(sent_at), stamp: when };
            let settled = site.take(&key, &asking, answered, at, (false, None), Some(leader)).await;
            site.settle(&key, &asking, settled, when);
        });
        match led.await {
            Ok(Ok(live)) => {
                let mut res = self.led(&request, live, None);
                self.respond.restate(&mut res, &said);
                res
            }
            Ok(Err(error)) => self.failed(&request, None, &error),
            Err(_) => self.failed(&request, None, &Error::Broken("this node ends".into())),
        }
    }

    /// Asks beside, for the next ones.
    pub(super) fn refresh(&self, request: &Request, key: Bytes) {
        let (site, ctx) = (Arc::clone(&self.site), self.site.ctx(request.ctx.trace));
        let asking = request.asking.clone().whole();
        self.site.tasks.spawn(TaskKind::Flight, async move {
            let (leader, _led) = oneshot::channel();
            let (ctx, manner) = site.walk(&ctx, &asking, &key, false);
            let _left = site.desk.leave(&ctx, (Box::new(asking), leader));
            if let Err(error) = site.tiers.get_as(&ctx, site.space, key, &ANEW, manner).await {
                tracing::debug!(%error, "a refresh found no answer");
            }
        });
    }
}

/// Whether the site was asked for this question, by whichever hop, and for nobody else's before.
fn own(hops: &Hops) -> bool {
    let led = |outcome| matches!(outcome, Outcome::Miss | Outcome::Suspect | Outcome::Bypass);
    match &**hops {
        [site, between @ ..] if site.hop == Hop::Origin => {
            between.iter().all(|hop| led(hop.outcome))
        }
        _ => false,
    }
}

/// What the hops before this one did. The site is none: it is no cache.
fn before(hops: &Hops) -> Option<Box<Hops>> {
    let mut before = Hops::default();
    let caches = hops.iter().rev().skip(1).rev().filter(|hop| hop.hop != Hop::Origin);
    caches.for_each(|hop| before.push(*hop));
    (!before.is_empty()).then(|| Box::new(before))
}

/// What is said of asking the site, by what is stored.
fn outcome(stored: Option<&Stored>) -> Outcome {
    match stored {
        Some(stored) if !stored.is_part() => Outcome::Suspect,
        _ => Outcome::Miss,
    }
}

fn ttl(live: &Live, heuristics: bool) -> i64 {
    let lifetime = lifetime(live.status, &live.headers, live.at, heuristics).seconds();
    lifetime as i64 - live.age.as_secs() as i64
}
