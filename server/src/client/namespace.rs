//! A namespace of the account, and what can be asked of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Call, Client, Error, encode, multipart, percent};
use crate::args::At;

/// The version of a write.
pub const VERSION: HeaderName = HeaderName::from_static("littoral-version");

/// Namespaces on a page of their list.
const NAMESPACES_PER_PAGE: usize = 1_000;

/// A namespace that exists, or whose id was given.
pub struct Namespace<'c> {
    pub client: &'c Client,
    pub id: String,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct NamespaceInfo {
    pub id: String,
    pub title: String,
}

/// One write.
#[derive(Clone, Debug, Default)]
pub struct Put {
    pub value: Bytes,
    /// JSON text.
    pub metadata: Option<String>,
    pub expiration: Option<u64>,
    pub ttl: Option<u64>,
    /// `If-Match` or `If-None-Match`.
    pub condition: Option<(HeaderName, HeaderValue)>,
}

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub prefix: String,
    pub limit: u64,
    pub start_after: Option<String>,
    pub reverse: bool,
    pub values: bool,
    pub versions: bool,
}

/// A key of a list.
#[derive(Debug, Deserialize, Serialize)]
pub struct Listed {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<bool>,
}

/// What became of a bulk request.
#[derive(Debug, Default, Deserialize)]
pub struct Bulk {
    #[serde(default)]
    pub unsuccessful_keys: Vec<String>,
}

impl<'c> Namespace<'c> {
    pub async fn resolve(client: &'c Client, at: &At) -> Result<Self, Error> {
        Self::named(client, &at.namespace).await
    }

    /// By id, or else by title.
    pub async fn named(client: &'c Client, name: &str) -> Result<Self, Error> {
        if name.parse::<littoral_types::SpaceId>().is_ok() {
            return Ok(Self { client, id: name.to_ascii_lowercase() });
        }
        let found = Self::all(client).await?.into_iter().find(|each| each.title == name);
        match found {
            Some(NamespaceInfo { id, .. }) => Ok(Self { client, id }),
            None => Err(Error::Refused {
                status: http::StatusCode::NOT_FOUND,
                code: 10013,
                message: format!("no namespace is called `{name}`"),
                retry_after: None,
            }),
        }
    }

    /// All of the account, by title.
    pub async fn all(client: &Client) -> Result<Vec<NamespaceInfo>, Error> {
        let mut all = Vec::new();
        for page in 1.. {
            let query =
                format!("?per_page={NAMESPACES_PER_PAGE}&order=title&direction=asc&page={page}");
            let target = client.account_path("/storage/kv/namespaces") + &query;
            let mut some: Vec<NamespaceInfo> = client.result(Call::get(target)).await?;
            let last = some.len() < NAMESPACES_PER_PAGE;
            all.append(&mut some);
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// The path of the namespace, with `rest` behind it.
    pub fn path(&self, rest: &str) -> String {
        self.client.account_path(&format!("/storage/kv/namespaces/{}{rest}", self.id))
    }

    fn value_path(&self, key: &str) -> String {
        self.path(&format!("/values/{}", percent(key)))
    }

    pub async fn get(&self, key: &str, headers: HeaderMap) -> Result<Response<Incoming>, Error> {
        self.client.send(self.get_call(key, headers)).await
    }

    /// Like [`Self::get`], but any status is an answer.
    pub async fn ask(&self, key: &str, headers: HeaderMap) -> Result<Response<Incoming>, Error> {
        self.client.exchange(self.get_call(key, headers)).await
    }

    fn get_call(&self, key: &str, headers: HeaderMap) -> Call {
        Call::get(self.value_path(key)).headers(headers)
    }

    pub async fn metadata(&self, key: &str) -> Result<Value, Error> {
        self.client.result(Call::get(self.path(&format!("/metadata/{}", percent(key))))).await
    }

    /// The version of the write.
    pub async fn put(&self, key: &str, put: Put) -> Result<String, Error> {
        let query = encode([
            ("expiration", put.expiration.map(|seconds| seconds.to_string())),
            ("expiration_ttl", put.ttl.map(|seconds| seconds.to_string())),
        ]);
        let mut call = Call::new(Method::PUT, self.value_path(key) + &query);
        call = match &put.metadata {
            Some(metadata) => {
                let (content_type, body) = multipart::form(&put.value, metadata);
                call.header(header::CONTENT_TYPE, content_type).body(body)
            }
            None => {
                let binary = HeaderValue::from_static("application/octet-stream");
                call.header(header::CONTENT_TYPE, binary).body(put.value)
            }
        };
        if let Some((name, value)) = put.condition {
            call = call.header(name, value);
        }
        self.client.send(call).await.map(|answer| version(&answer))
    }

    /// The version of the delete.
    pub async fn delete(
        &self,
        key: &str,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<String, Error> {
        let mut call = Call::new(Method::DELETE, self.value_path(key));
        if let Some((name, value)) = condition {
            call = call.header(name, value);
        }
        self.client.send(call).await.map(|answer| version(&answer))
    }

    /// One page from a cursor on, and the next page's cursor.
    pub async fn list(
        &self,
        page: &Page,
        cursor: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), Error> {
        let yes = |wanted: bool| wanted.then(|| "true".to_owned());
        let query = encode([
            ("prefix", (!page.prefix.is_empty()).then(|| page.prefix.clone())),
            ("limit", Some(page.limit.to_string())),
            ("start_after", page.start_after.clone().filter(|_| cursor.is_none())),
            ("reverse", yes(page.reverse)),
            ("values", yes(page.values)),
            ("versions", yes(page.versions)),
            ("cursor", cursor),
        ]);
        let envelope = self.client.envelope(Call::get(self.path("/keys") + &query)).await?;
        let cursor = envelope.result_info.and_then(|info| info.cursor);
        Ok((envelope.result, cursor.filter(|cursor| !cursor.is_empty())))
    }

    /// Writes a JSON array of members.
    pub async fn bulk(&self, members: Bytes) -> Result<Bulk, Error> {
        let json = HeaderValue::from_static("application/json");
        let call = Call::new(Method::PUT, self.path("/bulk"));
        let result: Option<Bulk> =
            self.client.result(call.header(header::CONTENT_TYPE, json).body(members)).await?;
        Ok(result.unwrap_or_default())
    }
}

/// A version as `If-Match` wants it: in quotes, save `*`.
pub fn entity_tag(version: &str) -> Option<HeaderValue> {
    match version.trim_matches('"') {
        "*" => Some(HeaderValue::from_static("*")),
        bare => HeaderValue::try_from(format!("\"{bare}\"")).ok(),
    }
}

fn version(answer: &Response<Incoming>) -> String {
    let value = answer.headers().get(VERSION).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
