//! A rule: what it needs of a request, what it gives, and what it decides.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use littoral_http::{ClientCertificate, Handshake, Res};
use littoral_types::Ctx;

use crate::means::Means;

/// A part of a request that one rule may change and another may read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Path,
    Query,
    Header(HeaderName),
    /// Something that a rule found out.
    Fact(Arc<str>),
    /// That no rule before it has answered: for a rule that leaves a trace beyond its answer.
    Verdicts,
}

/// What a rule needs and gives. Every rule may also answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declares {
    pub needs: Vec<Part>,
    pub gives: Vec<Part>,
}

/// Something that is asked of each request.
pub trait Rule: Send + Sync + 'static {
    /// What sort of rule it is, as it is called in `zone.toml`.
    fn kind(&self) -> &'static str;

    fn declares(&self) -> Declares;

    /// Decides, now or later. It sees what it needs as the rules before it have left it, and nothing
    /// else but the request as it came.
    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision;
}

/// Decided, now or later.
pub enum Decision {
    Now(Decided),
    Later(BoxFuture<'static, Decided>),
}

/// What was decided, or why nothing could be.
pub type Decided = Result<Outcome, Cow<'static, str>>;

/// What a rule came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// Applied in this order, when all rules have decided.
    pub effects: Vec<Effect>,
    /// In a word, for whoever asks why.
    pub note: Cow<'static, str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Verdict {
    #[default]
    Continue,
    /// The request ends here.
    Answer(Box<Reply>),
}

/// A small answer that a rule gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What a rule changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Path(String),
    Query(Option<String>),
    /// `None`: taken away.
    Header(HeaderName, Option<HeaderValue>),
    Fact(Arc<str>, String),
    /// Of the answer, whoever gives it.
    Answer(Change),
    /// The longest time an answer may take to begin.
    TimeMax(Duration),
}

/// A change of an answer's headers.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Set(HeaderName, HeaderValue),
    Append(HeaderName, HeaderValue),
    Remove(HeaderName),
}

impl Change {
    pub fn apply(&self, headers: &mut HeaderMap) {
        match self {
            Self::Set(name, value) => drop(headers.insert(name, value.clone())),
            Self::Append(name, value) => drop(headers.append(name, value.clone())),
            Self::Remove(name) => drop(headers.remove(name)),
        }
    }
}

impl Outcome {
    pub fn pass(note: impl Into<Cow<'static, str>>) -> Self {
        Self { note: note.into(), ..Self::default() }
    }

    pub fn answer(reply: Reply, note: impl Into<Cow<'static, str>>) -> Self {
        Self { verdict: Verdict::Answer(Box::new(reply)), effects: Vec::new(), note: note.into() }
    }

    #[must_use]
    pub fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    pub fn answers(&self) -> bool {
        matches!(self.verdict, Verdict::Answer(_))
    }
}

impl Reply {
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A refusal, as JSON with its code.
    pub fn refusal(status: StatusCode, code: u32, message: &str) -> Self {
        let body = serde_json::json!({
            "success": false, "result": null, "messages": [],
            "errors": [{ "code": code, "message": message }],
        });
        let mut reply = Self { body: body.to_string().into(), ..Self::new(status) };
        let json = HeaderValue::from_static("application/json");
        reply.headers.insert(header::CONTENT_TYPE, json);
        reply.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub fn response(self) -> Res {
        let mut res = http::Response::new(self.body.into());
        *res.status_mut() = self.status;
        *res.headers_mut() = self.headers;
        res
    }
}

/// A request as it came, and who sent it.
#[derive(Debug)]
pub struct Asked {
    pub head: http::request::Parts,
    /// In lower case, without its port.
    pub host: String,
    /// In normal form.
    pub path: String,
    pub address: IpAddr,
    /// Of its body, if it says so.
    pub size: Option<u64>,
    pub ctx: Ctx,
    /// Only asked what would be: nothing is counted.
    pub dry: bool,
}

impl Asked {
    /// A request, for tests.
    #[cfg(test)]
    pub(crate) fn example(method: &str, host: &str, target: &str) -> Self {
        let head = http::Request::builder().method(method).uri(target).body(());
        let (head, ()) = head.expect("a request").into_parts();
        let path = crate::path::normal(head.uri.path()).expect("a path").into_owned();
        Self {
            head,
            host: host.into(),
            path,
            address: IpAddr::from([192, 0, 2, 7]),
            size: Some(0),
            ctx: Ctx::default(),
            dry: false,
        }
    }
}

/// A request as one rule may see it: as it came, changed by the rules that it waits for.
#[derive(Clone, Copy)]
pub struct View<'a> {
    asked: &'a Asked,
    outcomes: &'a [Option<Outcome>],
    /// The rules whose effects are seen, a bit each.
    seen: u128,
}

