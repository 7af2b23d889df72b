//! Which other origins' pages may read answers (the Fetch standard's CORS protocol).

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};

use crate::means::Means;
use crate::rule::{Change, Decision, Declares, Effect, Outcome, Part, Reply, Rule, View};

pub(crate) struct Cors {
    pub(crate) any: bool,
    pub(crate) origins: Vec<String>,
    pub(crate) methods: HeaderValue,
    pub(crate) headers: HeaderValue,
    pub(crate) expose: HeaderValue,
    pub(crate) credentials: bool,
    pub(crate) max_age_s: Option<u64>,
}

impl Cors {
    /// The headers that an answer to this origin has.
    fn granted(&self, origin: &HeaderValue) -> Vec<Change> {
        let allowed = match self.any {
            true => HeaderValue::from_static("*"),
            false => origin.clone(),
        };
        let mut changes = vec![Change::Set(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed)];
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            changes.push(Change::Set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes));
        }
        changes
    }

    fn preflight(&self, origin: &HeaderValue) -> Outcome {
        let mut reply = Reply::new(StatusCode::NO_CONTENT);
        for change in self.granted(origin) {
            change.apply(&mut reply.headers);
        }
        let lists = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, &self.methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                reply.headers.insert(name, list.clone());
            }
        }
        if let Some(seconds) = self.max_age_s {
            reply.headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
        reply.headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        Outcome::answer(reply, "preflight")
    }
}

impl Rule for Cors {
    fn kind(&self) -> &'static str {
        "cors"
    }

    fn declares(&self) -> Declares {
        let needs = [header::ORIGIN, header::ACCESS_CONTROL_REQUEST_METHOD];
        Declares { needs: needs.map(Part::Header).into(), gives: Vec::new() }
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let vary = || {
            let varies = Change::Append(header::VARY, HeaderValue::from_static("Origin"));
            Effect::Answer(varies)
        };
        let Some(origin) = view.header(&header::ORIGIN) else {
            let outcome = Outcome::pass("same origin");
            return Decision::Now(Ok(if self.any { outcome } else { outcome.with(vary()) }));
        };
        let text = origin.to_str().unwrap_or_default();
        let allowed = self.any || self.origins.iter().any(|one| one == text);
        let asks = view.method() == Method::OPTIONS
            && view.header(&header::ACCESS_CONTROL_REQUEST_METHOD).is_some();
        Decision::Now(Ok(match (allowed, asks) {
            (true, true) => self.preflight(origin),
            // Without the headers, the browser says no.
            (false, true) => Outcome::answer(Reply::new(StatusCode::NO_CONTENT), "another origin"),
            (false, false) => Outcome::pass("another origin").with(vary()),
            (true, false) => {
                let mut outcome = Outcome::pass("allowed");
                if !self.any {
                    outcome = outcome.with(vary());
                }
                for change in self.granted(origin) {
                    outcome = outcome.with(Effect::Answer(change));
                }
                if !self.expose.is_empty() {
                    let name = header::ACCESS_CONTROL_EXPOSE_HEADERS;
                    let change = Change::Set(name, self.expose.clone());
                    outcome = outcome.with(Effect::Answer(change));
                }
                outcome
            }
        }))
    }
}
