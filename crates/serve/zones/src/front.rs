//! What a zone's listener hands requests to: zone, rules, route, answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::request::Parts;
use littoral_http::{Answer, Call, Handshake, Interim, Res, Spans, Upload, Value};

use crate::config::Target;
use crate::plan::{Done, Progress};
use crate::rule::{Asked, Change, Effect, Outcome, Verdict};
use crate::zone::Zone;
use crate::{Error, Zones, path, targets};

/// Answers what comes to the hosts of zones. Cheap to clone.
#[derive(Clone)]
pub struct Front(Zones);

/// What of a request is not judged.
pub(crate) struct Rest {
    pub(crate) body: Upload,
    pub(crate) peer: SocketAddr,
    pub(crate) interim: Interim,
}

impl Front {
    pub fn new(zones: Zones) -> Self {
        Self(zones)
    }
}

impl littoral_http::Front for Front {
    fn answer(&self, call: Call) -> Answer {
        let Call { head, body, peer, ctx, interim } = call;
        let rest = Rest { body, peer, interim };
        let host = match host(&head) {
            Some(host) => host,
            None => return refused(&Error::NoZone("(none)".into()), rest.body),
        };
        let Some(zone) = self.0.0.table.load().of(&host).map(Arc::clone) else {
            return refused(&Error::NoZone(host), rest.body);
        };
        // What was agreed for one zone, its certificate above all, is not another's.
        let shaken = head.extensions.get::<Arc<Handshake>>();
        if shaken.is_some_and(|shaken| shaken.of != zone.id) {
            return refused(&Error::Misdirected(host), rest.body);
        }
        let path = match path::normal(head.uri.path()) {
            Ok(path) => path.into_owned(),
            Err(error) => return refused(&error.into(), rest.body),
        };
        let (address, size) = (peer.ip(), rest.body.declared());
        let asked = Asked { head, host, path, address, size, ctx, dry: false };
        if asked.head.method.as_str() == "PURGE" {
            return Answer::Later(Box::pin(self.clone().purged(zone, asked, rest)));
        }
        judged(&zone, asked, rest)
    }
}

impl Front {
    /// With a token, a `PURGE` is for us; without one it is passed on like any method.
    async fn purged(self, zone: Arc<Zone>, asked: Asked, mut rest: Rest) -> Res {
        if !self.0.may_purge(&zone, &asked.head, &asked.ctx).await {
            return judged(&zone, asked, rest).wait().await;
        }
        let res = self.0.purge_asked(&zone, asked.head, &asked.ctx).await;
        rest.body.drain().await;
        res
    }
}

/// Answers what has come as the zone's rules decide.
fn judged(zone: &Arc<Zone>, asked: Asked, rest: Rest) -> Answer {
    let mut progress = Progress::new(&zone.config.plan);
    if progress.advance(&zone.config.plan, &asked, &zone.means) {
        // Nothing had to be waited for: what is in memory is answered where it is read.
        return respond(zone, asked, progress.end(), rest);
    }
    let zone = Arc::clone(zone);
    Answer::Later(Box::pin(async move {
        let done = progress.finish(&zone.config.plan, &asked, &zone.means).await;
        respond(&zone, asked, done, rest).wait().await
    }))
}

/// The host that a request is for, in lower case and without its port.
pub(crate) fn host(head: &Parts) -> Option<String> {
    let mut lines = head.headers.get_all(http::header::HOST).iter();
    let said = lines.next().map(|host| host.to_str());
    if lines.next().is_some() {
        return None;
    }
    let named = head.uri.authority().map(|authority| Ok(authority.as_str()));
    let authority: http::uri::Authority = named.or(said)?.ok()?.parse().ok()?;
    let host = authority.host();
    (!host.is_empty() && !authority.as_str().contains('@')).then(|| host.to_ascii_lowercase())
}

/// The same as it was asked for, with its port.
pub(crate) fn authority(head: &Parts) -> Option<String> {
    let said = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let named = head.uri.authority().map(|authority| authority.as_str());
    named.or(said).map(str::to_owned)
}

fn refused(error: &Error, mut body: Upload) -> Answer {
    let res = error.refusal().envelope();
    if body.declared() == Some(0) {
        return Answer::Ready(res);
    }
    Answer::Later(Box::pin(async move {
        body.drain().await;
        res
    }))
}

