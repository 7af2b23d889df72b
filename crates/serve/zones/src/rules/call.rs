//! A rule of somebody's own: an upstream is asked, and its answer decides.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::condition::Condition;
use crate::fetch::{self, Fetched};
use crate::means::Means;
use crate::rule::{Decided, Decision, Declares, Effect, Outcome, Part, Reply, Rule, View};
use crate::template::Template;

/// 2xx lets the request go on, and gives facts; 5xx is a failure; anything else is the answer.
pub(crate) struct Call {
    /// Of the rule: its pattern captures.
    pub(crate) when: Condition,
    pub(crate) upstream: String,
    pub(crate) path: Template,
    /// Of the request, that go along.
    pub(crate) forward: Vec<HeaderName>,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    /// Facts, by the header of the answer that holds each.
    pub(crate) give: Vec<(Arc<str>, HeaderName)>,
    /// Whether its answers are kept as they say.
    pub(crate) cache: bool,
}

/// What of an answer is shown to the client, besides its status and body.
const SHOWN: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::LOCATION,
    header::WWW_AUTHENTICATE,
    header::SET_COOKIE,
    header::RETRY_AFTER,
];

impl Rule for Call {
    fn kind(&self) -> &'static str {
        "call"
    }

    fn declares(&self) -> Declares {
        let mut needs = self.path.needs();
        needs.extend(self.headers.iter().flat_map(|(_, value)| value.needs()));
        needs.extend(self.forward.iter().cloned().map(Part::Header));
        if self.when.names().next().is_some() {
            needs.push(Part::Path);
        }
        let gives = self.give.iter().map(|(fact, _)| Part::Fact(Arc::clone(fact)));
        Declares { needs, gives: gives.collect() }
    }

    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision {
        let captures = self.when.captures(view.path());
        let target = self.path.fill_url(view, &captures);
        let mut headers = HeaderMap::new();
        for name in &self.forward {
            if let Some(value) = view.header(name) {
                headers.insert(name, value.clone());
            }
        }
        for (name, template) in &self.headers {
            match HeaderValue::from_str(&template.fill(view, &captures)) {
                Ok(value) => drop(headers.insert(name, value)),
                Err(_) => {
                    let why = format!("{template} makes no value of a header");
                    return Decision::Now(Err(why.into()));
                }
            }
        }
        let (ctx, means) = (view.ctx().clone(), Arc::clone(means));
        let (upstream, give, cache) = (self.upstream.clone(), self.give.clone(), self.cache);
        Decision::Later(Box::pin(async move {
            let fetched = fetch::get(&means, &ctx, &upstream, &target, headers, cache).await?;
            judged(fetched, &give)
        }))
    }
}

fn judged(fetched: Fetched, give: &[(Arc<str>, HeaderName)]) -> Decided {
    let Fetched { status, headers, body } = fetched;
    if status.is_server_error() {
        return Err(format!("the upstream answered {status}").into());
    }
    if !status.is_success() {
        // "Not modified" answers a question that nobody asked.
        let status =
            if status == StatusCode::NOT_MODIFIED { StatusCode::FORBIDDEN } else { status };
        let mut reply = Reply { body, ..Reply::new(status) };
        for name in &SHOWN {
            for value in headers.get_all(name) {
                reply.headers.append(name, value.clone());
            }
        }
        return Ok(Outcome::answer(reply, format!("the upstream answered {status}")));
    }
    let mut outcome = Outcome::pass(format!("the upstream answered {status}"));
    for (fact, header) in give {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            outcome = outcome.with(Effect::Fact(Arc::clone(fact), value.to_owned()));
        }
    }
    Ok(outcome)
}
