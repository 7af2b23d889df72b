//! A namespace as the REST API shows it, from one location.

use std::net::SocketAddr;

use serde_json::Value;

use crate::dev::{ACCOUNT, TOKEN};
use crate::escape::percent;
use crate::wire::{Request, Response};

#[derive(Clone, Debug)]
pub struct Namespace {
    pub id: String,
    at: SocketAddr,
    token: String,
}

impl Namespace {
    pub(crate) fn new(at: SocketAddr, id: &str) -> Self {
        Self { id: id.to_owned(), at, token: TOKEN.to_owned() }
    }

    /// The same namespace from another location.
    #[must_use]
    pub fn at(&self, at: SocketAddr) -> Self {
        Self { at, ..self.clone() }
    }

    /// The same namespace with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The path of something in it.
    pub fn path(&self, tail: &str) -> String {
        format!("/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/{}{tail}", self.id)
    }

    /// A request, with the token, for something in it: `/keys?prefix=a`.
    pub fn request(&self, method: &str, tail: &str) -> Request {
        Request::new(method, self.path(tail))
            .header("Authorization", format!("Bearer {}", self.token))
    }

    /// A request for a key's value.
    pub fn value(&self, method: &str, key: impl AsRef<[u8]>) -> Request {
        self.request(method, &format!("/values/{}", percent(key)))
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        request.send(self.at)
    }

    /// The version of the write.
    #[track_caller]
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) -> String {
        version_of_write(&self.send(&self.value("PUT", key).body(value)).expect(200))
    }

    /// The version of the delete.
    #[track_caller]
    pub fn delete(&self, key: impl AsRef<[u8]>) -> String {
        version_of_write(&self.send(&self.value("DELETE", key)).expect(200))
    }

    /// `None` when there is no such key.
    #[track_caller]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        let answer = self.send(&self.value("GET", key));
        if answer.status == 404 {
            assert_eq!(answer.code(), Some(10009), "{}", answer.message());
            return None;
        }
        Some(answer.expect(200).body)
    }

    /// The names on one page, and the cursor to the next, if any.
    #[track_caller]
    pub fn page(&self, query: &str) -> (Vec<Value>, Option<String>) {
        let page = self.send(&self.request("GET", &format!("/keys?{query}"))).expect(200).json();
        let keys = page["result"].as_array().expect("a page is an array").clone();
        assert_eq!(page["result_info"]["count"], keys.len(), "count is the page's length");
        let cursor = page["result_info"]["cursor"].as_str().unwrap_or_default();
        (keys, Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()))
    }

    /// Every entry, by following cursors.
    #[track_caller]
    pub fn list(&self, query: &str) -> Vec<Value> {
        let (mut keys, mut cursor) = self.page(query);
        while let Some(from) = cursor {
            let (more, next) = self.page(&format!("{query}&cursor={}", percent(from)));
            keys.extend(more);
            cursor = next;
        }
        keys
    }

    /// Every name, by following cursors.
    #[track_caller]
    pub fn names(&self, query: &str) -> Vec<String> {
        let name = |entry: &Value| entry["name"].as_str().expect("a key has a name").to_owned();
        self.list(query).iter().map(name).collect()
    }
}

#[track_caller]
fn version_of_write(answer: &Response) -> String {
    assert_eq!(answer.json()["success"], true);
    let version = answer.header("littoral-version").expect("a write says its version");
    let fits = version.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-'));
    assert!(fits && (1..=40).contains(&version.len()), "no version: {version:?}");
    version.to_owned()
}