impl<'a> View<'a> {
    pub(crate) fn new(asked: &'a Asked, outcomes: &'a [Option<Outcome>], seen: u128) -> Self {
        Self { asked, outcomes, seen }
    }

    /// As it came.
    #[cfg(test)]
    pub(crate) fn bare(asked: &'a Asked) -> Self {
        Self { asked, outcomes: &[], seen: 0 }
    }

    /// The last effect that tells something, of those that are seen.
    fn last<T>(&self, mut tells: impl FnMut(&'a Effect) -> Option<T>) -> Option<T> {
        let mut left = self.seen;
        while left != 0 {
            let at = (u128::BITS - 1 - left.leading_zeros()) as usize;
            left &= !(1 << at);
            let outcome = self.outcomes.get(at).and_then(Option::as_ref);
            let effects = outcome.map_or(&[][..], |outcome| &outcome.effects);
            if let Some(told) = effects.iter().rev().find_map(&mut tells) {
                return Some(told);
            }
        }
        None
    }

    pub fn method(&self) -> &'a Method {
        &self.asked.head.method
    }

    pub fn host(&self) -> &'a str {
        &self.asked.host
    }

    pub fn address(&self) -> IpAddr {
        self.asked.address
    }

    pub fn size(&self) -> Option<u64> {
        self.asked.size
    }

    pub fn ctx(&self) -> &'a Ctx {
        &self.asked.ctx
    }

    pub fn dry(&self) -> bool {
        self.asked.dry
    }

    /// What the client has shown when its connection began, and the zone's authorities vouch for.
    pub fn client(&self) -> Option<&'a ClientCertificate> {
        self.asked.head.extensions.get::<Arc<Handshake>>()?.client.as_ref()
    }

    /// In normal form.
    pub fn path(&self) -> &'a str {
        let changed = self.last(|effect| match effect {
            Effect::Path(path) => Some(path.as_str()),
            _ => None,
        });
        changed.unwrap_or(&self.asked.path)
    }

    pub fn query(&self) -> Option<&'a str> {
        let changed = self.last(|effect| match effect {
            Effect::Query(query) => Some(query.as_deref()),
            _ => None,
        });
        changed.unwrap_or_else(|| self.asked.head.uri.query())
    }

    pub fn header(&self, name: &HeaderName) -> Option<&'a HeaderValue> {
        let changed = self.last(|effect| match effect {
            Effect::Header(changed, value) if changed == name => Some(value.as_ref()),
            _ => None,
        });
        changed.unwrap_or_else(|| self.asked.head.headers.get(name))
    }

    /// A cookie of the request as it came, or as a rule left it.
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        let pairs = self.header(&header::COOKIE)?.to_str().ok()?.split(';');
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.find_map(|(one, value)| (one == name).then_some(value))
    }

    pub fn fact(&self, name: &str) -> Option<&'a str> {
        self.last(|effect| match effect {
            Effect::Fact(one, value) if **one == *name => Some(value.as_str()),
            _ => None,
        })
    }
}
