//! What a purge names, as scopes of keys: a purge costs the same however much is kept.

pub(crate) mod call;
mod door;

use bytes::Bytes;
use http::Uri;
use littoral_tiers::Scope;
use serde::Deserialize;

use crate::Error;
use crate::key;
use crate::rules::tag;

/// Things of one sort in one call.
pub const NAMED_MAX: usize = 100;

/// What is to be asked for anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purge {
    pub(crate) scopes: Vec<Scope>,
    /// Held on as stale, to be validated, instead of gone.
    pub soft: bool,
}

/// A part of what a gateway keeps, which may be purged by itself: some hosts, and the labels of their
/// answers.
#[derive(Clone, Copy)]
pub struct Realm<'a> {
    /// Whether a host is its own; a port may stand behind it.
    pub has: &'a (dyn Fn(&str) -> bool + Sync),
    /// The label that all its answers have; others begin with it and a space.
    pub mark: &'a str,
}

impl Realm<'_> {
    /// A label as the answers of a realm have it.
    pub fn label(mark: &str, label: &[u8]) -> Vec<u8> {
        [mark.as_bytes(), b" ", label].concat()
    }

    fn check(&self, host: &str) -> Result<(), Error> {
        if (self.has)(host) {
            return Ok(());
        }
        Err(bad(format!("the host {host:?} is not of this zone")))
    }
}

/// The body of a call. What it does not know it does not mind, as it must name something.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    purge_everything: bool,
    #[serde(default)]
    soft: bool,
}

/// A URL. The headers of one way of asking may stand beside it; all its variants go.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Url(String),
    Asked {
        url: String,
        #[serde(default, rename = "headers")]
        _headers: std::collections::BTreeMap<String, String>,
    },
}

impl Purge {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// [`Error::BadPurge`] says what is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        Self::read(body, None)
    }

    /// The same, of a realm alone.
    ///
    /// # Errors
    /// As [`Purge::parse`], and for what is not of the realm.
    pub fn parse_in(body: &[u8], realm: &Realm<'_>) -> Result<Self, Error> {
        Self::read(body, Some(realm))
    }

    /// Both at once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.scopes.extend(other.scopes);
        self
    }

    fn read(body: &[u8], realm: Option<&Realm<'_>>) -> Result<Self, Error> {
        let check = |host: &str| realm.map_or(Ok(()), |realm| realm.check(host));
        let named: Named = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
        let Named { files, tags, prefixes, hosts, purge_everything, soft } = named;
        let sorts = [files.len(), tags.len(), prefixes.len(), hosts.len()];
        if let Some(many) = sorts.into_iter().find(|many| *many > NAMED_MAX) {
            return Err(bad(format!(
                "{many} in one list; at most {NAMED_MAX}: send several calls"
            )));
        }
        let mut scopes = Vec::new();
        for file in files {
            let (File::Url(url) | File::Asked { url, .. }) = file;
            let (host, target) = of_url(&url)?;
            check(&host)?;
            scopes.push(Scope::Prefix(key::of_url(&host, &target)));
        }
        for label in tags {
            let label = label.trim();
            if label.is_empty() {
                return Err(bad("a tag is empty".into()));
            }
            let label = match realm {
                Some(realm) => Realm::label(realm.mark, label.as_bytes()),
                None => label.into(),
            };
            scopes.push(Scope::Tag(tag(&label)));
        }
        for prefix in prefixes {
            check(host_of(&prefix))?;
            scopes.extend(of_prefix(&prefix)?);
        }
        for host in hosts {
            check(host.trim())?;
            scopes.extend(of_host(host.trim())?);
        }
        if purge_everything {
            scopes = vec![match realm {
                Some(realm) => Scope::Tag(tag(realm.mark.as_bytes())),
                None => Scope::Everything,
            }];
        }
        if scopes.is_empty() {
            let what = "it names nothing: send \"files\", \"tags\", \"prefixes\" or \"hosts\", or \
                        \"purge_everything\": true";
            return Err(bad(what.into()));
        }
        Ok(Self { scopes, soft })
    }

    /// One URL, in all its variants.
    pub fn url(host: &str, target: &str, soft: bool) -> Self {
        Self { scopes: vec![Scope::Prefix(key::of_url(host, target))], soft }
    }
}

fn bad(what: String) -> Error {
    Error::BadPurge(what)
}

/// Host and target.
fn of_url(text: &str) -> Result<(String, String), Error> {
    let wrong = || bad(format!("{text:?} is not a URL: write http://HOST/PATH"));
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let host = uri.authority().filter(|_| matches!(uri.scheme_str(), Some("http" | "https")));
    let host = host.filter(|host| named(host.as_str())).ok_or_else(wrong)?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    Ok((host.as_str().to_owned(), target))
}

/// A prefix without the scheme that it may begin with.
fn bare(prefix: &str) -> &str {
    let text = prefix.trim();
    text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text)
}

fn host_of(prefix: &str) -> &str {
    bare(prefix).split('/').next().unwrap_or_default()
}

/// `HOST/PATH`: whatever begins so, byte by byte.
fn of_prefix(text: &str) -> Result<Vec<Scope>, Error> {
    let bare = bare(text);
    let Some((host, path)) = bare.split_once('/') else { return of_host(bare) };
    if !plain(bare) || !named(host) {
        return Err(bad(format!("{text:?} is not a prefix: write HOST/PATH, without spaces")));
    }
    let mut prefix = key::of_url(host, &format!("/{path}")).to_vec();
    // The end of a key's target.
    prefix.pop();
    Ok(vec![Scope::Prefix(prefix.into())])
}

