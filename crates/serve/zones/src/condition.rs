//! When a rule or a route is meant: by path, method, host, headers, address and facts.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderName, Method};

use crate::addresses::Addresses;
use crate::pattern::{Captures, Pattern};
use crate::rule::{Part, View};

/// All that is said must hold; of a list, one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    pub paths: Vec<Pattern>,
    /// Paths for which it does not hold after all.
    pub except: Vec<Pattern>,
    pub methods: Vec<Method>,
    pub hosts: Vec<Host>,
    pub headers: Vec<(HeaderName, Wanted)>,
    pub addresses: Option<Addresses>,
    pub facts: Vec<(Arc<str>, Wanted)>,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Any,
    Absent,
    Is(String),
}

/// A host, all below a domain, or all there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    Any,
    Exactly(String),
    /// `*.example.org`, kept as `.example.org`.
    Below(String),
}

impl Wanted {
    fn by(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Self::Any, value) => value.is_some(),
            (Self::Absent, value) => value.is_none(),
            (Self::Is(wanted), value) => value == Some(wanted),
        }
    }
}

impl Host {
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        if name.contains(':') && !name.starts_with('[') {
            return Err(format!("`{text}` has a port; a host is named without it"));
        }
        let address = name.parse::<IpAddr>().is_ok() || name.starts_with('[');
        if !address && (name.is_empty() || name.starts_with('.') || !name.chars().all(plain)) {
            return Err(format!(
                "`{text}` is no host: use lower case, as in `shop.example`, `*.shop.example` or `*`"
            ));
        }
        Ok(if below { Self::Below(format!(".{name}")) } else { Self::Exactly(name.to_owned()) })
    }

    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(name) => name == host,
            Self::Below(domain) => host.len() > domain.len() && host.ends_with(domain.as_str()),
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exactly(name) => f.write_str(name),
            Self::Below(domain) => write!(f, "*{domain}"),
        }
    }
}

impl Condition {
    /// What it reads that a rule may change.
    pub fn needs(&self) -> impl Iterator<Item = Part> {
        let path = !self.paths.is_empty() || !self.except.is_empty();
        let path = path.then_some(Part::Path);
        let headers = self.headers.iter().map(|(name, _)| Part::Header(name.clone()));
        let facts = self.facts.iter().map(|(name, _)| Part::Fact(Arc::clone(name)));
        path.into_iter().chain(headers).chain(facts)
    }

    pub fn holds(&self, view: &View<'_>) -> bool {
        let Self { paths, except, methods, hosts, headers, addresses, facts } = self;
        let header = |name: &HeaderName| view.header(name).map(|v| v.to_str().unwrap_or_default());
        (methods.is_empty() || methods.contains(view.method()))
            && (hosts.is_empty() || hosts.iter().any(|host| host.matches(view.host())))
            && (paths.is_empty() || paths.iter().any(|pattern| pattern.matches(view.path())))
            && !except.iter().any(|pattern| pattern.matches(view.path()))
            && headers.iter().all(|(name, wanted)| wanted.by(header(name)))
            && addresses.as_ref().is_none_or(|list| list.contains(view.address()))
            && facts.iter().all(|(name, wanted)| wanted.by(view.fact(name)))
    }

    /// What the first of its patterns that fits captures of a path.
    pub fn captures<'a>(&'a self, path: &'a str) -> Captures<'a> {
        self.paths.iter().find_map(|pattern| pattern.captures(path)).unwrap_or_default()
    }

    /// Names that all of its patterns capture.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let first = self.paths.first().map(Pattern::names);
        let everywhere =
            |name: &&str| self.paths.iter().all(|pattern| pattern.names().any(|one| one == *name));
        let names: Vec<&str> = first.into_iter().flatten().filter(everywhere).collect();
        names.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Asked;

    #[test]
    fn a_host_is_one_or_all_below_a_domain() {
        let matches = |host: &str, asked: &str| Host::parse(host).expect(host).matches(asked);
        assert!(matches("a.example", "a.example") && !matches("a.example", "b.a.example"));
        assert!(matches("*.a.example", "b.a.example") && !matches("*.a.example", "a.example"));
        assert!(!matches("*.a.example", "xa.example") && matches("*", "any"));
        assert!(matches("127.0.0.1", "127.0.0.1"));
        for bad in ["", "A.example", "a.example:80", "a/b", "*.", ".a", "a b", "a#b"] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_that_is_said_must_hold() {
        let asked = Asked::example("GET", "a.example", "/admin/x");
        let view = View::bare(&asked);
        let pattern = |text| Pattern::parse(text).expect(text);
        let mut condition = Condition::default();
        assert!(condition.holds(&view));
        condition.paths = vec![pattern("/x"), pattern("/admin/*")];
        condition.methods = vec![Method::GET];
        assert!(condition.holds(&view));
        condition.headers = vec![(http::header::COOKIE, Wanted::Absent)];
        assert!(condition.holds(&view));
        condition.except = vec![pattern("/admin/x")];
        assert!(!condition.holds(&view));
        condition.except.clear();
        condition.headers = vec![(http::header::COOKIE, Wanted::Any)];
        assert!(!condition.holds(&view));
    }
}
