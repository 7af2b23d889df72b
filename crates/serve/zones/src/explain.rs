//! What a zone would do with a request, and why.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request};
use littoral_types::Ctx;
use serde::{Deserialize, Serialize};

use crate::config::Target;
use crate::front;
use crate::plan::{Done, Progress};
use crate::rule::{Asked, Effect, Outcome, Verdict};
use crate::zone::Zone;
use crate::{Error, Zones, path};

/// A request that is only asked about.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    #[serde(default = "get")]
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Who would send it.
    #[serde(default)]
    pub address: Option<IpAddr>,
}

fn get() -> String {
    "GET".into()
}

/// What would become of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Explanation {
    pub zone: String,
    pub version: u32,
    pub rules: Vec<RuleSaid>,
    /// The rule that answers.
    pub answered_by: Option<String>,
    /// Of that rule's answer, or of a fixed one.
    pub status: Option<u16>,
    /// Where it goes otherwise.
    pub route: Option<String>,
    /// As it would be sent there.
    pub target: Option<String>,
    pub took_us: u64,
}

/// One rule's part in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RuleSaid {
    pub name: String,
    pub kind: String,
    /// The round in which it runs; rules of one round run at once.
    pub stage: usize,
    /// The rules that it waits for.
    pub after: Vec<String>,
    /// Missing: its decision is not needed.
    pub decided: Option<String>,
    pub note: String,
    /// Since the request came, and until it had decided.
    pub began_us: u64,
    pub took_us: u64,
    /// What it changes.
    pub effects: Vec<String>,
}

impl Zones {
    /// Runs a request through the rules of its zone, and through nothing else. Nothing is counted.
    ///
    /// # Errors
    /// When it is no request, or no zone has its host.
    pub async fn explain(&self, ctx: &Ctx, question: &Question) -> Result<Explanation, Error> {
        let (zone, asked) = self.asked(ctx, question)?;
        let plan = &zone.config.plan;
        let began = zone.means.clock.mono();
        let done = Progress::new(plan).finish(plan, &asked, &zone.means).await;
        let took = zone.means.clock.mono().since(began);
        let stages = plan.stages();
        let name = |at: usize| plan.steps()[at].name.to_string();
        let rule = |(at, step): (usize, &crate::plan::Step)| {
            let (from, to) = done.times[at].unwrap_or((began, began));
            let outcome = done.outcomes[at].as_ref();
            RuleSaid {
                name: step.name.to_string(),
                kind: step.rule.kind().to_owned(),
                stage: stages[at],
                after: plan.waits_for(at).map(name).collect(),
                decided: outcome.map(|outcome| match &outcome.verdict {
                    Verdict::Continue => "go on".to_owned(),
                    Verdict::Answer(reply) => format!("answer {}", reply.status.as_u16()),
                }),
                note: outcome.map(|outcome| outcome.note.to_string()).unwrap_or_default(),
                began_us: micros(from.since(began)),
                took_us: micros(to.since(from)),
                effects: outcome.map(shown).unwrap_or_default(),
            }
        };
        let rules = plan.steps().iter().enumerate().map(rule).collect();
        let answer = done.answered.and_then(|at| done.outcomes[at].as_ref());
        let mut said = Explanation {
            zone: zone.name().to_owned(),
            version: zone.version,
            rules,
            answered_by: done.answered.map(name),
            status: None,
            route: None,
            target: None,
            took_us: micros(took),
        };
        match answer.map(|outcome| &outcome.verdict) {
            Some(Verdict::Answer(reply)) => said.status = Some(reply.status.as_u16()),
            _ => said.go_on(&zone, &asked, &done),
        }
        Ok(said)
    }

    fn asked(&self, ctx: &Ctx, question: &Question) -> Result<(Arc<Zone>, Asked), Error> {
        let bad = |what: &str| Error::Invalid(format!("this is no request: {what}"));
        let mut request = Request::builder()
            .method(question.method.as_str())
            .uri(question.url.as_str())
            .body(())
            .map_err(|error| bad(&error.to_string()))?;
        for (name, value) in &question.headers {
            let name: HeaderName = name.parse().map_err(|_| bad("a header's name"))?;
            let value = HeaderValue::from_str(value).map_err(|_| bad("a header's value"))?;
            request.headers_mut().append(name, value);
        }
        let (head, ()) = request.into_parts();
        let host = front::host(&head).ok_or_else(|| bad("it names no host; give a whole URL"))?;
        let zone = self.0.table.load().of(&host).map(Arc::clone);
        let zone = zone.ok_or_else(|| Error::NoZone(host.clone()))?;
        let path = path::normal(head.uri.path())?.into_owned();
        let address = question.address.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        let ctx = ctx.clone();
        let length = head.headers.get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let size = Some(length.unwrap_or(0));
        Ok((zone, Asked { head, host, path, address, size, ctx, dry: true }))
    }
}

impl Explanation {
    fn go_on(&mut self, zone: &Zone, asked: &Asked, done: &Done) {
        let view = done.view(asked);
        let Some((_, route)) = zone.route(&view) else {
            self.status = Some(404);
            return;
        };
        let captures = route.when.captures(view.path());
        self.route = Some(match &route.target {
            Target::Upstream(name) => {
                let query = view.query().map(|query| format!("?{query}"));
                self.target = Some(format!("{}{}", view.path(), query.unwrap_or_default()));
                format!("upstream {name}")
            }
            Target::Folder(folder, file) => {
                self.target = Some(file.fill(&view, &captures));
                format!("folder {}", folder.display())
            }
            Target::Namespace(name, key) => {
                self.target = Some(key.fill(&view, &captures));
                format!("namespace {name}")
            }
            Target::Redirect(to, status) => {
                self.status = Some(status.as_u16());
                self.target = Some(to.fill_url(&view, &captures));
                "redirect".into()
            }
            Target::Answer(reply) => {
                self.status = Some(reply.status.as_u16());
                "answer".into()
            }
        });
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What of an outcome's effects may be shown: names, and no values of headers.
fn shown(outcome: &Outcome) -> Vec<String> {
    use crate::rule::Change;
    let one = |effect: &Effect| match effect {
        Effect::Path(path) => format!("path is {path}"),
        Effect::Query(query) => format!("query is {}", query.as_deref().unwrap_or("none")),
        Effect::Header(name, Some(_)) => format!("request: sets {name}"),
        Effect::Header(name, None) => format!("request: removes {name}"),
        Effect::Fact(name, value) => format!("{name} is {value}"),
        Effect::Answer(Change::Set(name, _)) => format!("answer: sets {name}"),
        Effect::Answer(Change::Append(name, _)) => format!("answer: adds {name}"),
        Effect::Answer(Change::Remove(name)) => format!("answer: removes {name}"),
        Effect::TimeMax(time) => format!("at most {} ms", time.as_millis()),
    };
    outcome.effects.iter().map(one).collect()
}