/// All of a host: of one that names no port, on any.
fn of_host(host: &str) -> Result<Vec<Scope>, Error> {
    if !plain(host) || !named(host) || host.contains('/') {
        return Err(bad(format!("{host:?} is not a host: write NAME or NAME:PORT")));
    }
    let begins = |ends: &str| {
        let host = key::host(host);
        Scope::Prefix(Bytes::from([host.as_bytes(), ends.as_bytes()].concat()))
    };
    let name = host.rsplit_once(']').map_or(host, |(_, port)| port);
    let all = if name.contains(':') { &[" "][..] } else { &[" ", ":"] };
    Ok(all.iter().map(|ends| begins(ends)).collect())
}

/// Whether there is a name in it, and nothing else but a port.
fn named(host: &str) -> bool {
    !host.is_empty() && !host.starts_with(':') && !host.contains(['@', '#', '?'])
}

fn plain(text: &str) -> bool {
    text.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(body: &str) -> Vec<Bytes> {
        let purge = Purge::parse(body.as_bytes()).expect("a purge");
        let prefix = |scope| match scope {
            Scope::Prefix(prefix) => prefix,
            other => panic!("{other:?}"),
        };
        purge.scopes.into_iter().map(prefix).collect()
    }

    #[test]
    fn every_sort_of_name_covers_its_keys_and_no_others() {
        let files = r#"{"files": ["http://Example.org:80/a?b", {"url": "https://x", "headers": {"Origin": "y"}}]}"#;
        assert_eq!(covered(files), [key::of_url("example.org", "/a?b"), key::of_url("x", "/")]);
        let prefixes = covered(r#"{"prefixes": ["Example.org/a", "http://x:8080/"]}"#);
        assert_eq!(prefixes, ["example.org /a", "x:8080 /"]);
        assert!(key::of_url("example.org", "/ab?c").starts_with(&prefixes[0]));
        assert!(!key::of_url("example.org", "/b").starts_with(&prefixes[0]));
        let hosts = covered(r#"{"hosts": ["Example.org", "x:80", "y:8080", "[::1]"]}"#);
        let expected =
            ["example.org ", "example.org:", "x ", "y:8080 ", "[::1] ", "[::1]:"].map(Bytes::from);
        assert_eq!(hosts, expected);
        let purge = Purge::parse(br#"{"tags": [" a "], "soft": true}"#).expect("a purge");
        assert_eq!(purge, Purge { scopes: vec![Scope::Tag(tag(b"a"))], soft: true });
        let all = Purge::parse(br#"{"purge_everything": true, "tags": ["a"]}"#).expect("a purge");
        assert_eq!(all.scopes, [Scope::Everything], "no more is needed");
    }

    #[test]
    fn a_realm_purges_its_own_and_nothing_else() {
        let has = |host: &str| host.starts_with("mine.example");
        let realm = Realm { has: &has, mark: "m" };
        let read = |body: &str| Purge::parse_in(body.as_bytes(), &realm);
        let scopes = |body: &str| read(body).expect(body).scopes;
        let label = Scope::Tag(tag(b"m a"));
        assert_eq!(scopes(r#"{"tags": ["a"]}"#), std::slice::from_ref(&label));
        assert_eq!(scopes(r#"{"purge_everything": true}"#), [Scope::Tag(tag(b"m"))]);
        let file = Scope::Prefix(key::of_url("mine.example:81", "/a"));
        assert_eq!(scopes(r#"{"files": ["http://mine.example:81/a"]}"#), [file]);
        for body in [
            r#"{"files": ["http://other.example/a"]}"#,
            r#"{"prefixes": ["https://other.example/a"]}"#,
            r#"{"prefixes": ["mine.example/a", "other.example"]}"#,
            r#"{"hosts": [" other.example"]}"#,
        ] {
            let error = read(body).expect_err(body).to_string();
            assert!(error.contains("not of this zone"), "{body}: {error}");
        }
    }

    #[test]
    fn what_names_nothing_or_too_much_is_refused() {
        let many: Vec<String> = (0..=NAMED_MAX).map(|n| format!("\"t{n}\"")).collect();
        let many = format!("{{\"tags\": [{}]}}", many.join(","));
        for (body, says) in [
            ("{}", "names nothing"),
            ("{\"purge_everything\": false}", "names nothing"),
            ("{\"files\": [\"/a\"]}", "not a URL"),
            ("{\"files\": [\"http://u@a/\"]}", "not a URL"),
            ("{\"files\": [\"ftp://a/\"]}", "not a URL"),
            ("{\"files\": [7]}", "File"),
            ("{\"hosts\": [\"a/b\"]}", "not a host"),
            ("{\"hosts\": [\"\"]}", "not a host"),
            ("{\"hosts\": [\":80\"]}", "not a host"),
            ("{\"prefixes\": [\"a b/c\"]}", "not a prefix"),
            ("{\"tags\": [\" \"]}", "empty"),
            ("[", "EOF"),
            (&many, "at most 100"),
        ] {
            let error = Purge::parse(body.as_bytes()).expect_err(body).to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }
}
