//! Keys of an API: known by their hash, as keys of a namespace.

use std::sync::Arc;

use http::HeaderName;
use littoral_kv::Value;
use littoral_types::Body;
use serde_json::Value as Json;

use crate::means::Means;
use crate::rule::{Decided, Decision, Declares, Effect, Outcome, Part, Rule, View};

const KEY_BYTES_MAX: usize = 512;

/// Looks a key up. The store holds under blake3 of the key, in hexadecimal, a JSON object whose
/// fields become facts; an empty value is as good.
pub(crate) struct ApiKey {
    pub(crate) namespace: String,
    pub(crate) header: HeaderName,
    /// Whether a request without a key may pass.
    pub(crate) optional: bool,
    /// Fields, and the facts they become.
    pub(crate) give: Vec<(String, Arc<str>)>,
}

impl Rule for ApiKey {
    fn kind(&self) -> &'static str {
        "api-key"
    }

    fn declares(&self) -> Declares {
        let gives = self.give.iter().map(|(_, fact)| Part::Fact(Arc::clone(fact)));
        Declares { needs: vec![Part::Header(self.header.clone())], gives: gives.collect() }
    }

    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision {
        let Some(shown) = view.header(&self.header) else {
            return Decision::Now(match self.optional {
                true => Ok(Outcome::pass("no key")),
                false => missing(),
            });
        };
        if shown.is_empty() || shown.len() > KEY_BYTES_MAX {
            return Decision::Now(wrong());
        }
        let key = blake3::hash(shown.as_bytes()).to_hex().to_string();
        if let Some(value) = means.peek(view.ctx(), &self.namespace, &key) {
            return Decision::Now(judged(&value, &self.give));
        }
        let (ctx, means) = (view.ctx().clone(), Arc::clone(means));
        let (namespace, give) = (self.namespace.clone(), self.give.clone());
        Decision::Later(Box::pin(async move {
            let value = means.get(&ctx, &namespace, key).await?;
            judged(&value, &give)
        }))
    }
}

fn missing() -> Decided {
    super::unknown("this needs a key", "ApiKey")
}

fn wrong() -> Decided {
    super::unknown("this key is not known", "ApiKey")
}

fn judged(value: &Value, give: &[(String, Arc<str>)]) -> Decided {
    let text = match &value.body {
        Body::Absent => return wrong(),
        Body::Bytes(text) => text,
        _ => return Err("the record of this key is no small JSON object".into()),
    };
    let fields: Json = match text.is_empty() {
        true => Json::Null,
        false => {
            serde_json::from_slice(text).map_err(|_| "the record of this key is no JSON object")?
        }
    };
    let mut outcome = Outcome::pass("known");
    for (field, fact) in give {
        let value = match &fields[field.as_str()] {
            Json::Null => continue,
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        outcome = outcome.with(Effect::Fact(Arc::clone(fact), value));
    }
    Ok(outcome)
}
