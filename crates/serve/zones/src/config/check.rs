//! From what is written to what it means, with every problem found on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use toml::{Spanned, Value};

use super::document::{self, Document, Text, Texts};
use super::servers::warm;
use super::{
    Cache, Config, Files, HOSTS_MAX, PREWARM_MAX, Problem, ROUTES_MAX, Route, Target, UPSTREAMS_MAX,
};
use crate::addresses::Addresses;
use crate::condition::{Condition, Host, Wanted};
use crate::pattern::Pattern;
use crate::plan::{Plan, RULES_MAX};
use crate::rule::Reply;
use crate::template::{Template, fact_name};

/// Bytes of a fixed answer's body.
const BODY_BYTES_MAX: usize = 64 * 1024;
const NAME_CHARS_MAX: usize = 64;

/// What is known so far.
pub(super) struct Checker<'a> {
    text: &'a str,
    problems: Vec<Problem>,
    upstreams: BTreeSet<String>,
    namespaces: Vec<(String, Range<usize>)>,
    pub(super) files: Vec<(Files, Range<usize>)>,
    /// Whether clients are asked for certificates.
    pub(super) clients: bool,
    /// What the rules so far give.
    pub(super) facts: BTreeSet<String>,
}

pub(super) fn check(text: &str, document: Document) -> Result<Config, Vec<Problem>> {
    let mut checker = Checker {
        text,
        problems: Vec::new(),
        upstreams: document.upstreams.keys().cloned().collect(),
        namespaces: Vec::new(),
        files: Vec::new(),
        clients: false,
        facts: BTreeSet::new(),
    };
    let config = checker.config(document);
    if checker.problems.is_empty() {
        let Checker { namespaces, files, .. } = checker;
        return Ok(Config { namespaces, files, ..config });
    }
    checker.problems.sort_by_key(|problem| problem.place.start);
    Err(checker.problems)
}