/// Tells a request's trace of the rules that were asked, and what each decided.
fn told(spans: &Spans, zone: &Zone, done: &Done) {
    for (at, step) in zone.config.plan.steps().iter().enumerate() {
        let (Some(times), Some(outcome)) = (done.times[at], &done.outcomes[at]) else { continue };
        let text = |text: &str| Value::Text(text.to_owned());
        let mut said = vec![
            ("littoral.zone", text(zone.name())),
            ("littoral.zone.version", Value::Number(zone.version.into())),
            ("littoral.rule.kind", text(step.rule.kind())),
            ("littoral.rule.note", text(&outcome.note)),
        ];
        if let Verdict::Answer(reply) = &outcome.verdict {
            said.push(("http.response.status_code", Value::Number(reply.status.as_u16().into())));
        }
        let failed = outcome.note.starts_with("failed: ");
        spans.add(format!("rule {}", step.name), times, said, failed);
    }
}

/// Answers as the rules have decided.
fn respond(zone: &Arc<Zone>, asked: Asked, done: Done, rest: Rest) -> Answer {
    if let Some(spans) = asked.head.extensions.get::<Spans>() {
        told(spans, zone, &done);
    }
    let mut changes = Vec::new();
    let mut time_max: Option<Duration> = None;
    for effect in done.counted().flat_map(|outcome| &outcome.effects) {
        match effect {
            Effect::Answer(change) => changes.push(change.clone()),
            Effect::TimeMax(max) => time_max = Some(time_max.map_or(*max, |less| less.min(*max))),
            _ => {}
        }
    }
    let ended = done.answered.and_then(|at| done.outcomes[at].clone());
    let answer = match ended {
        Some(Outcome { verdict: Verdict::Answer(reply), .. }) => {
            drained(reply.response(), rest.body)
        }
        _ => routed(zone, asked, &done, rest),
    };
    finish(zone, answer, changes, time_max)
}

pub(crate) fn drained(res: Res, mut body: Upload) -> Answer {
    if body.declared() == Some(0) {
        return Answer::Ready(res);
    }
    Answer::Later(Box::pin(async move {
        body.drain().await;
        res
    }))
}

pub(crate) fn routed(zone: &Arc<Zone>, asked: Asked, done: &Done, rest: Rest) -> Answer {
    let view = done.view(&asked);
    let Some((at, route)) = zone.route(&view) else {
        return refused(&Error::NoRoute(zone.name().to_owned()), rest.body);
    };
    let captures = route.when.captures(view.path());
    match &route.target {
        Target::Answer(reply) => drained((**reply).clone().response(), rest.body),
        Target::Redirect(to, status) => {
            drained(targets::redirect(&to.fill_url(&view, &captures), *status), rest.body)
        }
        Target::Folder(folder, file) => {
            let file = file.fill(&view, &captures);
            targets::folder(folder, file, asked, rest)
        }
        Target::Namespace(name, key) => {
            let key = key.fill(&view, &captures);
            targets::namespace(&zone.means, name.clone(), key, asked, rest)
        }
        Target::Upstream(_) => {
            let Some((via, gateway)) = zone.via(at).zip(zone.means.gateway.as_ref()) else {
                return refused(&Error::NoRoute(zone.name().to_owned()), rest.body);
            };
            let (path, query) = (view.path().to_owned(), view.query().map(str::to_owned));
            let mut headers = Vec::new();
            for effect in done.counted().flat_map(|outcome| &outcome.effects) {
                if let Effect::Header(name, value) = effect {
                    headers.push((name.clone(), value.clone()));
                }
            }
            let head = targets::head(asked.head, &path, query.as_deref(), headers);
            let Some(mut head) = head else {
                return refused(&Error::NoRoute(zone.name().to_owned()), rest.body);
            };
            head.extensions.insert(via.clone());
            let Rest { body, peer, interim } = rest;
            littoral_http::Front::answer(
                gateway,
                Call { head, body, peer, ctx: asked.ctx, interim },
            )
        }
    }
}

/// The answer with its headers changed, within its time.
fn finish(
    zone: &Arc<Zone>,
    answer: Answer,
    changes: Vec<Change>,
    time_max: Option<Duration>,
) -> Answer {
    let changed = move |mut res: Res| {
        apply(&changes, res.headers_mut());
        res
    };
    match (answer, time_max) {
        (Answer::Ready(res), _) => Answer::Ready(changed(res)),
        (Answer::Later(later), None) => {
            Answer::Later(Box::pin(async move { changed(later.await) }))
        }
        (Answer::Later(later), Some(max)) => {
            let clock = zone.means.clock.clone();
            Answer::Later(timed(clock, later, max, changed))
        }
    }
}

fn timed(
    clock: littoral_clock::Clock,
    later: BoxFuture<'static, Res>,
    max: Duration,
    changed: impl FnOnce(Res) -> Res + Send + 'static,
) -> BoxFuture<'static, Res> {
    Box::pin(async move {
        let res = clock.timeout(max, later).await;
        changed(res.unwrap_or_else(|_| Error::Late(max).refusal().envelope()))
    })
}

fn apply(changes: &[Change], headers: &mut HeaderMap) {
    for change in changes {
        change.apply(headers);
    }
}
