//! From a `[[rules]]` table to the rule it means.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::check::{Checker, header_name};
use super::document::{self, Text};
use crate::addresses::Addresses;
use crate::condition::Condition;
use crate::plan::{OnError, Step};
use crate::rule::Rule;
use crate::rules;

/// Unless a rule says otherwise.
const TIME_MAX: Duration = Duration::from_secs(2);

impl Checker<'_> {
    pub(super) fn rule(&mut self, place: Range<usize>, written: document::Rule) -> Option<Step> {
        let name = written.name;
        let when = self.condition(written.when);
        let mut made: Vec<Option<Arc<dyn Rule>>> = Vec::new();
        if let Some(doc) = written.addresses {
            made.push(self.addresses(&name, doc));
        }
        if let Some(doc) = written.api_key {
            made.push(self.api_key(doc));
        }
        if let Some(doc) = written.client_certificate {
            made.push(self.client_certificate(&name, doc));
        }
        if let Some(doc) = written.jwt {
            made.push(self.jwt(&name, doc));
        }
        if let Some(doc) = written.redirect {
            let status = self.redirect_status(doc.status.as_ref());
            let to = self.template(Some(&doc.to), "", &when);
            let when = when.clone();
            made.push(to.map(|to| Arc::new(rules::Redirect { when, to, status }) as _));
        }
        if let Some(doc) = written.redirects {
            self.named(&doc.namespace);
            let status = self.redirect_status(doc.status.as_ref());
            let namespace = doc.namespace.into_inner();
            made.push(Some(Arc::new(rules::Redirects { namespace, status })));
        }
        if let Some(doc) = written.rewrite {
            made.push(self.rewrite(&name, doc, &when));
        }
        if let Some(doc) = written.headers {
            made.push(self.headers(doc, &when));
        }
        if let Some(doc) = written.cors {
            made.push(self.cors(doc));
        }
        if let Some(doc) = written.rate_limit {
            made.push(self.rate_limit(doc, &when));
        }
        if let Some(doc) = written.limits {
            let body = doc.body.map(|body| body.0);
            let time = doc.time.map(|time| time.0);
            made.push(Some(Arc::new(rules::Limits { body, time })));
        }
        if let Some(doc) = written.split {
            made.push(self.split(&name, doc));
        }
        if let Some(doc) = written.call {
            made.push(self.call(doc, &when));
        }
        if made.len() != 1 {
            let kinds = "`addresses`, `api-key`, `client-certificate`, `jwt`, `redirect`, `redirects`, `rewrite`, \
                         `headers`, `cors`, `rate-limit`, `limits`, `split` or `call`";
            self.problem(place, format!("a rule does one thing: give it {kinds}"));
            return None;
        }
        let rule = made.pop()??;
        let on_error = match written.on_error {
            Some(document::OnError::Allow) => OnError::Allow,
            Some(document::OnError::Deny) | None => OnError::Deny,
        };
        let time_max = written.timeout.map_or(TIME_MAX, |time| time.get_ref().0);
        Some(Step { name: name.get_ref().as_str().into(), when, rule, on_error, time_max })
    }

    fn addresses(&mut self, name: &Text, doc: document::Addresses) -> Option<Arc<dyn Rule>> {
        if doc.allow.is_none() && doc.deny.is_none() {
            self.problem(name.span(), "give it `allow`, `deny` or both");
            return None;
        }
        let mut list = |texts: Option<document::Texts>| {
            texts.map(|texts| Addresses::new(self.each(&texts, Addresses::network)))
        };
        let (allow, deny) = (list(doc.allow), list(doc.deny));
        Some(Arc::new(rules::AddressList { allow, deny: deny.unwrap_or_default() }))
    }

    fn api_key(&mut self, doc: document::ApiKey) -> Option<Arc<dyn Rule>> {
        self.named(&doc.namespace);
        let header = match doc.header {
            Some(name) => self.good(name.span(), header_name(name.get_ref()))?,
            None => http::HeaderName::from_static("x-api-key"),
        };
        let give = self.given("key", &doc.give);
        Some(Arc::new(rules::ApiKey {
            namespace: doc.namespace.into_inner(),
            header,
            optional: doc.optional.unwrap_or(false),
            give,
        }))
    }

    /// Facts by the name of the field that each comes from.
    pub(super) fn given(&mut self, of: &str, fields: &[Text]) -> Vec<(String, Arc<str>)> {
        let mut all = Vec::new();
        for field in fields {
            let fact = format!("{of}.{}", field.get_ref());
            if !crate::template::fact_name(&fact) {
                self.problem(field.span(), "use letters, digits, `-`, `_` and `.`");
            }
            self.facts.insert(fact.clone());
            all.push((field.get_ref().clone(), fact.into()));
        }
        all
    }

    fn jwt(&mut self, name: &Text, doc: document::Jwt) -> Option<Arc<dyn Rule>> {
        let keys = match (doc.keys, doc.upstream) {
            (Some(keys), None) => {
                let read = rules::jwt::read_keys(keys.get_ref().as_bytes());
                rules::jwt::Keys::Fixed(self.good(keys.span(), read)?)
            }
            (None, Some(upstream)) => {
                self.known_upstream(&upstream);
                let path =
                    doc.path.map_or_else(|| "/.well-known/jwks.json".into(), Text::into_inner);
                let refresh = doc.refresh.map_or(Duration::from_secs(300), |time| time.0);
                rules::jwt::Keys::fetched(upstream.into_inner(), path, refresh)
            }
            _ => {
                let message =
                    "give it either `upstream` (and `path`), where its keys are, or `keys`";
                self.problem(name.span(), message);
                return None;
            }
        };
        let algorithms = match doc.algorithms {
            Some(texts) => self.each(&texts, rules::jwt::algorithm),
            None => rules::jwt::DEFAULT_ALGORITHMS.to_vec(),
        };
        let give = self.given("jwt", &doc.give);
        Some(Arc::new(rules::Jwt {
            keys,
            algorithms,
            issuer: doc.issuer.map(Text::into_inner),
            audience: doc.audience.map(Text::into_inner),
            cookie: doc.cookie.map(Text::into_inner),
            leeway: doc.leeway.map_or(Duration::from_secs(30), |time| time.0),
            optional: doc.optional.unwrap_or(false),
            give,
        }))
    }

    fn rewrite(
        &mut self,
        name: &Text,
        doc: document::Rewrite,
        when: &Condition,
    ) -> Option<Arc<dyn Rule>> {
        if doc.path.is_none() && doc.query.is_none() {
            self.problem(name.span(), "give it `path`, `query` or both");
            return None;
        }
        let path = match &doc.path {
            Some(path) if !path.get_ref().starts_with(['/', '{']) => {
                self.problem(path.span(), "a path begins with a slash");
                return None;
            }
            path => path.as_ref().map(|path| self.template(Some(path), "", when)),
        };
        let query = doc.query.as_ref().map(|query| self.template(Some(query), "", when));
        let (path, query) = (path.transpose_all()?, query.transpose_all()?);
        Some(Arc::new(rules::Rewrite { when: when.clone(), path, query }))
    }

    fn headers(&mut self, doc: document::Headers, when: &Condition) -> Option<Arc<dyn Rule>> {
        let request = self.changes(doc.request.unwrap_or_default(), when, true)?;
        let response = self.changes(doc.response.unwrap_or_default(), when, false)?;
        Some(Arc::new(rules::Headers { when: when.clone(), request, response }))
    }

    fn changes(
        &mut self,
        doc: document::Changes,
        when: &Condition,
        of_request: bool,
    ) -> Option<rules::Changes> {
        let mut read = rules::Changes::default();
        let named = |checker: &mut Self, name: &str, place: Range<usize>| {
            let name = checker.good(place.clone(), header_name(name))?;
            if rules::headers::reserved(&name) {
                checker.problem(place, format!("`{name}` belongs to the connection"));
                return None;
            }
            Some(name)
        };
        for (name, value) in &doc.set {
            let name = named(self, name, value.span())?;
            read.set.push((name, self.template(Some(value), "", when)?));
        }
        for (name, value) in &doc.append {
            if of_request {
                self.problem(value.span(), "only an answer's headers are appended to");
                return None;
            }
            let name = named(self, name, value.span())?;
            read.append.push((name, self.template(Some(value), "", when)?));
        }
        for name in &doc.remove {
            read.remove.push(named(self, name.get_ref(), name.span())?);
        }
        Some(read)
    }

    fn call(&mut self, doc: document::Call, when: &Condition) -> Option<Arc<dyn Rule>> {
        self.known_upstream(&doc.upstream);
        if !doc.path.get_ref().starts_with('/') {
            self.problem(doc.path.span(), "a path begins with a slash");
        }
        let path = self.template(Some(&doc.path), "", when)?;
        let mut forward = Vec::new();
        for name in &doc.forward {
            forward.push(self.good(name.span(), header_name(name.get_ref()))?);
        }
        let mut headers = Vec::new();
        for (name, value) in &doc.headers {
            let name = self.good(value.span(), header_name(name))?;
            headers.push((name, self.template(Some(value), "", when)?));
        }
        let mut give = Vec::new();
        for (fact, header) in &doc.give {
            let header_name = self.good(header.span(), header_name(header.get_ref()))?;
            if !crate::template::fact_name(fact) || fact.starts_with("request.") {
                self.problem(header.span(), format!("`{fact}` is no name of a fact"));
            }
            self.facts.insert(fact.clone());
            give.push((Arc::from(fact.as_str()), header_name));
        }
        let upstream = doc.upstream.into_inner();
        let (when, cache) = (when.clone(), doc.cache);
        Some(Arc::new(rules::Call { when, upstream, path, forward, headers, give, cache }))
    }
}

/// A choice that was made and may have gone wrong.
trait TransposeAll<T> {
    /// `None`: it went wrong.
    fn transpose_all(self) -> Option<Option<T>>;
}

impl<T> TransposeAll<T> for Option<Option<T>> {
    fn transpose_all(self) -> Self {
        match self {
            None => Some(None),
            Some(made) => made.map(Some),
        }
    }
}
