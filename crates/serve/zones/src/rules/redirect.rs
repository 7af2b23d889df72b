//! Sending elsewhere: by a pattern, or by a map of many.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use littoral_kv::Value;
use littoral_types::Body;

use crate::condition::Condition;
use crate::means::Means;
use crate::rule::{Decided, Decision, Declares, Outcome, Part, Reply, Rule, View};
use crate::template::Template;

const TARGET_BYTES_MAX: usize = 8 * 1024;

/// To what a template makes of the request.
pub(crate) struct Redirect {
    /// Of the rule: its pattern captures.
    pub(crate) when: Condition,
    pub(crate) to: Template,
    pub(crate) status: StatusCode,
}

impl Rule for Redirect {
    fn kind(&self) -> &'static str {
        "redirect"
    }

    fn declares(&self) -> Declares {
        let mut needs = self.to.needs();
        needs.push(Part::Path);
        Declares { needs, gives: Vec::new() }
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let captures = self.when.captures(view.path());
        Decision::Now(to(&self.to.fill_url(view, &captures), self.status))
    }
}

/// To what a namespace has under the path.
pub(crate) struct Redirects {
    pub(crate) namespace: String,
    pub(crate) status: StatusCode,
}

impl Rule for Redirects {
    fn kind(&self) -> &'static str {
        "redirects"
    }

    fn declares(&self) -> Declares {
        Declares { needs: vec![Part::Path], gives: Vec::new() }
    }

    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision {
        let path = view.path();
        if path.len() > littoral_kv::doors::KEY_BYTES_MAX {
            return Decision::Now(Ok(Outcome::pass("too long for the map")));
        }
        if let Some(value) = means.peek(view.ctx(), &self.namespace, path) {
            return Decision::Now(found(&value, self.status));
        }
        let (ctx, means, path) = (view.ctx().clone(), Arc::clone(means), path.to_owned());
        let (namespace, status) = (self.namespace.clone(), self.status);
        Decision::Later(Box::pin(async move {
            found(&means.get(&ctx, &namespace, path).await?, status)
        }))
    }
}

fn found(value: &Value, status: StatusCode) -> Decided {
    let target = match &value.body {
        Body::Absent => return Ok(Outcome::pass("not in the map")),
        Body::Bytes(target) if target.len() <= TARGET_BYTES_MAX => target,
        _ => return Err("what the map says is too long".into()),
    };
    match std::str::from_utf8(target) {
        Ok(target) => to(target.trim(), status),
        Err(_) => Err("what the map says is no URL".into()),
    }
}

fn to(target: &str, status: StatusCode) -> Decided {
    let target = HeaderValue::from_str(target).map_err(|_| "where it leads is no URL")?;
    let reply = Reply::new(status).header(header::LOCATION, target.clone());
    let note = format!("to {}", target.to_str().unwrap_or_default());
    Ok(Outcome::answer(reply, note))
}
