//! Headers of the request on its way up, and of the answer on its way down.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};

use crate::condition::Condition;
use crate::means::Means;
use crate::rule::{Change, Decision, Declares, Effect, Outcome, Part, Rule, View};
use crate::template::Template;

/// What is done to some headers, in this order: taken away, set, added.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) remove: Vec<HeaderName>,
    pub(crate) set: Vec<(HeaderName, Template)>,
    pub(crate) append: Vec<(HeaderName, Template)>,
}

pub(crate) struct Headers {
    /// Of the rule: its pattern captures.
    pub(crate) when: Condition,
    pub(crate) request: Changes,
    pub(crate) response: Changes,
}

/// Headers that say how a message is framed or where it goes.
pub(crate) fn reserved(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
}

impl Rule for Headers {
    fn kind(&self) -> &'static str {
        "headers"
    }

    fn declares(&self) -> Declares {
        let Self { request, response, .. } = self;
        let set = request.set.iter().chain(&response.set).chain(&response.append);
        let mut needs: Vec<Part> = set.flat_map(|(_, value)| value.needs()).collect();
        if self.when.names().next().is_some() {
            needs.push(Part::Path);
        }
        let set = request.set.iter().map(|(name, _)| name);
        let gives = set.chain(&request.remove).map(|name| Part::Header(name.clone()));
        Declares { needs, gives: gives.collect() }
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let captures = self.when.captures(view.path());
        let value = |template: &Template| {
            let value = HeaderValue::from_str(&template.fill(view, &captures));
            value.map_err(|_| format!("{template} makes no value of a header"))
        };
        let decided = || {
            let mut effects = Vec::new();
            for name in &self.request.remove {
                effects.push(Effect::Header(name.clone(), None));
            }
            for (name, template) in &self.request.set {
                effects.push(Effect::Header(name.clone(), Some(value(template)?)));
            }
            for name in &self.response.remove {
                effects.push(Effect::Answer(Change::Remove(name.clone())));
            }
            for (name, template) in &self.response.set {
                effects.push(Effect::Answer(Change::Set(name.clone(), value(template)?)));
            }
            for (name, template) in &self.response.append {
                effects.push(Effect::Answer(Change::Append(name.clone(), value(template)?)));
            }
            let note = format!("{} changed", effects.len()).into();
            Ok(Outcome { effects, note, ..Outcome::default() })
        };
        Decision::Now(decided())
    }
}