impl Checker<'_> {
    pub(super) fn problem(&mut self, place: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::at(self.text, place, message));
    }

    /// The value, or a problem at its place.
    pub(super) fn good<T>(&mut self, place: Range<usize>, value: Result<T, String>) -> Option<T> {
        value.map_err(|why| self.problem(place, why)).ok()
    }

    fn config(&mut self, document: Document) -> Config {
        let name = self.name(&document.name);
        if document.hosts.is_empty() {
            let place = document.name.span();
            self.problem(place, "a zone has hosts: add `hosts = [\"shop.example\"]`");
        }
        self.at_most(document.hosts.len(), HOSTS_MAX, "hosts");
        self.at_most(document.routes.len(), ROUTES_MAX, "routes");
        self.at_most(document.rules.len(), RULES_MAX, "rules");
        self.at_most(document.upstreams.len(), UPSTREAMS_MAX, "upstreams");
        let hosts = document.hosts.iter();
        let hosts = hosts.filter_map(|host| self.good(host.span(), Host::parse(host.get_ref())));
        let hosts: Vec<Host> = hosts.collect();
        let tls = document.tls.map(|tls| self.tls(tls));
        self.at_most(document.prewarm.len(), PREWARM_MAX, "URLs to prewarm");
        let prewarm = document.prewarm.iter();
        let prewarm = prewarm.filter_map(|url| self.good(url.span(), warm(url.get_ref(), &hosts)));
        let prewarm = prewarm.collect();
        let mut upstreams = BTreeMap::new();
        for (name, upstream) in document.upstreams {
            let place = upstream.span();
            if let Some(upstream) = self.upstream(&name, place, upstream.into_inner()) {
                upstreams.insert(name, upstream);
            }
        }
        let (mut steps, mut names) = (Vec::new(), BTreeSet::new());
        for rule in document.rules {
            if !names.insert(rule.get_ref().name.get_ref().clone()) {
                let place = rule.get_ref().name.span();
                self.problem(place, "another rule has this name: each needs its own");
            }
            steps.extend(self.rule(rule.span(), rule.into_inner()));
        }
        let routes = document.routes.into_iter();
        let routes: Vec<_> =
            routes.filter_map(|route| self.route(route.span(), route.into_inner())).collect();
        steps.truncate(RULES_MAX);
        let (namespaces, files, plan) = (Vec::new(), Vec::new(), Plan::new(steps));
        Config { name, hosts, tls, prewarm, upstreams, routes, plan, namespaces, files }
    }

    fn at_most(&mut self, count: usize, max: usize, what: &str) {
        if count > max {
            self.problem(0..0, format!("{count} {what}: a zone has at most {max}"));
        }
    }

    fn name(&mut self, name: &Text) -> String {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let text = name.get_ref();
        if text.is_empty() || text.len() > NAME_CHARS_MAX || !text.chars().all(plain) {
            let message = "a zone's name is 1 to 64 lower case letters, digits, `-` and `.`";
            self.problem(name.span(), message);
        }
        text.clone()
    }

    fn route(&mut self, place: Range<usize>, route: document::Route) -> Option<Route> {
        let when = document::When {
            path: route.path,
            except: None,
            host: route.host,
            method: route.method,
            header: route.header,
            address: None,
            fact: route.fact,
        };
        let mut when = self.condition(Some(when));
        if when.paths.is_empty() {
            when.paths.extend(Pattern::parse("*"));
        }
        let cache = route.cache.map(|cache| (cache.span(), cache.into_inner()));
        let to_upstream = route.upstream.is_some();
        let key = route.key;
        let mut targets = Vec::new();
        if let Some(name) = route.upstream {
            self.known_upstream(&name);
            targets.push(Some(Target::Upstream(name.into_inner())));
        }
        if let Some(folder) = route.folder {
            let file = self.template(key.as_ref(), "{*}", &when);
            targets.push(file.map(|file| Target::Folder(folder.get_ref().into(), file)));
        }
        if let Some(name) = route.namespace {
            self.named(&name);
            let key = self.template(key.as_ref(), "{*}", &when);
            targets.push(key.map(|key| Target::Namespace(name.into_inner(), key)));
        }
        if let Some(redirect) = route.redirect {
            let status = self.redirect_status(redirect.status.as_ref());
            let to = self.template(Some(&redirect.to), "", &when);
            targets.push(to.map(|to| Target::Redirect(to, status)));
        }
        if let Some(fixed) = route.answer {
            targets.push(self.fixed(fixed).map(|reply| Target::Answer(Box::new(reply))));
        }
        if targets.len() != 1 {
            let message = "a route goes to one place: give it `upstream`, `folder`, `namespace`, \
                           `redirect` or `answer`";
            self.problem(place, message);
            return None;
        }
        if let Some((place, _)) = cache.as_ref().filter(|_| !to_upstream) {
            self.problem(place.clone(), "only what comes from an `upstream` is cached here");
        }
        let cache = cache.map_or_else(Cache::default, |(_, cache)| cached(&cache));
        targets.pop()?.map(|target| Route { when, target, cache })
    }

    fn fixed(&mut self, fixed: document::Fixed) -> Option<Reply> {
        let status = fixed.status.map(|status| {
            let code = StatusCode::from_u16(*status.get_ref()).ok();
            let code = code.filter(|code| !code.is_informational());
            self.good(status.span(), code.ok_or_else(|| "a status is 200 to 999".to_owned()))
        });
        let mut reply = Reply::new(status.unwrap_or(Some(StatusCode::OK))?);
        for (name, value) in fixed.headers {
            let place = value.span();
            let name = self.good(place.clone(), header_name(&name))?;
            let value = HeaderValue::from_str(value.get_ref());
            let value = value.map_err(|_| "no header has such a value".to_owned());
            reply.headers.insert(name, self.good(place, value)?);
        }
        if let Some(body) = fixed.body {
            if body.get_ref().len() > BODY_BYTES_MAX {
                self.problem(body.span(), "longer than 64 KiB: put it into a folder");
            }
            reply.body = body.into_inner().into();
        }
        Some(reply)
    }

    pub(super) fn condition(&mut self, when: Option<document::When>) -> Condition {
        let Some(when) = when else { return Condition::default() };
        let addresses =
            when.address.map(|list| Addresses::new(self.each(&list, Addresses::network)));
        let method = |text: &str| {
            let method = Method::from_bytes(text.as_bytes());
            let upper = text.bytes().all(|byte| !byte.is_ascii_lowercase());
            method
                .ok()
                .filter(|_| upper)
                .ok_or_else(|| format!("`{text}` is no method; write `GET`"))
        };
        let mut headers = Vec::new();
        for (name, value) in when.header {
            if let Some(name) = self.good(value.span(), header_name(&name)) {
                headers.extend(self.wanted(&value).map(|wanted| (name, wanted)));
            }
        }
        let mut facts = Vec::new();
        for (name, value) in when.fact {
            self.known_fact(&name, value.span());
            facts.extend(self.wanted(&value).map(|wanted| (Arc::from(name), wanted)));
        }
        let list = |texts: Option<Texts>, checker: &mut Self| {
            texts.map(|texts| checker.each(&texts, Pattern::parse)).unwrap_or_default()
        };
        Condition {
            paths: list(when.path, self),
            except: list(when.except, self),
            methods: when.method.map(|list| self.each(&list, method)).unwrap_or_default(),
            hosts: when.host.map(|list| self.each(&list, Host::parse)).unwrap_or_default(),
            headers,
            addresses,
            facts,
        }
    }

    /// One text or a list of them, each read.
    pub(super) fn each<T>(
        &mut self,
        texts: &Texts,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let all = match texts.get_ref() {
            Value::String(_) => std::slice::from_ref(texts.get_ref()),
            Value::Array(all) => all,
            _ => &[],
        };
        if all.is_empty() {
            self.problem(texts.span(), "text in quotes, or a list of texts, is meant here");
        }
        let mut good = Vec::with_capacity(all.len());
        for text in all {
            let read = match text.as_str() {
                Some(text) => read(text),
                None => Err("text in quotes is meant here".into()),
            };
            good.extend(self.good(texts.span(), read));
        }
        good
    }

    fn wanted(&mut self, value: &Spanned<Value>) -> Option<Wanted> {
        match value.get_ref() {
            Value::String(text) => Some(Wanted::Is(text.clone())),
            Value::Boolean(true) => Some(Wanted::Any),
            Value::Boolean(false) => Some(Wanted::Absent),
            _ => {
                let message = "a text it must be, `true` for any, or `false` for none at all";
                self.problem(value.span(), message);
                None
            }
        }
    }

    /// A template, or `otherwise`, in which `{*}` is all that a pattern's last `*` stands for.
    pub(super) fn template(
        &mut self,
        text: Option<&Text>,
        otherwise: &str,
        when: &Condition,
    ) -> Option<Template> {
        let (written, place) = match text {
            Some(text) => (text.get_ref().as_str(), text.span()),
            None => (otherwise, 0..0),
        };
        let template = self.good(place.clone(), Template::parse(written, when.names()))?;
        let unknown: Vec<String> = template
            .facts()
            .filter(|fact| !self.facts.contains(*fact))
            .map(str::to_owned)
            .collect();
        for fact in unknown {
            self.known_fact(&fact, place.clone());
        }
        Some(template)
    }

    pub(super) fn known_fact(&mut self, name: &str, place: Range<usize>) {
        if !fact_name(name) {
            self.problem(place, format!("`{name}` is no name of a fact"));
        } else if !self.facts.contains(name) {
            let all: Vec<_> = self.facts.iter().map(|fact| format!("`{fact}`")).collect();
            let known = match all.is_empty() {
                true => "no rule before it gives any".to_owned(),
                false => format!("rules before it give {}", all.join(", ")),
            };
            self.problem(place, format!("nothing gives `{name}`: {known}"));
        }
    }

    pub(super) fn known_upstream(&mut self, name: &Text) {
        if !self.upstreams.contains(name.get_ref()) {
            let message = format!(
                "there is no upstream `{0}`: add `[upstreams.{0}]` with its `servers`",
                name.get_ref()
            );
            self.problem(name.span(), message);
        }
    }

    /// Whether a namespace is there, its store knows.
    pub(super) fn named(&mut self, name: &Text) {
        self.namespaces.push((name.get_ref().clone(), name.span()));
    }

    pub(super) fn redirect_status(&mut self, status: Option<&Spanned<u16>>) -> StatusCode {
        let Some(status) = status else { return StatusCode::FOUND };
        match *status.get_ref() {
            code @ (301 | 302 | 303 | 307 | 308) => {
                StatusCode::from_u16(code).unwrap_or(StatusCode::FOUND)
            }
            _ => {
                self.problem(status.span(), "a redirect is 301, 302, 303, 307 or 308");
                StatusCode::FOUND
            }
        }
    }
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of a header"))
}

fn cached(cache: &document::Cache) -> Cache {
    Cache {
        keep: cache.keep.unwrap_or(true),
        ttl: cache.ttl.map(|time| time.0),
        errors: cache.errors.map(|time| time.0),
        stale_while_revalidate: cache.stale_while_revalidate.map(|time| time.0),
        stale_if_error: cache.stale_if_error.map(|time| time.0),
        overrule: cache.overrule,
        per_version: cache.per_version,
    }
}
