//! The smaller rules: certificates of clients, cross-origin answers, rate limits, splits.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::check::{Checker, header_name};
use super::document::{self, Text};
use crate::condition::Condition;
use crate::rule::Rule;
use crate::rules;
use crate::rules::client_certificate::Field;

impl Checker<'_> {
    pub(super) fn client_certificate(
        &mut self,
        name: &Text,
        doc: document::ClientCertificate,
    ) -> Option<Arc<dyn Rule>> {
        if !self.clients {
            let message = "nobody is asked for a certificate: name who vouches for clients in \
                           `[tls]`, as `client-authorities`";
            self.problem(name.span(), message);
        }
        let fingerprint = |text: &str| {
            let hex: String = text.chars().filter(|c| *c != ':').collect();
            let whole = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            let wrong =
                || format!("`{text}` is no SHA-256 of a certificate: 64 hexadecimal digits");
            whole.then(|| hex.to_ascii_lowercase()).ok_or_else(wrong)
        };
        let fingerprints = doc.fingerprints.map(|texts| self.each(&texts, fingerprint));
        let mut give = Vec::new();
        for (field, fact) in self.given("client", &doc.give) {
            match field.as_str() {
                "fingerprint" => give.push((Field::Fingerprint, fact)),
                "name" => give.push((Field::Name, fact)),
                _ => {
                    let what =
                        format!("a certificate gives `fingerprint` and `name`, no `{field}`");
                    self.problem(name.span(), what);
                }
            }
        }
        Some(Arc::new(rules::ClientCertificate {
            optional: doc.optional.unwrap_or(false),
            fingerprints: fingerprints.unwrap_or_default(),
            give,
        }))
    }

    pub(super) fn cors(&mut self, doc: document::Cors) -> Option<Arc<dyn Rule>> {
        let any = doc.origins.iter().any(|origin| origin.get_ref() == "*");
        if let Some(first) = doc.origins.first().filter(|_| any && doc.credentials) {
            let message = "`*` and `credentials` do not go together: name the origins";
            self.problem(first.span(), message);
            return None;
        }
        for origin in &doc.origins {
            let text = origin.get_ref();
            if text != "*" && (!text.contains("://") || text.ends_with('/')) {
                let message = "an origin is a scheme and a host, as in `https://shop.example`";
                self.problem(origin.span(), message);
            }
        }
        let listed = |checker: &mut Self, names: &[Text]| {
            let names: Vec<_> = names.iter().map(|name| name.get_ref().as_str()).collect();
            let value = HeaderValue::from_str(&names.join(", "));
            value.map_err(|_| checker.problem(0..0, "no header has such a value")).ok()
        };
        for header in doc.headers.iter().chain(&doc.expose) {
            self.good::<HeaderName>(header.span(), header_name(header.get_ref()))?;
        }
        Some(Arc::new(rules::Cors {
            any,
            origins: doc.origins.iter().map(|origin| origin.get_ref().clone()).collect(),
            methods: listed(self, &doc.methods)?,
            headers: listed(self, &doc.headers)?,
            expose: listed(self, &doc.expose)?,
            credentials: doc.credentials,
            max_age_s: doc.max_age.map(|time| time.0.as_secs()),
        }))
    }

    pub(super) fn rate_limit(
        &mut self,
        doc: document::RateLimit,
        when: &Condition,
    ) -> Option<Arc<dyn Rule>> {
        let (requests, every) = (*doc.requests.get_ref(), doc.every.get_ref().0);
        if requests == 0 {
            self.problem(doc.requests.span(), "at least one request");
        }
        if every.is_zero() {
            self.problem(doc.every.span(), "longer than nothing, as in `\"1m\"`");
        }
        let by = self.template(doc.by.as_ref(), "{request.address}", when)?;
        Some(Arc::new(rules::RateLimit::new(requests.max(1), every, by, when.clone())))
    }

    pub(super) fn split(&mut self, name: &Text, doc: document::Split) -> Option<Arc<dyn Rule>> {
        let plain = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !text.is_empty() && text.chars().all(plain)
        };
        let cookie = doc.cookie.get_ref();
        if !plain(cookie) || !doc.between.keys().all(|variant| plain(variant)) {
            let message = "cookie and variants are letters, digits, `-` and `_`";
            self.problem(doc.cookie.span(), message);
        }
        let total: u64 = doc.between.values().map(|share| u64::from(*share.get_ref())).sum();
        if total == 0 {
            self.problem(name.span(), "give its variants shares: `between = { a = 90, b = 10 }`");
            return None;
        }
        self.facts.insert(cookie.clone());
        let between = doc.between.into_iter();
        Some(Arc::new(rules::Split {
            fact: cookie.as_str().into(),
            cookie: doc.cookie.into_inner(),
            between: between.map(|(name, share)| (name, u64::from(share.into_inner()))).collect(),
            max_age_s: doc.max_age.map_or(30 * 86_400, |time| time.0.as_secs()),
        }))
    }
}
