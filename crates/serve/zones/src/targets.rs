//! Where routes lead, besides upstreams: folders, namespaces, elsewhere.

mod file;

use std::path::Path;
use std::sync::Arc;

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Uri};
use littoral_http::{Answer, Body, Refusal, Res};
use littoral_kv::Value;
use littoral_types::Body as Held;

use crate::front::Rest;
use crate::means::Means;
use crate::rule::Asked;

pub(crate) use file::folder;

/// The request as the rules have left it; `None` if no request has such a target.
pub(crate) fn head(
    mut head: Parts,
    path: &str,
    query: Option<&str>,
    headers: Vec<(HeaderName, Option<HeaderValue>)>,
) -> Option<Parts> {
    let target = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    if head.uri.path_and_query().is_none_or(|old| old.as_str() != target) {
        let authority = head.uri.authority().cloned();
        let scheme = head.uri.scheme().cloned();
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = Some(target.parse().ok()?);
        if authority.is_some() {
            (parts.scheme, parts.authority) = (scheme.or("http".parse().ok()), authority);
        }
        head.uri = Uri::from_parts(parts).ok()?;
    }
    for (name, value) in headers {
        match value {
            Some(value) => drop(head.headers.insert(name, value)),
            None => drop(head.headers.remove(name)),
        }
    }
    Some(head)
}

pub(crate) fn redirect(to: &str, status: StatusCode) -> Res {
    let mut res = Response::new(Body::empty());
    match HeaderValue::from_str(to) {
        Ok(to) => {
            *res.status_mut() = status;
            res.headers_mut().insert(header::LOCATION, to);
        }
        Err(_) => *res.status_mut() = StatusCode::BAD_GATEWAY,
    }
    res
}

/// A method that is no reading is refused.
fn reads(method: &Method) -> Result<(), Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::method("GET, HEAD")),
    }
}

/// A key's value, as its readers would see it anywhere.
pub(crate) fn namespace(
    means: &Arc<Means>,
    name: String,
    key: String,
    asked: Asked,
    rest: Rest,
) -> Answer {
    if let Err(refusal) = reads(&asked.head.method) {
        return crate::front::drained(refusal.envelope(), rest.body);
    }
    let key = match littoral_http::decode(&key).map(|key| String::from_utf8(key.into_owned())) {
        Ok(Ok(key)) if !key.is_empty() && key.len() <= littoral_kv::doors::KEY_BYTES_MAX => key,
        _ => return Answer::Ready(plain(StatusCode::NOT_FOUND)),
    };
    if let Some(value) = means.peek(&asked.ctx, &name, &key) {
        return Answer::Ready(shown(&value, &key, &asked));
    }
    let means = Arc::clone(means);
    Answer::Later(Box::pin(async move {
        match means.get(&asked.ctx, &name, key.clone()).await {
            Ok(value) => shown(&value, &key, &asked),
            Err(why) => {
                tracing::info!(namespace = name, why, "a route's namespace does not answer");
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, 10424, why).envelope()
            }
        }
    }))
}

fn shown(value: &Value, key: &str, asked: &Asked) -> Res {
    let body = match &value.body {
        Held::Absent => return plain(StatusCode::NOT_FOUND),
        Held::Bytes(bytes) => bytes.clone().into(),
        Held::File(blob) => Body::file(Arc::clone(blob), 0, blob.len()),
    };
    let tag = format!("\"{}\"", value.version);
    entity(asked, key, &tag, body)
}

/// What has a name and a tag, or that it is what the client has.
fn entity(asked: &Asked, name: &str, tag: &str, body: Body) -> Res {
    let mut res = Response::new(body);
    let tag = HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"\""));
    if matches_tag(asked, &tag) {
        res = plain(StatusCode::NOT_MODIFIED);
    } else {
        let kind = HeaderValue::from_static(kind(Path::new(name)));
        res.headers_mut().insert(header::CONTENT_TYPE, kind);
        res.headers_mut()
            .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    res.headers_mut().insert(header::ETAG, tag);
    res
}

fn matches_tag(asked: &Asked, tag: &HeaderValue) -> bool {
    let lines = asked.head.headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    tags.any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes()
    })
}

fn plain(status: StatusCode) -> Res {
    let mut res = Response::new(Body::empty());
    *res.status_mut() = status;
    res
}

/// By the end of a name. What is not known is bytes.
fn kind(name: &Path) -> &'static str {
    match name.extension().and_then(|end| end.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
