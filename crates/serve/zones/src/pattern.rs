//! Patterns of paths: `/blog/{year}/{slug}`, `/assets/*.js`, `/api/*`.

use std::fmt;

/// What paths are compared with. Both are taken segment by segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
    /// The name of whatever follows the segments, if it is not to be nothing: `*` if it has no other.
    rest: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `*` within a segment: what comes before it and after it.
    Glob(String, String),
    Capture(String),
}

/// What stood in place of the names of a pattern.
pub type Captures<'a> = Vec<(&'a str, &'a str)>;

impl Pattern {
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let owned = text.to_owned();
        if text == "*" {
            return Ok(Self { text: owned, segments: Vec::new(), rest: Some("*".into()) });
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!("a path pattern begins with a slash; write `/{text}`"));
        };
        if path.contains(['?', '#']) {
            return Err("a path pattern ends before `?` and `#`; a query is not part of it".into());
        }
        let (mut segments, mut rest) = (Vec::new(), None);
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            match segment(part)? {
                Read::Rest(name) if last => rest = Some(name),
                Read::Rest(name) if name == "*" => {
                    segments.push(Segment::Glob(String::new(), String::new()));
                }
                Read::Rest(name) => {
                    return Err(format!("`{{{name}*}}` takes all that is left: put it last"));
                }
                Read::Segment(segment) => segments.push(segment),
            }
        }
        let pattern = Self { text: owned, segments, rest };
        let mut names: Vec<_> = pattern.names().collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("`{{{}}}` stands in it twice", pair[0])),
            None => Ok(pattern),
        }
    }

    /// Names of what it captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.segments.iter().filter_map(|segment| match segment {
            Segment::Capture(name) => Some(name.as_str()),
            _ => None,
        });
        own.chain(self.rest.as_deref())
    }

    /// What stood where, if a path in normal form is like this.
    pub fn captures<'a>(&'a self, path: &'a str) -> Option<Captures<'a>> {
        let mut captures = Vec::new();
        self.walk(path, |name, value| captures.push((name, value))).then_some(captures)
    }

    /// Whether a path in normal form is like this.
    pub fn matches(&self, path: &str) -> bool {
        self.walk(path, |_, _| {})
    }

    fn walk<'a>(&'a self, path: &'a str, mut captured: impl FnMut(&'a str, &'a str)) -> bool {
        let Some(mut left) = path.strip_prefix('/') else { return self.text == path };
        let last = self.segments.len();
        for (at, segment) in self.segments.iter().enumerate() {
            let (part, after) = match left.split_once('/') {
                Some((part, after)) => (part, Some(after)),
                None => (left, None),
            };
            match segment {
                Segment::Literal(text) if text == part => {}
                Segment::Glob(before, behind)
                    if part.len() >= (before.len() + behind.len()).max(1)
                        && part.starts_with(before.as_str())
                        && part.ends_with(behind.as_str()) => {}
                Segment::Capture(name) if !part.is_empty() => captured(name, part),
                _ => return false,
            }
            match (after, at + 1 == last && self.rest.is_none()) {
                (Some(after), false) => left = after,
                (None, true) => return true,
                _ => return false,
            }
        }
        match &self.rest {
            Some(name) => {
                captured(name, left);
                true
            }
            None => left.is_empty(),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

enum Read {
    Segment(Segment),
    Rest(String),
}

fn segment(part: &str) -> Result<Read, String> {
    if part == "*" {
        return Ok(Read::Rest("*".into()));
    }
    if let Some(inside) = part.strip_prefix('{') {
        let Some(name) = inside.strip_suffix('}') else {
            return Err(format!("`{part}`: a name fills its segment whole, as in `/a/{{name}}`"));
        };
        return match name.strip_suffix('*') {
            Some(name) => self::name(name).map(Read::Rest),
            None => self::name(name).map(|name| Read::Segment(Segment::Capture(name))),
        };
    }
    if part.contains(['{', '}']) {
        return Err(format!("`{part}`: a name fills its segment whole, as in `/a/{{name}}`"));
    }
    match part.split_once('*') {
        Some((_, behind)) if behind.contains('*') => {
            Err(format!("`{part}`: one `*` a segment is enough"))
        }
        Some((before, behind)) => Ok(Read::Segment(Segment::Glob(before.into(), behind.into()))),
        None => {
            let path = format!("/{part}");
            match crate::path::normal(&path) {
                Ok(normal) if normal == path => Ok(Read::Segment(Segment::Literal(part.into()))),
                Ok(normal) => Err(format!(
                    "no path in normal form has `{part}`; write `{}`",
                    normal.trim_start_matches('/')
                )),
                Err(error) => Err(format!("`{part}`: {error}")),
            }
        }
    }
}

fn name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("`{name}` is no name: use letters, digits, `-` and `_`"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pattern: &str, path: &str) -> Option<String> {
        let pattern = Pattern::parse(pattern).expect(pattern);
        assert_eq!(pattern.matches(path), pattern.captures(path).is_some());
        let captures = pattern.captures(path)?;
        let shown: Vec<_> =
            captures.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(shown.join(" "))
    }

    #[test]
    fn segments_are_compared_one_by_one() {
        for (pattern, path, expected) in [
            ("/", "/", Some("")),
            ("/", "/a", None),
            ("/a", "/a", Some("")),
            ("/a", "/a/", None),
            ("/a/", "/a/", Some("")),
            ("/a/*", "/a", None),
            ("/a/*", "/a/", Some("*=")),
            ("/a/*", "/a/b/c", Some("*=b/c")),
            ("/*", "/a/b", Some("*=a/b")),
            ("*", "/", Some("*=")),
            ("/{x}", "/", None),
            ("/{x}/y", "/1/y", Some("x=1")),
            ("/{x}/{rest*}", "/1/2/3", Some("x=1 rest=2/3")),
            ("/{rest*}", "/", Some("rest=")),
            ("/*/b", "/a/b", Some("")),
            ("/*/b", "//b", None),
            ("/as/*.js", "/as/app.js", Some("")),
            ("/as/*.js", "/as/app.css", None),
            ("/as/*.js", "/as/b/app.js", None),
            ("/as/app-*.js", "/as/app-.js", Some("")),
            ("/as/app-*-x", "/as/app-x", None),
        ] {
            assert_eq!(captured(pattern, path).as_deref(), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, why) in [
            ("a", "begins with a slash"),
            ("/a?b", "ends before"),
            ("/{x*}/b", "put it last"),
            ("/{x}/{x}", "twice"),
            ("/a{x}", "fills its segment"),
            ("/{a b}", "is no name"),
            ("/a*b*c", "one `*`"),
            ("/%61", "write `a`"),
            ("/a/../b", "normal form"),
        ] {
            let error = Pattern::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
