//! What is passed on as it is.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Method;
use littoral_http::{Res, Upload};
use littoral_peer::Outcome;
use littoral_tasks::TaskKind;
use littoral_types::Mono;
use tokio::sync::oneshot;

use super::{Request, Stored};
use crate::origin::Stamp;
use crate::respond::Said;
use crate::rules::{answers_get, is_safe, made_old};
use crate::site::{Asking, At, How, reads};
use crate::upstream::{Answered, nothing, upload};
use crate::{Error, Gateway};

impl Gateway {
    /// A HEAD that what is stored does not answer: it is passed on, and its answer brings up or makes
    /// old what is stored (RFC 9111, section 4.3.5).
    pub(super) async fn head(self, request: Request, stored: Option<Stored>) -> Res {
        let asking = request.asking.clone();
        let sent_at = self.site.clock.mono();
        let stamp = self.site.stamp();
        let answered = match self.site.upstream.ask(asking.request(nothing())).await {
            Ok(answered) => answered,
            Err(error) => return self.failed(&request, stored.as_ref(), &error),
        };
        let took = self.site.clock.mono().since(sent_at);
        let headers = answered.head.headers;
        if let Some(stored) = stored
            && answered.head.status == stored.known.head.status
        {
            let at = (sent_at, took);
            self.site.brought_up(&stored.key, &stored.entry, headers.clone(), at, stamp);
        }
        self.respond.passed(request.shape(), answered.head.status, headers, answered.body, None)
    }

    /// Passes a request on as it is. What it changes is old here.
    pub(super) fn pass(self, request: Request, body: Upload) -> BoxFuture<'static, Res> {
        Box::pin(async move {
            let Request { asking, .. } = &request;
            let (sent_at, stamp) = (self.site.clock.mono(), self.site.stamp());
            let answered = match self.site.upstream.ask(asking.request(upload(body))).await {
                Ok(answered) => answered,
                Err(error) => {
                    return self.respond.refused(&error, &Said::of(Outcome::Bypass));
                }
            };
            let (status, headers) = (answered.head.status, answered.head.headers.clone());
            if !is_safe(&request.method) {
                let (host, target) = (&asking.host, &asking.target);
                let old = made_old(&request.method, host, target, status, &headers);
                let old: Vec<_> = old.iter().map(|target| asking.key_of(target)).collect();
                old.iter().for_each(|url| self.site.make_old(url));
                self.site.make_old_elsewhere(old, &self.purger).await;
            }
            if answers_get(&request.method, &asking.host, &asking.target, status, &headers) {
                return self.posted(request, answered, sent_at, stamp).await;
            }
            let detail = Some("method").filter(|_| !reads(&request.method));
            self.respond.passed(request.shape(), status, headers, answered.body, detail)
        })
    }

    /// The answer to a POST that is also one to a GET: kept for that, if it may be.
    async fn posted(
        self,
        request: Request,
        answered: Answered,
        sent_at: Mono,
        asked: Stamp,
    ) -> Res {
        let (leader, led) = oneshot::channel();
        let asking = Asking { method: Method::GET, ..request.asking.clone() };
        let (site, key) = (Arc::clone(&self.site), request.url.clone());
        self.site.tasks.spawn(TaskKind::Flight, async move {
            // Newer than what it has just made old, but not than a purge that came meanwhile.
            let stamp = Stamp { positions: asked.positions, ..site.stamp() };
            let at = At { sent_at, took: site.clock.mono().since(sent_at), stamp };
            let settled = site.take(&key, &asking, answered, at, (false, None), Some(leader)).await;
            site.settle(&key, &asking, settled, stamp);
        });
        match led.await {
            Ok(Ok(live)) => {
                let stored = live.how == How::Kept;
                let said = Said { stored, detail: Some("method"), ..Said::of(Outcome::Bypass) };
                let age = live.age;
                self.respond.live(request.shape(), live, age, &said)
            }
            Ok(Err(error)) => self.respond.refused(&error, &Said::of(Outcome::Bypass)),
            Err(_) => {
                let error = Error::Broken("this node ends".into());
                self.respond.refused(&error, &Said::of(Outcome::Bypass))
            }
        }
    }
}
