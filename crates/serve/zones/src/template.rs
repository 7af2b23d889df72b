//! Text with names in it: `https://{request.host}/posts/{slug}`.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::rule::{Part, View};

/// Text in which names stand for what a request shows, a path captured, or a rule found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(Name),
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Method,
    Host,
    Path,
    Query,
    Address,
    Header(HeaderName),
    /// Of the pattern beside it.
    Captured(String),
    Fact(Arc<str>),
}

impl Template {
    /// `captured`: names of the pattern beside it.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse<'a>(
        text: &str,
        captured: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, String> {
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, found) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = found.strip_prefix("{{").or_else(|| found.strip_prefix("}}")) {
                plain.push_str(&found[..1]);
                rest = after;
                continue;
            }
            let Some((name, after)) = found.strip_prefix('{').and_then(|f| f.split_once('}'))
            else {
                return Err("a `{` without its `}`; write `{{` or `}}` for the sign itself".into());
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Name(Name::parse(name, captured.clone())?));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// What it reads of a request.
    pub fn needs(&self) -> Vec<Part> {
        let needs = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Name(name) => name.needs(),
        });
        needs.collect()
    }

    /// The facts it reads.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Name(Name::Fact(name)) => Some(&**name),
            _ => None,
        })
    }

    /// The text for a request. What is not there is empty.
    pub fn fill(&self, view: &View<'_>, captures: &[(&str, &str)]) -> String {
        self.filled(view, captures, |value| value.into())
    }

    /// The same as part of a URL: what is not from a path or query is percent-encoded.
    pub fn fill_url(&self, view: &View<'_>, captures: &[(&str, &str)]) -> String {
        self.filled(view, captures, encoded)
    }

    fn filled(
        &self,
        view: &View<'_>,
        captures: &[(&str, &str)],
        written: impl Fn(&str) -> String,
    ) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Name(Name::Method) => text.push_str(view.method().as_str()),
                Piece::Name(Name::Host) => text.push_str(view.host()),
                Piece::Name(Name::Path) => text.push_str(view.path()),
                Piece::Name(Name::Query) => text.push_str(view.query().unwrap_or_default()),
                Piece::Name(Name::Address) => text.push_str(&view.address().to_string()),
                Piece::Name(Name::Header(name)) => {
                    let value = view.header(name).and_then(|value| value.to_str().ok());
                    text.push_str(&written(value.unwrap_or_default()));
                }
                Piece::Name(Name::Captured(name)) => {
                    let value = captures.iter().find(|(one, _)| one == name);
                    text.push_str(value.map_or("", |(_, value)| value));
                }
                Piece::Name(Name::Fact(name)) => {
                    text.push_str(&written(view.fact(name).unwrap_or_default()));
                }
            }
        }
        text
    }
}

impl Name {
    fn parse<'a>(text: &str, mut captured: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        if captured.any(|name| name == text) {
            return Ok(Self::Captured(text.to_owned()));
        }
        let Some(of_request) = text.strip_prefix("request.") else {
            if !fact_name(text) {
                return Err(format!(
                    "nothing is called `{{{text}}}`: a path captures it, a rule gives it (such as \
                     `{{key.owner}}`), or it is of the request (such as `{{request.path}}`)"
                ));
            }
            return Ok(Self::Fact(text.into()));
        };
        if let Some(name) = of_request.strip_prefix("header.") {
            return name
                .parse()
                .map(Self::Header)
                .map_err(|_| format!("`{name}` is no name of a header"));
        }
        match of_request {
            "method" => Ok(Self::Method),
            "host" => Ok(Self::Host),
            "path" => Ok(Self::Path),
            "query" => Ok(Self::Query),
            "address" => Ok(Self::Address),
            _ => Err(format!(
                "a request has method, host, path, query, address and header.NAME, no \
                 `{of_request}`"
            )),
        }
    }

    fn needs(&self) -> Option<Part> {
        match self {
            Self::Method | Self::Address | Self::Captured(_) => None,
            Self::Host => None,
            Self::Path => Some(Part::Path),
            Self::Query => Some(Part::Query),
            Self::Header(name) => Some(Part::Header(name.clone())),
            Self::Fact(name) => Some(Part::Fact(Arc::clone(name))),
        }
    }
}

/// Facts are called `plan`, or `jwt.sub`.
pub(crate) fn fact_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.chars().all(plain)
}

/// Safe as one segment of a path, or one value of a query.
fn encoded(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => all.push(char::from(byte)),
            byte => all.push_str(&format!("%{byte:02X}")),
        }
    }
    all
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Asked;

    fn filled(text: &str) -> Result<String, String> {
        let template = Template::parse(text, ["slug"].into_iter())?;
        let mut asked = Asked::example("GET", "shop.example", "/a/b?c=d");
        asked.head.headers.insert("x-kind", http::HeaderValue::from_static("a b"));
        Ok(template.fill_url(&View::bare(&asked), &[("slug", "one%2Ftwo")]))
    }

    #[test]
    fn names_stand_for_what_the_request_shows() {
        assert_eq!(filled("plain").as_deref(), Ok("plain"));
        assert_eq!(
            filled(
                "https://{request.host}{request.path}?{request.query}&k={request.header.x-kind}"
            )
            .as_deref(),
            Ok("https://shop.example/a/b?c=d&k=a%20b")
        );
        assert_eq!(filled("/posts/{slug}{key.owner}").as_deref(), Ok("/posts/one%2Ftwo"));
        assert_eq!(filled("{{slug}}").as_deref(), Ok("{slug}"));
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        for bad in ["{", "}", "{slug", "{request.body}", "{a b}", "{request.header.a b}", "{}"] {
            assert!(filled(bad).is_err(), "{bad}");
        }
    }
}
