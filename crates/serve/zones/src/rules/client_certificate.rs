//! Certificates of clients: whoever shows one that the zone's authorities vouch for may come.

use std::sync::Arc;

use http::StatusCode;

use crate::error::code;
use crate::means::Means;
use crate::rule::{Decision, Declares, Effect, Outcome, Part, Reply, Rule, View};

/// What of a certificate may become a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Fingerprint,
    /// The first name that it is for.
    Name,
}

pub(crate) struct ClientCertificate {
    pub(crate) optional: bool,
    /// In hexadecimal, lower case; any, if there are none.
    pub(crate) fingerprints: Vec<String>,
    pub(crate) give: Vec<(Field, Arc<str>)>,
}

impl Rule for ClientCertificate {
    fn kind(&self) -> &'static str {
        "client-certificate"
    }

    fn declares(&self) -> Declares {
        let gives = self.give.iter().map(|(_, fact)| Part::Fact(Arc::clone(fact)));
        Declares { needs: Vec::new(), gives: gives.collect() }
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let Some(shown) = view.client() else {
            return Decision::Now(Ok(match self.optional {
                true => Outcome::pass("none shown"),
                false => {
                    let message = "this needs a certificate of the client, shown by TLS";
                    let reply = Reply::refusal(StatusCode::UNAUTHORIZED, code::WHO, message);
                    Outcome::answer(reply, "none shown")
                }
            }));
        };
        let listed = self.fingerprints.is_empty() || self.fingerprints.contains(&shown.fingerprint);
        if !listed {
            return Decision::Now(super::denied("another certificate"));
        }
        let mut outcome = Outcome::pass("shown, and vouched for");
        for (field, fact) in &self.give {
            let value = match field {
                Field::Fingerprint => Some(&shown.fingerprint),
                Field::Name => shown.names.first(),
            };
            if let Some(value) = value {
                outcome = outcome.with(Effect::Fact(Arc::clone(fact), value.clone()));
            }
        }
        Decision::Now(Ok(outcome))
    }
}
