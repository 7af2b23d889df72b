//! Another path or query than was asked for.

use std::sync::Arc;

use crate::condition::Condition;
use crate::means::Means;
use crate::path::normal;
use crate::rule::{Decision, Declares, Effect, Outcome, Part, Rule, View};
use crate::template::Template;

pub(crate) struct Rewrite {
    /// Of the rule: its pattern captures.
    pub(crate) when: Condition,
    pub(crate) path: Option<Template>,
    /// An empty one takes the query away.
    pub(crate) query: Option<Template>,
}

impl Rule for Rewrite {
    fn kind(&self) -> &'static str {
        "rewrite"
    }

    fn declares(&self) -> Declares {
        let both = [&self.path, &self.query];
        let mut needs: Vec<Part> = both.into_iter().flatten().flat_map(Template::needs).collect();
        needs.push(Part::Path);
        let path = self.path.as_ref().map(|_| Part::Path);
        let query = self.query.as_ref().map(|_| Part::Query);
        Declares { needs, gives: path.into_iter().chain(query).collect() }
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let captures = self.when.captures(view.path());
        let mut outcome = Outcome::pass("unchanged");
        if let Some(path) = &self.path {
            let path = path.fill_url(view, &captures);
            match normal(&path) {
                Ok(path) => {
                    outcome.note = format!("path {path}").into();
                    outcome = outcome.with(Effect::Path(path.into_owned()));
                }
                Err(error) => return Decision::Now(Err(error.to_string().into())),
            }
        }
        if let Some(query) = &self.query {
            let query = query.fill_url(view, &captures);
            let query = Some(query).filter(|query| !query.is_empty());
            outcome = outcome.with(Effect::Query(query));
        }
        Decision::Now(Ok(outcome))
    }
}
