//! One line of the access log: a JSON object for each request.
//!
//! No header of a client is in it but `User-Agent`, and of a query only the names: values may be
//! secrets.

use serde::Serialize;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// What is said of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Access<'a> {
    /// When its answer had ended, in UTC.
    pub time: String,
    pub location: &'a str,
    pub client: String,
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    /// `q=&token=`: without the values.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    pub status: u16,
    /// Of the answer's body, as many as were sent.
    pub bytes: u64,
    /// Until the answer began, in milliseconds.
    pub begun_ms: f64,
    /// Until it had ended.
    pub ms: f64,
    /// What `Cache-Status` said.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cache: &'a str,
    pub trace: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub agent: &'a str,
}

impl Access<'_> {
    /// The object, on one line.
    pub fn line(&self) -> Vec<u8> {
        // Strings and numbers are JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The time of now, for a log: `2026-11-24T16:29:46.123456Z`.
pub fn now() -> String {
    let mut text = String::with_capacity(32);
    // A string takes all.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// A query without its values.
pub fn names(query: &str) -> String {
    let name = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}="),
        // It may be a name, or a secret alone.
        None => "…".to_owned(),
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(name).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_query_is_in_a_line() {
        assert_eq!(names("q=a&token=s3cret&&s3cret"), "q=&token=&…");
        let access = Access { path: "/a\"\n", query: names("k=s3cret"), ..Access::default() };
        let line = String::from_utf8(access.line()).unwrap();
        assert!(!line.contains("s3cret") && !line.contains('\n'), "{line}");
        assert!(line.contains(r#""path":"/a\"\n","query":"k=""#), "{line}");
    }

    #[test]
    fn a_time_is_one_of_utc() {
        let now = now();
        assert!(now.starts_with("20") && now.ends_with('Z') && now.as_bytes()[10] == b'T', "{now}");
    }
}
