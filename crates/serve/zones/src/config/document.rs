//! `zone.toml` as it is written: plain data, each value with its place.

use std::collections::BTreeMap;

use littoral_config::{ByteCount, TimeSpan};
use serde::Deserialize;
use toml::{Spanned, Value};

/// Text and where it stands.
pub(super) type Text = Spanned<String>;
/// One text, or a list of them.
pub(super) type Texts = Spanned<Value>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    pub name: Text,
    pub hosts: Vec<Text>,
    pub tls: Option<Spanned<Tls>>,
    #[serde(default)]
    pub prewarm: Vec<Text>,
    #[serde(default)]
    pub upstreams: BTreeMap<String, Spanned<Upstream>>,
    #[serde(default)]
    pub routes: Vec<Spanned<Route>>,
    #[serde(default)]
    pub rules: Vec<Spanned<Rule>>,
}

/// Files of the node, in PEM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tls {
    pub certificate: Text,
    pub key: Text,
    pub client_authorities: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Upstream {
    pub servers: Vec<Text>,
    pub host: Option<Text>,
    pub ca: Option<Text>,
    pub server_name: Option<Text>,
    pub health: Option<Health>,
    pub retries: Option<Spanned<u32>>,
    pub connections: Option<Spanned<usize>>,
    pub eject_after: Option<Spanned<u32>>,
    pub eject_time: Option<TimeSpan>,
    pub answer_time: Option<TimeSpan>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Health {
    pub path: Text,
    pub every: Option<Spanned<TimeSpan>>,
    pub timeout: Option<TimeSpan>,
    pub fails: Option<u32>,
    pub passes: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Route {
    pub path: Option<Texts>,
    pub host: Option<Texts>,
    pub method: Option<Texts>,
    #[serde(default)]
    pub header: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    pub fact: BTreeMap<String, Spanned<Value>>,
    pub upstream: Option<Text>,
    pub folder: Option<Text>,
    pub namespace: Option<Text>,
    /// The key, in a namespace.
    pub key: Option<Text>,
    pub redirect: Option<Redirect>,
    pub answer: Option<Fixed>,
    pub cache: Option<Spanned<Cache>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Fixed {
    pub status: Option<Spanned<u16>>,
    pub body: Option<Text>,
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Cache {
    pub keep: Option<bool>,
    pub ttl: Option<TimeSpan>,
    pub errors: Option<TimeSpan>,
    pub stale_while_revalidate: Option<TimeSpan>,
    pub stale_if_error: Option<TimeSpan>,
    #[serde(default)]
    pub overrule: bool,
    #[serde(default)]
    pub per_version: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct When {
    pub path: Option<Texts>,
    pub except: Option<Texts>,
    pub host: Option<Texts>,
    pub method: Option<Texts>,
    #[serde(default)]
    pub header: BTreeMap<String, Spanned<Value>>,
    pub address: Option<Texts>,
    #[serde(default)]
    pub fact: BTreeMap<String, Spanned<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rule {
    pub name: Text,
    pub when: Option<When>,
    pub on_error: Option<OnError>,
    pub timeout: Option<Spanned<TimeSpan>>,
    pub addresses: Option<Addresses>,
    pub api_key: Option<ApiKey>,
    pub client_certificate: Option<ClientCertificate>,
    pub jwt: Option<Jwt>,
    pub redirect: Option<Redirect>,
    pub redirects: Option<Redirects>,
    pub rewrite: Option<Rewrite>,
    pub headers: Option<Headers>,
    pub cors: Option<Cors>,
    pub rate_limit: Option<RateLimit>,
    pub limits: Option<Limits>,
    pub split: Option<Split>,
    pub call: Option<Call>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OnError {
    Deny,
    Allow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Addresses {
    pub allow: Option<Texts>,
    pub deny: Option<Texts>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ApiKey {
    pub namespace: Text,
    pub header: Option<Text>,
    pub optional: Option<bool>,
    #[serde(default)]
    pub give: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ClientCertificate {
    pub optional: Option<bool>,
    pub fingerprints: Option<Texts>,
    #[serde(default)]
    pub give: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Jwt {
    pub upstream: Option<Text>,
    pub path: Option<Text>,
    pub keys: Option<Text>,
    pub issuer: Option<Text>,
    pub audience: Option<Text>,
    pub algorithms: Option<Texts>,
    pub cookie: Option<Text>,
    pub leeway: Option<TimeSpan>,
    pub refresh: Option<TimeSpan>,
    pub optional: Option<bool>,
    #[serde(default)]
    pub give: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Redirect {
    pub to: Text,
    pub status: Option<Spanned<u16>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Redirects {
    pub namespace: Text,
    pub status: Option<Spanned<u16>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rewrite {
    pub path: Option<Text>,
    pub query: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Headers {
    pub request: Option<Changes>,
    pub response: Option<Changes>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Changes {
    #[serde(default)]
    pub set: BTreeMap<String, Text>,
    #[serde(default)]
    pub append: BTreeMap<String, Text>,
    #[serde(default)]
    pub remove: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Cors {
    pub origins: Vec<Text>,
    #[serde(default)]
    pub methods: Vec<Text>,
    #[serde(default)]
    pub headers: Vec<Text>,
    #[serde(default)]
    pub expose: Vec<Text>,
    #[serde(default)]
    pub credentials: bool,
    pub max_age: Option<TimeSpan>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RateLimit {
    pub requests: Spanned<u32>,
    pub every: Spanned<TimeSpan>,
    pub by: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub body: Option<ByteCount>,
    pub time: Option<TimeSpan>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Split {
    pub cookie: Text,
    pub between: BTreeMap<String, Spanned<u32>>,
    pub max_age: Option<TimeSpan>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Call {
    pub upstream: Text,
    pub path: Text,
    /// Of the request, that go along.
    #[serde(default)]
    pub forward: Vec<Text>,
    /// More, of its own.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Facts, by the header of the answer that holds each.
    #[serde(default)]
    pub give: BTreeMap<String, Text>,
    #[serde(default)]
    pub cache: bool,
}
